"""Approximate neighbors are the true ones, nearly always, and never the sample itself."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.training.approximate_neighbors import approximate_neighbors
from dataparams.training.heads import ScaledFeatures
from dataparams.training.neighbors import nearest_neighbors


def clustered(count: int, width: int, seed: int, norm: float | None = 10.0) -> ScaledFeatures:
    """Samples around 30 centers, as features of a network lie."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(0, 1, (30, width))
    points = centers[rng.integers(30, size=count)] + rng.normal(0, 0.6, (count, width))
    return ScaledFeatures(points.astype(np.float16), norm)


@pytest.mark.parametrize("norm", [10.0, None])
def test_most_of_the_true_neighbors_are_found(norm: float | None) -> None:
    features = clustered(6000, 64, 0, norm)
    near = nearest_neighbors(features, 10)
    found = approximate_neighbors(features, 10)
    shared = [len(set(a) & set(b)) for a, b in zip(near.tolist(), found.tolist(), strict=True)]
    assert np.mean(shared) > 9.5


@pytest.mark.parametrize("count", [12, 700, 1900])
def test_no_sample_is_its_own_neighbor_and_none_is_named_twice(count: int) -> None:
    found = approximate_neighbors(clustered(count, 5, seed=1), 10, probes=1)
    assert found.shape == (count, 10)
    assert not (found == np.arange(count)[:, None]).any()
    assert all(len(set(row)) == 10 for row in found.tolist())
    assert 0 <= found.min() <= found.max() < count


def test_equal_samples_are_neighbors_of_each_other() -> None:
    features = ScaledFeatures(np.repeat(np.eye(4, dtype=np.float32), 30, axis=0))
    found = approximate_neighbors(features, 5)
    assert (found // 30 == np.arange(120)[:, None] // 30).all()
