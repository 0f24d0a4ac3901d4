"""What people, or the program, want changed in the labels of a run: a row per sample."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, get_args

import polars as pl

from dataparams.decisions.agreement import agreed_decisions
from dataparams.decisions.class_changes import class_names_of
from dataparams.decisions.store import DecisionStore
from dataparams.errors import ArgumentError, RunError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.run.spreadsheet_cells import guarded
from dataparams.run.table_checks import require_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.run.folder import RunFolder

Origin = Literal["decisions", "cleaned"]
"""Whose changes: people's decisions in force; or those of ``cleaned.parquet``, which the program
may have made by itself."""
CHANGES = "changes.csv"
"""The name of a file of changes, wherever it lies."""
PROGRAM = "dataparams"
"""Who changed what no person decided."""
COLUMNS = {
    "index": pl.Int64,
    **dict.fromkeys(("id", "old_label", "new_label", "action", "who", "when", "why"), pl.String),
}
"""The columns of a table of changes, and their types."""
_WANTED = {
    "index": pl.Int64,
    "wanted": pl.Int64,
    **dict.fromkeys(("who", "when", "by"), pl.String),
}
_EVIDENCE = ("index", "noise_probability", "suggested_name")


def changes_of_run(run: RunFolder, origin: Origin = "decisions") -> pl.DataFrame:
    """The changes of a run's labels, held against the labels that the run was given.

    Those are the decisions in force that ``dataparams clean --strategy reviewed`` counts: what is
    disputed or skipped changes nothing. Where nobody decided there are none.

    Args:
        run: The run folder.
        origin: Whose changes.

    Returns:
        A row per changed sample, by ascending index: ``index``, ``id``, ``old_label`` and
        ``new_label`` (names of classes; null where it is discarded), ``action`` (``relabel`` or
        ``discard``), ``who`` (the annotators who want that, or ``dataparams``), ``when`` (ISO 8601,
        UTC), ``why`` (a short sentence).

    Raises:
        RunError: If the run or its decisions are damaged, or there is no ``cleaned.parquet``.
    """
    table = samples_to_change(run).join(
        wanted_labels(run, origin), on="index", how="inner", maintain_order="left"
    )
    return described_changes(run, table)


def samples_to_change(run: RunFolder) -> pl.DataFrame:
    """All samples whose labels can be changed: ``index``, ``id``, ``label`` (a number), in order.

    Raises:
        RunError: If the run is damaged.
    """
    samples = run.judged_samples().sort("index")
    require_range(samples, "label", len(run.class_names()), run.path / "samples.parquet")
    return samples.select(pl.col("index").cast(pl.Int64), "id", pl.col("label").cast(pl.Int64))


def class_names_now(run: RunFolder) -> tuple[str, ...]:
    """The names of class 0, 1, ... that a change leads to; those given begin the same list."""
    return class_names_of(run)


def described_changes(run: RunFolder, table: pl.DataFrame) -> pl.DataFrame:
    """Samples with another label wanted than they have, as a table of changes.

    Args:
        run: The run folder, whose analysis says why.
        table: ``index``, ``id``, ``label`` (number of the class that it was given) or ``old_label``
            (name of the class that it has), and the columns of :func:`wanted_labels`.

    Returns:
        The columns of :func:`changes_of_run`.
    """
    if "old_label" not in table.columns:
        given = named_labels(pl.col("label"), run.class_names())
        table = table.with_columns(old_label=given)
    return (
        table.with_columns(new_label=named_labels(pl.col("wanted"), class_names_now(run)))
        .filter(pl.col("new_label").ne_missing(pl.col("old_label")))
        .join(_evidence(run), on="index", how="left", maintain_order="left")
        .select(
            "index",
            "id",
            "old_label",
            "new_label",
            pl.when(pl.col("wanted").is_null())
            .then(pl.lit("discard"))
            .otherwise(pl.lit("relabel"))
            .alias("action"),
            "who",
            "when",
            pl.concat_str("by", "evidence", separator="; ", ignore_nulls=True)
            .add(".")
            .alias("why"),
        )
        .cast(COLUMNS)  # type: ignore[arg-type]
    )


def named_labels(numbers: pl.Expr, names: Sequence[str]) -> pl.Expr:
    """Names of classes for their numbers; null for null."""
    return numbers.replace_strict(dict(enumerate(names)), return_dtype=pl.String, default=None)


def wanted_labels(run: RunFolder, origin: Origin = "decisions") -> pl.DataFrame:
    """The label that each sample is to have about which something was decided.

    Args:
        run: The run folder.
        origin: Whose changes.

    Returns:
        ``index``, ``wanted`` (number of a class; null where it is to be discarded), ``who``,
        ``when``, ``by`` (how it was decided, in a few words), by ascending index.

    Raises:
        ArgumentError: If the origin is unknown.
        RunError: As of :func:`changes_of_run`.
    """
    if origin not in get_args(Origin):
        raise ArgumentError(
            f"`origin` is {origin!r}; expected one of {', '.join(get_args(Origin))}."
        )
    decided = decided_labels(run)
    wanted = decided.filter(~pl.col("is_disputed")).drop("is_disputed")
    if origin == "cleaned":
        wanted = _cleaned(run, decided)
    highest, count = wanted["wanted"].max(), len(class_names_now(run))
    if isinstance(highest, int) and highest >= count:
        raise RunError(f"There is a decision for class {highest}; expected 0 ... {count - 1}.")
    return pl.concat([wanted, _renamed(run, decided["index"], wanted["index"])]).sort("index")


def changes_csv(changes: pl.DataFrame) -> bytes:
    """A table of changes as CSV, safe to open in a spreadsheet.

    Args:
        changes: As of :func:`changes_of_run`.
    """
    text = [name for name, kind in COLUMNS.items() if kind == pl.String]
    safe = changes.with_columns(
        pl.col(name).map_elements(guarded, return_dtype=pl.String) for name in text
    )
    return safe.write_csv().encode()


def time_of(file: Path) -> str:
    """When a file was written, in UTC, as ISO 8601 has it."""
    moment = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
    return moment.isoformat(timespec="milliseconds")


def decided_labels(run: RunFolder) -> pl.DataFrame:
    """What people decided, and about which samples they want different things.

    Args:
        run: The run folder.

    Returns:
        The columns of :func:`wanted_labels`, and ``is_disputed``; no rows where nobody decided.

    Raises:
        RunError: If the decisions are damaged.
    """
    if not run.review.is_file():
        return pl.DataFrame(schema={**_WANTED, "is_disputed": pl.Boolean})
    store = DecisionStore(run.review, read_only=True)
    try:
        agreed = agreed_decisions(store.in_force())
    finally:
        store.close()
    return agreed.filter(pl.col("is_disputed") | (pl.col("action") != "skip")).select(
        pl.col("index").cast(pl.Int64),
        pl.col("label").cast(pl.Int64).alias("wanted"),
        pl.col("annotators").alias("who"),
        pl.col("made_at").alias("when"),
        pl.when(pl.col("settled_by") == "adjudicator")
        .then(pl.lit("Disputed in review, and settled by an adjudicator"))
        .when(pl.col("settled_by") == "majority")
        .then(pl.lit("Disputed in review, and settled by the majority"))
        .when(pl.col("count") > 1)
        .then(pl.lit("Decided in review by people who agree"))
        .otherwise(pl.lit("Decided in review"))
        .alias("by"),
        "is_disputed",
    )


def _renamed(run: RunFolder, decided: pl.Series, wanted: pl.Series) -> pl.DataFrame:
    """The samples of classes that have another name now, about which nothing else was decided."""
    given, now = run.class_names(), class_names_now(run)
    renamed = [number for number, name in enumerate(given) if now[number] != name]
    if not renamed:
        return pl.DataFrame(schema=_WANTED)
    is_of_those = pl.col("label").is_in(renamed)
    others = ~pl.col("index").is_in(pl.concat([decided, wanted]).implode())
    return (
        samples_to_change(run)
        .filter(is_of_those & others)
        .select(
            "index",
            wanted="label",
            who=pl.lit(PROGRAM),
            when=pl.lit(time_of(run.review)),
            by=pl.lit("The class was renamed in review"),
        )
    )


def _cleaned(run: RunFolder, decided: pl.DataFrame) -> pl.DataFrame:
    """What ``cleaned.parquet`` says of all samples but those in dispute, which stay as they are."""
    cleaned = read_cleaned(run.cleaned)
    strategy, moment = cleaned.made.get("strategy"), time_of(run.cleaned)
    kept = cleaned.samples.select("index", pl.col("label").alias("wanted"), "label_source")
    own = pl.lit(f"Chosen by dataparams clean, strategy {strategy}")
    people = decided.select("index", "who", "when", "by", "is_disputed", decided="wanted")
    is_theirs = (pl.col("label_source") == "reviewed") | (
        pl.col("who").is_not_null() & pl.col("wanted").is_null() & pl.col("decided").is_null()
    )
    return (
        samples_to_change(run)
        .select("index")
        .join(kept, on="index", how="left")
        .join(people, on="index", how="left")
        .filter(~pl.col("is_disputed").fill_null(value=False))
        .select(
            "index",
            "wanted",
            *(
                pl.when(is_theirs).then(name).otherwise(other).fill_null(other).alias(name)
                for name, other in (
                    ("who", pl.lit(PROGRAM)),
                    ("when", pl.lit(moment)),
                    ("by", own),
                )
            ),
        )
    )


def _evidence(run: RunFolder) -> pl.DataFrame:
    """What the analysis says of each label, in a few words; no rows where there is none."""
    found = run.analysis()
    if found is None or not set(_EVIDENCE) <= set(found[0].columns):
        return pl.DataFrame(schema={"index": pl.Int64, "evidence": pl.String})
    share = (pl.col("noise_probability").cast(pl.Float64) * 100).round(0).cast(pl.Int64)
    words = pl.format(
        "the analysis gave {} % that the label was wrong, and {} as the likeliest",
        share,
        pl.col("suggested_name"),
    )
    return found[0].select(pl.col("index").cast(pl.Int64), evidence=words)
