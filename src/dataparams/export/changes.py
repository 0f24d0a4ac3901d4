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
from dataparams.run.cleaned_samples import CLEANED

if TYPE_CHECKING:
    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export
    from dataparams.run.folder import RunFolder


def write_changes(export: Export, *, are_cleaned: bool) -> None:
    """Write ``changes.csv`` beside what is exported; of a data set, which has none, nothing.

    Args:
        export: What was exported.
        are_cleaned: Whether the labels are those of ``cleaned.parquet``.

    Raises:
        RunError: If another file lies there, or the run is damaged.
    """
    run = export.samples.run
    if run is not None:
        changes = changes_of_export(run, export.samples, are_cleaned=are_cleaned)
        export.destination.put(CHANGES, changes_csv(changes))


def changes_of_export(
    run: RunFolder, samples: LabeledSamples, *, are_cleaned: bool
) -> pl.DataFrame:
    """The changes in an export, as a table; see :func:`dataparams.cleaning.changes.changes_of_run`.

    Args:
        run: The run folder.
        samples: What is exported.
        are_cleaned: Whether the labels are those of ``cleaned.parquet``, which discards the rest.
    """
    # Whose a change is depends on where the labels are from: the same change, told by both.
    known = wanted_labels(run, "cleaned" if are_cleaned else "decisions")
    exported = samples.table.select("id", pl.col("label").cast(pl.Int64).alias("wanted"))
    file = run.path / (CLEANED if are_cleaned else "analysis.parquet")
    table = (
        samples_to_change(run)
        .join(exported, on="id", how="inner")
        .filter(pl.col("label") != pl.col("wanted"))
        .join(known, on=["index", "wanted"], how="left")
        .with_columns(
            pl.col("who").fill_null(PROGRAM),
            pl.col("when").fill_null(time_of(file) if file.is_file() else ""),
            pl.col("by").fill_null("Suggested by the analysis"),
        )
    )
    relabeled = described_changes(run, table)
    if not are_cleaned:
        return relabeled.sort("index")
    discarded = changes_of_run(run, "cleaned").filter(pl.col("action") == "discard")
    return pl.concat([relabeled, discarded]).sort("index")
