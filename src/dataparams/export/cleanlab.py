"""The analysis in the columns of cleanlab's Datalab.

The columns are those of ``Datalab.get_issues("label")`` of cleanlab 2
(https://docs.cleanlab.ai/stable/cleanlab/datalab/guide/issue_type_description.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.errors import RunError
from dataparams.export.writing import csv_bytes

if TYPE_CHECKING:
    from dataparams.export.writing import Export

FILE = "label_issues.csv"


def write_cleanlab(export: Export) -> None:
    """Write ``label_issues.csv``: a row per sample, in the order of the run.

    ``is_label_issue`` marks as many of the most suspicious samples as are estimated to have a wrong
    label; ``label_score`` is lowest for the most suspicious, 0 ... 1. Of an audit,
    ``is_outlier_issue`` marks what is far from all classes, and ``outlier_score`` is lowest for the
    farthest, 0 ... 1.

    Args:
        export: What and where to.

    Raises:
        RunError: If there is no analysis, or another such file lies there.
    """
    rows = export.samples.named(range(len(export.samples)))
    if "suspicion" not in rows.columns:
        raise RunError(
            "cleanlab's columns come from an analysis, and there is none. Give a run folder, "
            "and first: dataparams analyze RUN"
        )
    analyzed = rows.drop_nulls("suspicion")
    export.count = len(analyzed)
    issues = label_issues(analyzed)
    export.destination.put(FILE, csv_bytes(issues))
    export.tell_of_formulas(FILE)


def label_issues(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of cleanlab, beside ``index`` and ``id``.

    Args:
        rows: ``index``, ``id``, ``label``, ``suggested_label``, ``suspicion`` and
            ``noise_probability``; of an audit also ``is_outlier`` and ``outlier_score``, of which
            high is far.

    Example:
        >>> label_issues(
        ...     pl.DataFrame(
        ...         {
        ...             "index": [0, 1],
        ...             "id": ["a", "b"],
        ...             "label": ["cat", "dog"],
        ...             "suggested_label": ["cat", "cat"],
        ...             "suspicion": [0.0, 0.5],
        ...             "noise_probability": [0.1, 0.9],
        ...         }
        ...     )
        ... )["is_label_issue"].to_list()
        [False, True]
    """
    suspicion = rows["suspicion"].to_numpy()
    count = round(float(rows["noise_probability"].sum()))
    is_issue = np.zeros(len(rows), dtype=bool)
    is_issue[np.argsort(-suspicion, kind="stable")[:count]] = True
    outliers: list[pl.Expr] = []
    if {"is_outlier", "outlier_score"} <= set(rows.columns):
        outliers = [
            pl.col("is_outlier").alias("is_outlier_issue"),
            (1 - pl.col("outlier_score")).alias("outlier_score"),
        ]
    return rows.select(
        "index",
        "id",
        pl.Series("is_label_issue", is_issue),
        (1 - pl.col("suspicion")).alias("label_score"),
        pl.col("given_label" if "given_label" in rows.columns else "label").alias("given_label"),
        pl.col("suggested_label").alias("predicted_label"),
        *outliers,
    )
