"""What cleanlab's Datalab would say, in its own words and directions."""

from __future__ import annotations

import polars as pl

from dataparams.export.cleanlab import label_issues

ROWS = pl.DataFrame(
    {
        "index": [0, 1, 2],
        "id": ["a", "b", "c"],
        "label": ["cat", "dog", "dog"],
        "suggested_label": ["cat", "cat", "dog"],
        "suspicion": [0.0, 0.9, 0.5],
        "noise_probability": [0.1, 0.9, 0.1],
    }
)
NONE = pl.Series([], dtype=pl.String)


def test_a_low_score_is_bad_for_outliers_as_for_labels() -> None:
    far = ROWS.with_columns(
        is_outlier=pl.Series([True, False, False]), outlier_score=pl.Series([0.9, 0.1, 0.2])
    )
    issues = label_issues(far, is_known=True, unjudged=NONE)
    assert issues["is_outlier_issue"].to_list() == [True, False, False]
    assert issues["outlier_score"].arg_min() == 0
    assert issues["label_score"].arg_min() == 1
    assert issues["is_label_issue"].to_list() == [False, True, False]


def test_where_no_features_were_looked_at_nothing_is_said_of_outliers() -> None:
    assert not {"is_outlier_issue", "outlier_score"} & set(
        label_issues(ROWS, is_known=True, unjudged=NONE).columns
    )


def test_of_an_audit_the_score_is_the_evidence_and_what_it_speaks_against_is_an_issue() -> None:
    judged = ROWS.with_columns(evidence=pl.Series([0.9, 0.01, 0.4]))
    issues = label_issues(judged, is_known=True, unjudged=NONE)
    assert issues["label_score"].to_list() == [0.9, 0.01, 0.4]
    assert issues["is_label_issue"].to_list() == [False, True, True]
    of_dogs = label_issues(judged, is_known=True, unjudged=pl.Series(["dog"]))
    assert of_dogs["is_label_issue"].to_list() == [False, True, False]
