"""The samples and labels to train on, by an analysis and by the decisions of annotators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import polars as pl

from dataparams.cleaning.class_counts import class_counts
from dataparams.errors import ArgumentError, RunError, require_share
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

Strategy = Literal["easy", "likely", "relabel", "reviewed"]
Undecided = Literal["keep", "likely", "relabel", "drop"]
TRAINING = "train"
EVEN = 0.5
"""From this probability on a label is likelier wrong than right."""

_FEWEST = 2
_MOST_NAMED = 10
_JUDGED = ("category", "noise_probability", "suggested_label", "suggested_confidence")


@dataclass(frozen=True)
class CleanSettings:
    """Which samples are kept, and with which labels.

    Attributes:
        strategy: ``easy``: the easy samples, with the labels given. ``likely``: also the hard and
            need-review samples whose label is likelier right than wrong. ``relabel``: like
            ``likely``, with the suggested label where its confidence suffices. ``reviewed``: as
            annotators decided; undecided or skipped samples are kept where they are easy, and
            treated as ``undecided`` says otherwise. Disputed samples are left out.
        confidence: The lowest confidence of a suggested label that is used, 0 ... 1.
        undecided: What to do with an undecided hard or need-review sample: ``keep`` it as given,
            treat it like ``likely`` or ``relabel``, or ``drop`` it.
        soft: Whether a sample's weight is the probability that its label is right, instead of 1.
        allow_empty_class: Whether a class may be left with no sample, or with one.

    Raises:
        ArgumentError: If a value is out of its range.
    """

    strategy: Strategy = "easy"
    confidence: float = 0.9
    undecided: Undecided = "keep"
    soft: bool = False
    allow_empty_class: bool = False

    def __post_init__(self) -> None:
        require_share("confidence", self.confidence)
        for name, value, kinds in (
            ("strategy", self.strategy, get_args(Strategy)),
            ("undecided", self.undecided, get_args(Undecided)),
        ):
            if value not in kinds:
                raise ArgumentError(f"`{name}` is {value!r}; expected one of {', '.join(kinds)}.")


def clean(
    samples: pl.DataFrame,
    judged: pl.DataFrame,
    class_names: Sequence[str],
    settings: CleanSettings = CleanSettings(),
    agreed: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The label to train on for each sample, or that it is dropped.

    Args:
        samples: A row per sample: ``index``, ``id``, ``label``, and any further columns. Those
            whose ``split`` is another than ``train`` are judged by models, and not to be made to
            agree with them: of these people's decisions count alone.
        judged: The frame of an analysis: ``index``, ``category``, ``noise_probability``,
            ``suggested_label``, ``suggested_confidence``. A sample that is missing here (it was not
            trained on) is dropped unless annotators decided about it.
        class_names: The names of classes 0, 1, ...
        settings: Which samples are kept, and with which labels.
        agreed: The decisions of annotators, from
            :func:`dataparams.decisions.agreement.agreed_decisions`; needed for ``reviewed``.

    Returns:
        A row per sample, in the order of ``samples``, with all their columns, ``category`` and
        ``noise_probability`` of the analysis, ``action``, ``is_disputed`` and ``settled_by`` of the
        decisions, and
        ``new_label``, ``weight`` (0 ... 1), ``label_source`` (``given``, ``suggested`` or
        ``reviewed``), which are null where the sample is dropped.

    Raises:
        ArgumentError: If ``agreed`` is missing, or too few samples would be left.
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
        raise ArgumentError(
            '`agreed` is None; expected the decisions of annotators, for `strategy="reviewed"`.'
        )
    decided = _decided(samples, agreed if settings.strategy == "reviewed" else None, class_names)
    table = samples.join(
        judged.select("index", *_JUDGED), on="index", how="left", maintain_order="left"
    ).join(decided, on="index", how="left", maintain_order="left")
    table = _with_outcome(table, settings)
    _require_enough(table, class_names, settings)
    return table.drop("suggested_label", "suggested_confidence")


def kept(table: pl.DataFrame) -> pl.DataFrame:
    """The kept rows of :func:`clean`, with the columns of ``cleaned.parquet``."""
    return table.filter(pl.col("new_label").is_not_null()).select(
        "index", "id", pl.col("new_label").alias("label"), "weight", "label_source", split_of(table)
    )


def trained_on(table: pl.DataFrame) -> pl.DataFrame:
    """The samples to train on, of a table that may have others too."""
    return table.filter(split_of(table) == TRAINING)


def split_of(table: pl.DataFrame) -> pl.Expr:
    """The split of each sample; that to train on, where nothing is said of splits."""
    return pl.col("split") if "split" in table.columns else pl.lit(TRAINING).alias("split")


def _decided(
    samples: pl.DataFrame, agreed: pl.DataFrame | None, class_names: Sequence[str]
) -> pl.DataFrame:
    columns: dict[str, type[pl.DataType]] = {
        "index": pl.Int64,
        "action": pl.String,
        "label": pl.Int64,
        "is_disputed": pl.Boolean,
        "settled_by": pl.String,
    }
    if agreed is None:
        return pl.DataFrame(schema=columns).rename({"label": "decided_label"})
    strange = agreed.join(samples, on="index", how="anti")
    if len(strange):
        raise RunError(
            f"There are decisions about {counted(len(strange), 'sample')} that the run does not "
            f"have, such as index {strange['index'][0]}; expected decisions about its samples."
        )
    highest = agreed["label"].max()
    if isinstance(highest, int) and highest >= len(class_names):
        raise RunError(
            f"There is a decision for class {highest}; expected 0 ... {len(class_names) - 1}."
        )
    if "settled_by" not in agreed.columns:
        agreed = agreed.with_columns(settled_by=pl.lit(None, pl.String))
    return agreed.select(*columns).cast(columns).rename({"label": "decided_label"})  # type: ignore[arg-type]


def _with_outcome(table: pl.DataFrame, settings: CleanSettings) -> pl.DataFrame:
    given = pl.col("label").cast(pl.Int64)
    suggested = pl.col("suggested_label").cast(pl.Int64)
    is_easy = (pl.col("category") == "easy").fill_null(value=False)
    is_judged = pl.col("category").is_not_null()
    is_sure = (pl.col("suggested_confidence") >= settings.confidence).fill_null(value=False)
    disputed = pl.col("is_disputed").fill_null(value=False)
    discarded = pl.col("action") == "discard"
    is_decided = pl.col("decided_label").is_not_null()
    is_likely = (pl.col("noise_probability") < EVEN).fill_null(value=False)
    without_decision = {
        "drop": pl.lit(None, pl.Int64),
        "keep": pl.when(is_judged).then(given),
        "likely": pl.when(is_likely).then(given),
        "relabel": pl.when(is_sure).then(suggested).when(is_likely).then(given),
    }[_doing(settings)]
    new_label = (
        pl.when(is_decided)
        .then("decided_label")
        .when(disputed | discarded.fill_null(value=False))
        .then(None)
        .when(is_easy)
        .then(given)
        .when(split_of(table) != TRAINING)
        .then(given)
        .otherwise(without_decision)
    )
    table = table.with_columns(new_label=new_label)
    is_kept = pl.col("new_label").is_not_null()
    is_changed = pl.col("new_label") != given
    source = (
        pl.when(~is_kept)
        .then(None)
        .when(is_decided)
        .then(pl.lit("reviewed"))
        .when(is_changed)
        .then(pl.lit("suggested"))
        .otherwise(pl.lit("given"))
    )
    sure = (
        pl.when(is_decided)
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
    """What to do with hard and need-review samples without a decision."""
    if settings.strategy == "reviewed":
        return settings.undecided
    return "drop" if settings.strategy == "easy" else settings.strategy


def _require_enough(
    table: pl.DataFrame, class_names: Sequence[str], settings: CleanSettings
) -> None:
    if trained_on(table)["new_label"].is_null().all():
        raise ArgumentError("No sample would be kept; choose another `strategy` or `confidence`.")
    if settings.allow_empty_class:
        return
    counts = class_counts(trained_on(table), class_names)
    poor = counts.filter(
        (pl.col("total") < _FEWEST) & (pl.col("total") < pl.col("given"))
    ).iter_rows(named=True)
    named = [f"{row['label_name']} ({row['total']} of {row['given']})" for row in poor]
    if named:
        raise ArgumentError(
            f"{len(named)} class{'' if len(named) == 1 else 'es'} would be left with fewer than "
            f"{_FEWEST} samples: "
            f"{', '.join(named[:_MOST_NAMED])}{', ...' if len(named) > _MOST_NAMED else ''}. "
            "Review their samples, choose another `strategy`, or give `allow_empty_class=True`."
        )
