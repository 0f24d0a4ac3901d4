"""From an analysis, and from what people decided, to the samples and labels to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from dataparams.decisions.agreement import agreed_decisions
from dataparams.decisions.store import DecisionStore
from dataparams.errors import RunError, UserError
from dataparams.run.cleaned_samples import (
    CleanedSamples,
    cleaned_classes,
    is_of_people,
    write_cleaned,
)
from dataparams.run.safe_files import write_whole
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import MOST_CLASSES, text_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.run.folder import RunFolder

Strategy = Literal["easy", "likely", "relabel", "reviewed"]
Undecided = Literal["keep", "likely", "relabel", "drop"]
_FEWEST = 2
_EVEN = 0.5
_MOST_CHANGES = 10
_JUDGED = ("category", "noise_probability", "suggested_label", "suggested_confidence")
_DECIDED = ("action", "decided_label", "is_disputed")
_COUNTS = ("given", "kept", "to_others", "dropped", "from_others", "total")


@dataclass(frozen=True)
class CleanSettings:
    """How to decide which samples are kept, and with which labels.

    Attributes:
        strategy: ``easy``: the easy samples, with the labels given. ``likely``: also those hard
            and need-review samples whose label is likelier right than wrong. ``relabel``: the same,
            but where the suggested label is confident enough, with that label. ``reviewed``: what
            people decided; of the samples that nobody decided about, those that somebody skipped
            among them, the easy ones, and the others as ``undecided`` says. Samples about which
            people disagree are left out.
        confidence: How confident a suggested label must be, 0 ... 1.
        undecided: What becomes of a hard or need-review sample that nobody decided about: ``keep``
            it as given, do with it as ``likely`` or ``relabel`` would, or ``drop`` it.
        soft: Whether samples get weights below 1: how likely their label is right.
        allow_empty_class: Whether a class may lose all its samples, or all but one.
    """

    strategy: Strategy = "easy"
    confidence: float = 0.9
    undecided: Undecided = "keep"
    soft: bool = False
    allow_empty_class: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise UserError(f"--confidence is {self.confidence}; expected a share, 0 ... 1.")
        for name, value, kinds in (
            ("strategy", self.strategy, get_args(Strategy)),
            ("undecided", self.undecided, get_args(Undecided)),
        ):
            if value not in kinds:
                raise UserError(f"--{name} is {value}; expected one of {', '.join(kinds)}.")


def clean(
    samples: pl.DataFrame,
    judged: pl.DataFrame,
    class_names: Sequence[str],
    settings: CleanSettings = CleanSettings(),
    agreed: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Decide about every sample.

    Args:
        samples: ``index``, ``id``, ``label``, and what else ``samples.parquet`` has.
        judged: ``index`` and the judgment of an analysis: ``category``, ``noise_probability``,
            ``suggested_label``, ``suggested_confidence``. A sample that is missing, because it was
            not trained on, is left out unless people decided about it.
        class_names: Name of class 0, 1, ...
        settings: How.
        agreed: What people decided, from
            :func:`dataparams.decisions.agreement.agreed_decisions`; needed for ``reviewed``.

    Returns:
        A row per sample, in the order of ``samples``, with all their columns, ``category`` and
        ``noise_probability``;
        ``new_label`` (null where the sample is dropped), ``weight`` (0 ... 1; null likewise),
        ``label_source`` (``given``, ``suggested`` or ``reviewed``; null likewise), and ``action``,
        ``is_disputed`` of people.

    Raises:
        UserError: If a class would be left with too few samples.
        RunError: If the decisions are not about these samples.

    Example:
        >>> samples = pl.DataFrame({"index": [3, 5], "id": ["a", "b"], "label": [0, 1]})
        >>> judged = pl.DataFrame({
        ...     "index": [3, 5], "category": ["easy", "hard"], "noise_probability": [0.01, 0.9],
        ...     "suggested_label": [0, 0], "suggested_confidence": [0.99, 0.95],
        ... })
        >>> settings = CleanSettings("relabel", allow_empty_class=True)
        >>> clean(samples, judged, ["cat", "dog"], settings)["new_label", "label_source"].rows()
        [(0, 'given'), (0, 'suggested')]
    """
    if settings.strategy == "reviewed" and agreed is None:
        raise ValueError("agreed is None; expected what people decided, for strategy 'reviewed'.")
    decided = _decided(samples, agreed if settings.strategy == "reviewed" else None, class_names)
    table = samples.join(
        judged.select("index", *_JUDGED), on="index", how="left", maintain_order="left"
    ).join(decided, on="index", how="left", maintain_order="left")
    table = _with_outcome(table, settings)
    _require_enough(table, class_names, settings)
    return table.drop("suggested_label", "suggested_confidence")


def clean_run(
    run: RunFolder,
    judged: pl.DataFrame,
    settings: CleanSettings = CleanSettings(),
    *,
    out: Path | None = None,
    overwrite: bool = False,
) -> pl.DataFrame:
    """Decide about every sample of a run, and write what is kept.

    Where there are more classes than a terminal shows, what became of each is written beside it, to
    :func:`dataparams.run.folder.cleaned_classes`.

    Args:
        run: The run folder.
        judged: The frame of its analysis; see :func:`clean`.
        settings: How.
        out: Where to; by default ``cleaned.parquet`` in the run folder.
        overwrite: Whether a file is replaced that holds people's decisions, or is not of this
            program. What this program wrote by itself is replaced in any case.

    Returns:
        As :func:`clean`.

    Raises:
        UserError: If a class would be left with too few samples.
        RunError: If a file is in the way, something is missing, or it cannot be written.
    """
    require_replaceable(run, out, overwrite=overwrite)
    agreed, last = None, None
    if settings.strategy == "reviewed":
        store = DecisionStore(run.review, read_only=True)
        agreed, last = agreed_decisions(store.in_force()), store.last_number()
        store.close()
        if not len(agreed):
            raise RunError(f"{run.review} has no decisions in force; review samples first.")
    table = clean(run.samples(), judged, run.class_names(), settings, agreed)
    made = made_from(run, settings, decisions=last)
    file = out or run.cleaned
    write_cleaned(file, CleanedSamples(kept(table), made))
    if len(run.class_names()) > MOST_CLASSES:
        summary = cleaning_summary(table, run.class_names())
        write_whole(cleaned_classes(file), _classes_csv(summary))
    return table


def require_replaceable(run: RunFolder, out: Path | None, *, overwrite: bool) -> None:
    """Raise RunError where a file is in the way that must not be replaced without a word."""
    if overwrite:
        return
    file = out or run.cleaned
    if file.exists() and is_of_people(file):
        raise RunError(
            f"{file} holds what people decided, or is not of this program. Give --out FILE to "
            "write elsewhere, or --overwrite to replace it."
        )
    classes = cleaned_classes(file)
    if len(run.class_names()) > MOST_CLASSES and classes.exists() and not _is_of_classes(classes):
        raise RunError(
            f"{classes}, where the table of classes goes, is not of this program. Give --out FILE "
            "to write elsewhere, or --overwrite to replace it."
        )


def kept(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of :func:`clean` that are kept, as ``cleaned.parquet`` has them."""
    return table.filter(pl.col("new_label").is_not_null()).select(
        "index", "id", pl.col("new_label").alias("label"), "weight", "label_source"
    )


def made_from(run: RunFolder, settings: CleanSettings, **further: object) -> dict[str, Any]:
    """How a ``cleaned.parquet`` comes about, for the file itself.

    It tells all that training on it needs, so that the file can be moved without the run.

    Raises:
        RunError: If ``run.json`` lacks something.
    """
    description = run.description()
    needed = ("fingerprint", "source", "config")
    missing = [name for name in needed if not description.get(name)]
    if missing:
        raise RunError(f"{run.path / 'run.json'} is damaged: it has no {', '.join(missing)}.")
    return {
        "strategy": settings.strategy,
        "confidence": settings.confidence,
        "undecided": settings.undecided,
        "soft": settings.soft,
        "class_names": list(run.class_names()),
        "audit": run.is_audit(),
        **{name: description[name] for name in needed},
        **further,
    }


def cleaning_summary(table: pl.DataFrame, class_names: Sequence[str]) -> pl.DataFrame:
    """What became of each class.

    Args:
        table: From :func:`clean`.
        class_names: Name of class 0, 1, ...

    Returns:
        ``label``, ``label_name``, ``given`` (samples with that label), and of them ``kept``,
        ``to_others`` (relabeled) and ``dropped``; ``from_others`` and ``total`` (samples that have
        the label now).

    Example:
        >>> table = pl.DataFrame({"label": [0, 0, 1], "new_label": [0, 1, None]})
        >>> cleaning_summary(table, ["cat", "dog"]).drop("label").rows()
        [('cat', 2, 1, 1, 0, 0, 1), ('dog', 1, 0, 0, 1, 1, 1)]
    """
    label, new = pl.col("label"), pl.col("new_label")
    numbers = pl.DataFrame({"label": range(len(class_names)), "label_name": list(class_names)})
    before = table.group_by(label.cast(pl.Int64)).agg(
        given=pl.len(),
        kept=(new == label).sum(),
        to_others=(new != label).sum(),
        dropped=new.is_null().sum(),
    )
    after = (
        table.filter(new.is_not_null())
        .group_by(new.cast(pl.Int64).alias("label"))
        .agg(from_others=(pl.col("label") != new).sum(), total=pl.len())
    )
    joined = numbers.join(before, on="label", how="left", maintain_order="left")
    joined = joined.join(after, on="label", how="left", maintain_order="left")
    return joined.with_columns(pl.exclude("label", "label_name").fill_null(0).cast(pl.Int64))


def summary_text(
    table: pl.DataFrame, class_names: Sequence[str], settings: CleanSettings, file: Path
) -> str:
    """What was done, in words and tables for a terminal.

    Args:
        table: From :func:`clean`.
        class_names: Name of class 0, 1, ...
        settings: How it was done.
        file: Where what is kept was written.
    """
    new, source = table["new_label"], table["label_source"]
    changed = table.filter(pl.col("new_label") != pl.col("label"))
    counts = ", ".join(
        f"{int((source == name).sum())} labels {word}"
        for name, word in (
            ("given", "as given"),
            ("suggested", "as suggested"),
            ("reviewed", "as people decided"),
        )
        if (source == name).any()
    )
    parts = [
        (
            f"{new.len() - new.null_count()} of {len(table)} samples are kept ({counts}); "
            f"{len(changed)} have another label than given, {new.null_count()} are dropped."
        ),
        _people_text(table, settings),
        _waste_text(table, settings),
        _truth_text(table),
        _class_text(cleaning_summary(table, class_names), cleaned_classes(file)),
        _changes_text(changed, class_names),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _decided(
    samples: pl.DataFrame, agreed: pl.DataFrame | None, class_names: Sequence[str]
) -> pl.DataFrame:
    columns = {"index": pl.Int64, "action": pl.String, "label": pl.Int64, "is_disputed": pl.Boolean}
    if agreed is None:
        return pl.DataFrame(schema=columns).rename({"label": "decided_label"})
    strange = agreed.join(samples, on="index", how="anti")
    if len(strange):
        raise RunError(
            f"People decided about {len(strange)} samples that the run does not have, such as "
            f"index {strange['index'][0]}; expected decisions about this run's samples."
        )
    highest = agreed["label"].max()
    if isinstance(highest, int) and highest >= len(class_names):
        raise RunError(
            f"People decided for class {highest}; expected 0 ... {len(class_names) - 1}."
        )
    return agreed.select(*columns).cast(columns).rename({"label": "decided_label"})  # type: ignore[arg-type]


def _with_outcome(table: pl.DataFrame, settings: CleanSettings) -> pl.DataFrame:
    given = pl.col("label").cast(pl.Int64)
    suggested = pl.col("suggested_label").cast(pl.Int64)
    is_easy = (pl.col("category") == "easy").fill_null(value=False)
    is_judged = pl.col("category").is_not_null()
    is_sure = (pl.col("suggested_confidence") >= settings.confidence).fill_null(value=False)
    disputed = pl.col("is_disputed").fill_null(value=False)
    discarded = pl.col("action") == "discard"
    by_people = pl.col("decided_label").is_not_null()
    is_likely = (pl.col("noise_probability") < _EVEN).fill_null(value=False)
    of_others = {
        "drop": pl.lit(None, pl.Int64),
        "keep": pl.when(is_judged).then(given),
        "likely": pl.when(is_likely).then(given),
        "relabel": pl.when(is_sure).then(suggested).when(is_likely).then(given),
    }[_doing(settings)]
    new_label = (
        pl.when(by_people)
        .then("decided_label")
        .when(disputed | discarded.fill_null(value=False))
        .then(None)
        .when(is_easy)
        .then(given)
        .otherwise(of_others)
    )
    table = table.with_columns(new_label=new_label)
    is_kept = pl.col("new_label").is_not_null()
    is_changed = pl.col("new_label") != given
    source = (
        pl.when(~is_kept)
        .then(None)
        .when(by_people)
        .then(pl.lit("reviewed"))
        .when(is_changed)
        .then(pl.lit("suggested"))
        .otherwise(pl.lit("given"))
    )
    sure = (
        pl.when(by_people)
        .then(1.0)
        .when(is_changed)
        .then("suggested_confidence")
        .otherwise(1.0 - pl.col("noise_probability"))
        .cast(pl.Float64)
        .clip(0.0, 1.0)
    )
    weight = sure if settings.soft else pl.lit(1.0)
    return table.with_columns(
        label_source=source, weight=pl.when(is_kept).then(weight), is_disputed=disputed
    )


def _doing(settings: CleanSettings) -> Undecided:
    """What becomes of hard and need-review samples that people do not decide about."""
    if settings.strategy == "reviewed":
        return settings.undecided
    return "drop" if settings.strategy == "easy" else settings.strategy


def _require_enough(
    table: pl.DataFrame, class_names: Sequence[str], settings: CleanSettings
) -> None:
    if table["new_label"].null_count() == len(table):
        raise UserError("No sample would be kept; choose another --strategy or --confidence.")
    if settings.allow_empty_class:
        return
    summary = cleaning_summary(table, class_names)
    poor = summary.filter(
        (pl.col("total") < _FEWEST) & (pl.col("total") < pl.col("given"))
    ).iter_rows(named=True)
    named = [f"{row['label_name']} ({row['total']} of {row['given']})" for row in poor]
    if named:
        raise UserError(
            f"{len(named)} class{'' if len(named) == 1 else 'es'} would be left with fewer than "
            f"{_FEWEST} samples: "
            f"{', '.join(named[:_MOST_CHANGES])}{', ...' if len(named) > _MOST_CHANGES else ''}. "
            "Review their samples, choose another --strategy, or give --allow-empty-class."
        )


def _people_text(table: pl.DataFrame, settings: CleanSettings) -> str:
    if settings.strategy != "reviewed":
        return ""
    decided = table["action"].is_in(["keep", "relabel", "discard"])
    skipped, disputed = table["action"] == "skip", table["is_disputed"]
    rest = table.filter(~disputed & (pl.col("action").is_null() | skipped))
    hard = rest.filter(pl.col("category").is_in(["hard", "review"]))
    doing = {
        "drop": "dropped",
        "keep": "kept as given",
        "likely": "kept where their label is likelier right than wrong",
        "relabel": f"relabeled where a label is suggested with confidence {settings.confidence:g}, "
        "and else kept where theirs is likelier right than wrong",
    }[settings.undecided]
    words = (
        f"People decided about {decided.sum()} samples. {disputed.sum()} are disputed and left "
        f"out. Of the {len(rest)} undecided ones ({skipped.sum()} skipped), the easy ones are "
        f"kept, and the {len(hard)} hard and need-review ones {doing}"
    )
    return f"{words} (--undecided {settings.undecided})."


def _waste_text(table: pl.DataFrame, settings: CleanSettings) -> str:
    """What the easy samples alone leave out; what that costs was measured (benchmarks/loop.py)."""
    if settings.strategy != "easy":
        return ""
    left_out = table.filter(pl.col("new_label").is_null())
    likely = int((left_out["noise_probability"] < _EVEN).sum())
    if not likely:
        return ""
    return (
        f"{likely} of the dropped samples are likelier right than wrong. Where samples are few, "
        "--strategy likely, which keeps them, trained better models (benchmarks/RESULTS.md)."
    )


def _truth_text(table: pl.DataFrame) -> str:
    if "true_label" not in table.columns:
        return ""
    after = table.filter(pl.col("new_label").is_not_null())
    wrong_before = int((table["label"] != table["true_label"]).sum())
    wrong_after = int((after["new_label"] != after["true_label"]).sum())
    return (
        f"Truth is known: {wrong_before} of {len(table)} labels were wrong "
        f"({wrong_before / len(table):.1%}), {wrong_after} of the {len(after)} kept are "
        f"({wrong_after / len(after):.1%})."
    )


def _class_text(summary: pl.DataFrame, file: Path) -> str:
    title, shown = "Classes:", summary
    if len(summary) > MOST_CLASSES:
        lost = pl.col("given") - pl.col("kept")
        shown = summary.sort(lost, descending=True, maintain_order=True).head(MOST_CLASSES)
        title = (
            f"The {MOST_CLASSES} of {len(summary)} classes that lose most samples ({file} has all):"
        )
    rows = [
        [row["label_name"], *(str(row[name]) for name in _COUNTS)]
        for row in shown.iter_rows(named=True)
    ]
    header = ["class", "given", "kept", "to others", "dropped", "from others", "now"]
    return f"{title}\n{text_table(header, rows)}"


def _classes_csv(summary: pl.DataFrame) -> bytes:
    safe = pl.col("label_name").map_elements(guarded, return_dtype=pl.String)
    return summary.with_columns(safe).write_csv().encode()


def _is_of_classes(file: Path) -> bool:
    """Whether a file begins as the table of classes does."""
    header = ",".join(("label", "label_name", *_COUNTS)).encode()
    try:
        with file.open("rb") as stream:
            return stream.read(len(header) + 1) == header + b"\n"
    except OSError:
        return False


def _changes_text(changed: pl.DataFrame, class_names: Sequence[str]) -> str:
    if not len(changed):
        return ""
    pairs = (
        changed.group_by("label", "new_label")
        .len()
        .sort(["len", "label", "new_label"], descending=[True, False, False])
    )
    rows = [
        [class_names[label], class_names[new], str(count)]
        for label, new, count in pairs.head(_MOST_CHANGES).iter_rows()
    ]
    return "Most frequent changes:\n" + text_table(["from", "to", "count"], rows)
