"""The list of changes that goes with every export of a run: other labels than the run was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.cleaning.changes import (
    CHANGES,
    PROGRAM,
    changes_csv,
    changes_of_run,
    described_changes,
    samples_to_change,
    time_of,
    wanted_labels,
)
from dataparams.export.applied_labels import discarded_by_apply
from dataparams.run.cleaned_samples import CLEANED

if TYPE_CHECKING:
    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export
    from dataparams.run.folder import RunFolder


def write_changes(export: Export) -> None:
    """Write ``changes.csv`` beside what is exported; of a data set, which has none, nothing.

    Args:
        export: What was exported.

    Raises:
        RunError: If another file lies there, or the run is damaged.
    """
    run = export.samples.run
    if run is not None:
        changes = changes_of_export(run, export.samples)
        export.destination.put(CHANGES, changes_csv(changes))


def changes_of_export(run: RunFolder, samples: LabeledSamples) -> pl.DataFrame:
    """The changes in an export, as a table; see :func:`dataparams.cleaning.changes.changes_of_run`.

    Args:
        run: The run folder.
        samples: What is exported.
    """
    are_cleaned, are_applied = samples.labels == "cleaned", samples.labels == "applied"
    # Whose a change is depends on where the labels are from: the same change, told by both.
    known = wanted_labels(run, "cleaned" if are_cleaned else "decisions")
    exported = samples.table.select("id", pl.col("label").cast(pl.Int64).alias("wanted"))
    samples_of_run = samples_to_change(run)
    table = samples_of_run.join(exported, on="id", how="inner")
    file, by = run.path / "analysis.parquet", "Suggested by the analysis"
    if are_cleaned:
        file = run.path / CLEANED
    if are_applied:
        file, by = run.path / CHANGES, "Written by dataparams apply"
        gone = samples_of_run.join(discarded_by_apply(run), on="index", how="semi")
        table = pl.concat([table, gone.with_columns(wanted=pl.lit(None, pl.Int64))])
    table = (
        table.filter(pl.col("label").ne_missing(pl.col("wanted")))
        .join(known, on=["index", "wanted"], how="left", nulls_equal=True)
        .with_columns(
            pl.col("who").fill_null(PROGRAM),
            pl.col("when").fill_null(time_of(file) if file.is_file() else ""),
            pl.col("by").fill_null(by),
        )
    )
    relabeled = described_changes(run, table)
    if not are_cleaned:
        return relabeled.sort("index")
    discarded = changes_of_run(run, "cleaned").filter(pl.col("action") == "discard")
    return pl.concat([relabeled, discarded]).sort("index")
