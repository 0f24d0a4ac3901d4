"""What is far from all classes is told from a wrong label on a typical sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataparams.training.heads import ScaledFeatures
from dataparams.training.neighbors import nearest_neighbors
from dataparams.training.outliers import OUTLIER_ABOVE, outlier_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scores(
    values: NDArray[np.float64], labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float64]:
    features = ScaledFeatures(values)
    return outlier_scores(features, nearest_neighbors(features, 20), labels, num_classes)


def blobs(
    count: int, num_classes: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, count)
    centers = 2 * rng.standard_normal((num_classes, 64))
    return centers[labels] + rng.standard_normal((count, 64)), labels


@pytest.mark.parametrize("seed", range(5))
def test_hardly_any_sample_of_clean_data_is_flagged(seed: int) -> None:
    values, labels = blobs(1000, 8, seed)
    assert (scores(values, labels, 8) > OUTLIER_ABOVE).mean() <= 0.005


def test_what_is_of_no_class_is_flagged() -> None:
    values, labels = blobs(1000, 8)
    rng = np.random.default_rng(1)
    rows = rng.choice(1000, 15, replace=False)
    values[rows] = 2 * rng.standard_normal((15, 64))
    found = scores(values, labels, 8)
    assert (found[rows] > OUTLIER_ABOVE).mean() > 0.8
    assert (np.delete(found, rows) > OUTLIER_ABOVE).mean() <= 0.005


def test_a_wrong_label_on_a_typical_sample_is_no_outlier() -> None:
    values, labels = blobs(1000, 8)
    rng = np.random.default_rng(2)
    rows = rng.choice(1000, 300, replace=False)
    labels[rows] = (labels[rows] + rng.integers(1, 8, 300)) % 8
    assert (scores(values, labels, 8)[rows] > OUTLIER_ABOVE).mean() <= 0.01


def test_scale_does_not_matter() -> None:
    values, labels = blobs(300, 4)
    assert scores(values, labels, 4) == pytest.approx(scores(7 * values, labels, 4), abs=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_few_samples(count: int) -> None:
    values, labels = blobs(count, 2)
    found = scores(values, labels, 2)
    assert found.shape == (count,)
    assert ((found >= 0) & (found < 1)).all()


def test_samples_that_are_all_alike_are_no_outliers() -> None:
    found = scores(np.ones((50, 8)), np.arange(50) % 2, 2)
    assert (found <= OUTLIER_ABOVE).all()


def test_a_class_without_samples() -> None:
    values, labels = blobs(100, 3)
    assert np.array_equal(scores(values, labels, 3), scores(values, labels, 9))
