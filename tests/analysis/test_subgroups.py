"""Sub-groups: which there are, what they are called, and what is shown of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import silhouette_samples

from dataparams.analysis.clusters import kinds_apart, rare_kinds, silhouettes
from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.subgroups import JudgedLabels, subgroups_of_samples
from dataparams.analysis.summaries import subgroup_summary

NAMES = ("cat", "dog", "cow")


def test_an_under_represented_kind_is_a_group_of_its_own() -> None:
    rng = np.random.default_rng(0)
    ground = rng.normal(0, 1, (90, 12))
    water = rng.normal(0, 1, (12, 12)) + 8
    numbers = kinds_apart(np.concatenate([ground, water]))
    assert set(numbers[:90]) == {0}
    assert set(numbers[90:]) == {1}
    assert set(kinds_apart(ground)) == {0}


@pytest.mark.parametrize("shape", [(40, 3), (3, 2), (1, 2), (0, 2), (40, 0), (1000, 3)])
def test_samples_that_do_not_differ_are_one_group(shape: tuple[int, int]) -> None:
    assert not kinds_apart(np.zeros(shape)).any()
    assert (rare_kinds(np.zeros(shape)) == -1).all()


def test_a_class_of_one_cloud_has_no_rare_kind() -> None:
    rng = np.random.default_rng(0)
    for width in (2, 16, 64):
        for count in (60, 300, 2000):
            assert (rare_kinds(rng.normal(size=(count, width))) == -1).all()


def test_silhouettes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    points, numbers = rng.normal(size=(50, 3)), np.arange(50) % 4
    numbers[0] = 4
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    expected = silhouette_samples(distances, numbers, metric="precomputed")
    np.testing.assert_allclose(silhouettes(distances, numbers), expected, atol=1e-12)


@pytest.mark.parametrize("count", [300, 3000])
def test_of_many_samples_those_that_were_not_drawn_are_told_apart_as_well(count: int) -> None:
    rng = np.random.default_rng(0)
    is_other = np.arange(count) % 10 == 0
    features = rng.normal(0, 1, (count, 8)) + np.where(is_other, 12, 0)[:, None]
    np.testing.assert_array_equal(kinds_apart(features), is_other)
    np.testing.assert_array_equal(rare_kinds(features), np.where(is_other, 0, -1))


def _judged(rng: np.random.Generator) -> tuple[JudgedLabels, np.ndarray]:
    """Cats, some under water, some that are dogs, two of nothing at all; dogs; cows."""
    centers = 10 * np.eye(16)[[0, 1, 2, 3]]
    kind = np.repeat([0, 3, 1, 1, 2], [60, 8, 12, 60, 60])
    labels = np.repeat([0, 0, 0, 1, 2], [60, 8, 12, 60, 60])
    features = centers[kind] + rng.normal(0, 1, (200, 16))
    features[:2] = -30 * np.eye(16)[[14, 15]]
    category = np.full(200, "easy")
    category[0] = "review"
    category[68:80] = "hard"
    likely = np.where((labels == 0) & (kind == 1), 1, labels)
    is_outlier = np.arange(200) < 2
    index = 1000 + np.arange(200)
    return JudgedLabels(index, labels, category, likely, NAMES, is_outlier), features


def test_what_is_no_label_error_is_not_called_one() -> None:
    judged, features = _judged(np.random.default_rng(0))
    found = subgroups_of_samples(judged, FeatureSpace(features))
    names = found["subgroup"]
    assert set(names[:2]) == {"far from all"}
    assert set(names[60:68]) == {"rare kind"}
    assert set(names[68:80]) == {"like dog"}
    assert names[[*range(2, 60), *range(80, 200)]].null_count() == 178


def test_the_most_typical_come_first_and_have_an_easy_sample_to_compare_with() -> None:
    judged, features = _judged(np.random.default_rng(0))
    found = subgroups_of_samples(judged, FeatureSpace(features)).with_row_index("row")
    for name, group in found.drop_nulls("subgroup").group_by("subgroup"):
        assert sorted(group["subgroup_place"]) == list(range(len(group))), name
        shown = group.sort("subgroup_place")["nearest_easy"]
        assert shown[:2].null_count() == 0
        assert shown[2:].null_count() == len(shown) - len(shown[:2])
        for easy in shown.drop_nulls().to_list():
            row = easy - 1000
            assert judged.category[row] == "easy"
            assert judged.labels[row] == 0
            assert row not in group["row"]
    dogs = found.filter(pl.col("subgroup") == "like dog").sort("subgroup_place")["row"].to_numpy()
    points = FeatureSpace(features).of(dogs)
    from_center = np.linalg.norm(points - points.mean(axis=0), axis=1)
    assert (np.diff(from_center) >= 0).all()


def test_a_group_that_no_class_explains_is_described_by_its_neighbors() -> None:
    judged, features = _judged(np.random.default_rng(0))
    unsure = JudgedLabels(
        judged.index, judged.labels, judged.category, judged.labels, NAMES, judged.is_outlier
    )
    names = subgroups_of_samples(unsure, FeatureSpace(features))["subgroup"]
    (name,) = set(names[68:80])
    assert name.startswith("near dog: ")
    assert name.endswith(" of 20 nearest")


def test_without_features_trajectories_tell_kinds_apart_and_nothing_is_said_of_neighbors() -> None:
    judged, features = _judged(np.random.default_rng(0))
    found = subgroups_of_samples(judged, lambda rows: features[rows])
    uneasy = judged.category != "easy"
    assert (found["subgroup"].is_not_null().to_numpy() == uneasy).all()
    assert found["nearest_easy"].null_count() == len(found)
    assert set(found["subgroup"].drop_nulls()) <= {"like dog", "a kind of its own"}


@pytest.mark.parametrize("width", [1, 3, 200])
def test_any_width_and_one_class_alone_will_do(width: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros(50, dtype=np.int64)
    category = np.where(np.arange(50) < 20, "hard", "easy")
    features = rng.normal(size=(50, width)).astype(np.float16)
    judged = JudgedLabels(np.arange(50), labels, category, labels, ("cat",))
    found = subgroups_of_samples(judged, FeatureSpace(features))
    assert found["subgroup"][:20].null_count() == 0


def test_a_class_without_easy_samples_has_nothing_to_compare_with() -> None:
    labels = np.zeros(30, dtype=np.int64)
    judged = JudgedLabels(np.arange(30), labels, np.full(30, "hard"), labels, ("cat",))
    features = np.random.default_rng(0).normal(size=(30, 4))
    found = subgroups_of_samples(judged, FeatureSpace(features))
    assert found["nearest_easy"].null_count() == 30


def test_every_sub_group_has_its_row() -> None:
    judged, features = _judged(np.random.default_rng(0))
    found = subgroups_of_samples(judged, FeatureSpace(features))
    frame = found.with_columns(
        label=judged.labels,
        label_name=pl.Series([NAMES[label] for label in judged.labels]),
        category=judged.category,
        suggested_label=judged.likely,
        suggested_name=pl.Series([NAMES[label] for label in judged.likely]),
        suggested_confidence=pl.lit(0.9),
    )
    rows = subgroup_summary(frame).rows_by_key("subgroup", named=True, unique=True)
    assert rows["like dog"]["hard"] == 12
    assert rows["like dog"]["suggested_name"] == "dog"
    assert rows["rare kind"]["easy"] == 8
    assert rows["rare kind"]["share_of_hard"] == 0
