"""Outliers are named as such, apart from wrong labels, and as the analysis has them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dataparams.analysis.feature_space import FeatureSpace
from dataparams.health.outliers import OUTLIER_KINDS, outlier_findings

NAMES = ("cat", "dog", "cow")
WIDTH = 24


def clouds(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), count)
    centers = 4 * np.eye(3, WIDTH)
    return centers[labels] + rng.normal(0, 0.4, (3 * count, WIDTH)), labels


def judged(labels: np.ndarray, **columns: object) -> pl.DataFrame:
    count = len(labels)
    usual = {
        "index": np.arange(count) + 500,
        "label": labels,
        "suggested_label": labels,
        "noise_probability": np.zeros(count),
        "is_outlier": np.zeros(count, dtype=bool),
        "outlier_score": np.zeros(count),
    }
    return pl.DataFrame(usual | columns)


def test_what_the_analysis_calls_an_outlier_is_one_and_no_other() -> None:
    features, labels = clouds()
    is_outlier = np.zeros(180, dtype=bool)
    is_outlier[[3, 70]] = True
    scores = np.where(is_outlier, 0.8, 0.1)
    samples = judged(labels, is_outlier=is_outlier, outlier_score=scores)
    table = outlier_findings(samples, NAMES, FeatureSpace(features)).table
    assert table["kind"].to_list() == ["outlier", "outlier"]
    assert sorted(table["samples"].explode().to_list()) == [503, 570]
    assert table["strength"].to_list() == [0.8, 0.8]


def test_a_sample_far_from_its_class_is_an_outlier_of_it() -> None:
    features, labels = clouds()
    features[20] = 3 * np.eye(3, WIDTH)[0] + 3 * np.eye(WIDTH)[10]
    table = outlier_findings(judged(labels), NAMES, FeatureSpace(features)).table
    ((kind, samples, classes, strength, sentence),) = table.drop("parts").rows()
    assert (kind, samples, classes) == ("class_outlier", [520], [0])
    assert 0.5 < strength < 1
    assert "the others of cat" in sentence


@pytest.mark.parametrize("doubt", [{"suggested_label": 1}, {"noise_probability": 0.9}])
def test_a_wrong_label_is_no_outlier_of_its_class(doubt: dict[str, float]) -> None:
    features, labels = clouds()
    features[20] = features[80]
    samples = judged(labels)
    is_it = pl.col("index") == 520
    samples = samples.with_columns(
        pl.when(is_it).then(value).otherwise(name).alias(name) for name, value in doubt.items()
    )
    assert not len(outlier_findings(samples, NAMES, FeatureSpace(features)).table)


@pytest.mark.parametrize("seed", range(5))
def test_clouds_have_no_outliers(seed: int) -> None:
    features, labels = clouds(200, seed)
    assert len(outlier_findings(judged(labels), NAMES, FeatureSpace(features)).table) <= 1


def test_copies_within_a_class_are_not_accused_of_each_other() -> None:
    features, labels = clouds()
    features[:40] = features[0]
    table = outlier_findings(judged(labels), NAMES, FeatureSpace(features)).table
    assert len(table) <= 20


def test_without_features_nothing_is_judged_and_the_reason_said() -> None:
    _, labels = clouds()
    findings = outlier_findings(judged(labels), NAMES, None)
    assert not findings.checked
    assert set(findings.not_checked) == set(OUTLIER_KINDS)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_classes_of_a_few(count: int) -> None:
    features, labels = clouds(count)
    findings = outlier_findings(judged(labels), NAMES, FeatureSpace(features))
    assert not len(findings.table)
