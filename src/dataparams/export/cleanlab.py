"""The analysis in the columns of cleanlab's Datalab.

The columns are those of ``Datalab.get_issues("label")`` of cleanlab 2
(https://docs.cleanlab.ai/stable/cleanlab/datalab/guide/issue_type_description.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.findings import restored
from dataparams.analysis.label_issues import is_label_issue, label_score
from dataparams.analysis.summaries import class_summary
from dataparams.errors import RunError
from dataparams.export.writing import csv_bytes

if TYPE_CHECKING:
    from dataparams.export.writing import Export

FILE = "label_issues.csv"


def write_cleanlab(export: Export) -> None:
    """Write ``label_issues.csv``: a row per sample, in the order of the run.

    ``is_label_issue`` and ``label_score`` are those of ``find_issues``. Of an audit
    ``label_score`` is the evidence for the given label, 0 ... 1, low is bad, and what it speaks
    against is an issue; of a training it is lowest for the most suspicious. As many of the most
    suspicious as are estimated to have a wrong label are issues of both. Of an audit,
    ``is_outlier_issue`` marks what is far from all classes, and ``outlier_score`` is lowest for the
    farthest, 0 ... 1.

    Args:
        export: What and where to.

    Raises:
        RunError: If there is no analysis, or another such file lies there.
    """
    rows = export.samples.named(range(len(export.samples)))
    run = export.samples.run
    found = None if run is None else run.analysis()
    if found is None:
        raise RunError(
            "cleanlab's columns come from an analysis, and there is none. Give a run folder, "
            "and first: dataparams analyze RUN"
        )
    analyzed = rows.drop_nulls("suspicion")
    export.count = len(analyzed)
    findings = restored(found[1])
    classes = class_summary(
        found[0], export.samples.class_names, () if findings is None else findings.unlearned
    )
    issues = label_issues(
        analyzed,
        is_known=findings is None or findings.noise.is_known,
        unjudged=classes.filter(pl.col("unjudged").is_not_null())["label_name"],
    )
    export.destination.put(FILE, csv_bytes(issues))
    export.tell_of_formulas(FILE)


def label_issues(rows: pl.DataFrame, *, is_known: bool, unjudged: pl.Series) -> pl.DataFrame:
    """The columns of cleanlab, beside ``index`` and ``id``.

    Args:
        rows: ``index``, ``id``, ``label``, ``suggested_label``, ``suspicion`` and
            ``noise_probability``; of an audit also ``evidence``, ``is_outlier`` and
            ``outlier_score``, of which high is far.
        is_known: Whether it is known how many labels are wrong.
        unjudged: Names of the classes that cannot be judged.

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
        ...     ),
        ...     is_known=True,
        ...     unjudged=pl.Series([], dtype=pl.String),
        ... )["is_label_issue"].to_list()
        [False, True]
    """
    given = pl.col("given_label" if "given_label" in rows.columns else "label")
    is_issue = is_label_issue(rows.with_columns(label=given), is_known=is_known, unjudged=unjudged)
    outliers: list[pl.Expr] = []
    if {"is_outlier", "outlier_score"} <= set(rows.columns):
        outliers = [
            pl.col("is_outlier").alias("is_outlier_issue"),
            (1 - pl.col("outlier_score")).alias("outlier_score"),
        ]
    return rows.select(
        "index",
        "id",
        is_issue,
        label_score(rows),
        given.alias("given_label"),
        pl.col("suggested_label").alias("predicted_label"),
        *outliers,
    )
