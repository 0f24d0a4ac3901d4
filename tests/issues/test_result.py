"""``Issues``: the columns that users of Datalab know, beside ours."""

from __future__ import annotations

import polars as pl
import pytest

from dataparams import ArgumentError, Issues, find_issues
from made_predictions import made_predictions


@pytest.fixture(scope="module")
def of_features() -> Issues:
    made = made_predictions(count=200)
    features = made.features.copy()
    features[7] = 20 * made.features.max()
    return find_issues(made.labels, made.pred_probs, features, class_names=["a", "b", "c", "d"])


def test_the_columns_of_datalab_are_there(of_features: Issues) -> None:
    labels = of_features.get_issues("label")
    assert labels.columns[:4] == [
        *("is_label_issue", "label_score", "given_label", "predicted_label")
    ]
    assert labels["is_label_issue"].dtype == pl.Boolean
    assert labels["label_score"].is_between(0, 1).all()
    flagged = labels.filter("is_label_issue")["label_score"].max()
    assert flagged <= labels.filter(~pl.col("is_label_issue"))["label_score"].min()
    assert set(labels["given_label"]) == {"a", "b", "c", "d"}
    outliers = of_features.get_issues("outlier")
    assert outliers.columns == ["is_outlier_issue", "outlier_score"]
    assert of_features.get_issues().columns[0] == "id"


def test_a_suggestion_is_another_class(of_features: Issues) -> None:
    table = of_features.issues
    suggested = table.drop_nulls("suggested_label")
    assert len(suggested)
    assert (suggested["suggested_label"] != suggested["given_label"]).all()
    assert (suggested["suggested_label"] == suggested["predicted_label"]).all()


def test_kinds_that_were_not_looked_for_are_named(of_features: Issues) -> None:
    with pytest.raises(ArgumentError, match=r"near_duplicate.*'label', 'outlier'"):
        of_features.get_issues("near_duplicate")
    made = made_predictions(count=100)
    plain = find_issues(made.labels, made.pred_probs)
    with pytest.raises(ArgumentError, match="outliers are looked for by `features`"):
        plain.get_issues("outlier")
    assert plain.issue_summary["issue_type"].to_list() == ["label"]


def test_the_summary_counts(of_features: Issues) -> None:
    summary = of_features.issue_summary
    assert summary.columns == ["issue_type", "score", "num_issues"]
    counts = dict(summary.select("issue_type", "num_issues").iter_rows())
    assert counts["label"] == of_features.issues["is_label_issue"].sum()
    assert counts["outlier"] == of_features.issues["is_outlier_issue"].sum()


def test_the_report_and_repr_say_the_same(of_features: Issues) -> None:
    first, second = repr(of_features).splitlines()
    assert "200 samples" in first
    assert second in of_features.report()
    assert "together with the class probabilities that were given" in of_features.report()


def test_a_table_of_pandas(of_features: Issues) -> None:
    pytest.importorskip("pandas")
    frame = of_features.to_pandas()
    assert list(frame.columns) == of_features.issues.columns
    assert frame["is_label_issue"].dtype == bool
    assert frame["label_score"].to_numpy().tolist() == of_features.issues["label_score"].to_list()
