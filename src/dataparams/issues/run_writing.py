"""A run folder of labels that were judged by arrays, on which everything else works."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.analyze import analyze, write_analysis
from dataparams.batches.labeled_images import UnreadableSample
from dataparams.errors import ArgumentError, RunError
from dataparams.issues.records import metrics_of
from dataparams.issues.tables import NOT_JUDGED
from dataparams.run.features import write_kept_features
from dataparams.run.folder import RunFolder
from dataparams.run.kept_contents import CONTENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.held_out_arrays import HeldOutTables
    from dataparams.analysis.result import Analysis
    from dataparams.issues.given_labels import GivenLabels


def require_free(out: str | Path) -> RunFolder:
    """The run folder to write.

    Raises:
        ArgumentError: If it is no path.
        RunError: If something lies there that was not left by a call which was stopped.
    """
    if not isinstance(out, str | PathLike):
        raise ArgumentError(f"`out` is {out!r}; expected the path of a run folder to write.")
    run = RunFolder(Path(out).expanduser())
    if not run.exists():
        return run
    if (run.path / "run.json").is_file():
        description = run.description()
        if description.get("status") == "running" and "given" in description.get("audit", {}):
            # What was stopped while it was written is made again.
            run.clear()
            return run
    raise RunError(
        f"{run.path} is there already, and nothing is overwritten. Give another `out`, or remove "
        "it first."
    )


def write_run(
    out: str | Path,
    tables: HeldOutTables,
    features: NDArray[np.floating] | None,
    labels: GivenLabels,
    ids: pl.Series,
    samples: Any,
) -> Analysis:
    """Write a run folder and its analysis.

    Args:
        out: Where.
        tables: What was made of the samples that are judged.
        features: Theirs, (m, d), or None.
        labels: Of all n samples given.
        ids: Names of all of them.
        samples: What is shown of all of them later, or None.

    Raises:
        ArgumentError: If the samples are not as many as the labels, or of an unknown kind.
        RunError: If the folder cannot be written.
    """
    run = require_free(out)
    table, source, contents = _kept(run, tables, labels, ids, samples)
    description = {**tables.description, "source": {**tables.description["source"], **source}}
    run.write_description({**description, "status": "running"})
    if contents is not None:
        run.write_kept_contents(contents)
    run.write_samples(table)
    missing = np.setdiff1d(np.arange(len(ids)), table["index"].to_numpy())
    if len(missing):
        run.write_unreadable(
            tuple(UnreadableSample(row, ids[row], NOT_JUDGED) for row in missing.tolist())
        )
    if features is not None:
        write_kept_features(run, features)
    run.write_held_out(tables.held_out)
    if len(tables.planted):
        run.write_planted(tables.planted)
    for record in tables.records:
        run.write_epoch_record(record)
    run.write_metrics(metrics_of(tables.records))
    run.write_description(description)
    analysis = analyze(run)
    write_analysis(run, analysis)
    return analysis


def _kept(
    run: RunFolder,
    tables: HeldOutTables,
    labels: GivenLabels,
    ids: pl.Series,
    samples: Any,
) -> tuple[pl.DataFrame, dict[str, Any], pl.DataFrame | None]:
    """The samples' table, the source's entry, and what is kept of the samples to show."""
    own = tables.samples["index"]
    if samples is None:
        nothing = pl.Series("content", [None] * len(own), dtype=pl.String)
        source = {"name": CONTENTS, "is_kept": True, "content": None, "identity": "id"}
        return _with_content(tables.samples, nothing), source, None
    from dataparams.recording.kept_samples import kept_samples

    kept = kept_samples(samples, labels.numbers, labels.class_names, run.path)
    if kept.kind != "image" and kept.notice is not None:
        warnings.warn(kept.notice, stacklevel=4)
    source = {
        "name": CONTENTS,
        "is_kept": True,
        "content": kept.kind,
        "label_column": None,
        **kept.source,
        "identity": "content" if kept.kind is not None else "id",
    }
    contents = None
    if kept.kind is not None:
        contents = pl.DataFrame({"id": ids}).hstack(kept.table)
    return _with_content(tables.samples, kept.words.gather(own)), source, contents


def _with_content(samples: pl.DataFrame, words: pl.Series) -> pl.DataFrame:
    return samples.with_columns(words.alias("content"), split=pl.lit("train"))
