"""Two labels are told apart as often as something tells them apart, and by chance otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.health.telling_apart import (
    by_chance_within,
    lead_by_neighbors,
    lead_by_trees,
    told_apart,
)


def points(count: int, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two labels, those of the second shifted, of length 1."""
    rng = np.random.default_rng(seed)
    is_second = np.arange(2 * count) >= count
    drawn = rng.normal(size=(2 * count, 8))
    drawn[:, 0] += shift * is_second
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32), is_second


def answers(drawn: np.ndarray, is_second: np.ndarray) -> tuple[float, float]:
    return (
        told_apart(lead_by_neighbors(drawn, is_second)[0], is_second),
        told_apart(lead_by_trees(drawn, is_second), is_second),
    )


def test_what_nothing_tells_apart_is_guessed_within_the_error_that_is_given() -> None:
    beyond = []
    for seed in range(12):
        drawn, is_second = points(40, 0.0, seed)
        error = by_chance_within(is_second)
        beyond += [told > 0.5 + 2 * error for told in answers(drawn, is_second)]
    assert np.mean(beyond) < 0.08


@pytest.mark.parametrize("seed", range(3))
def test_what_tells_them_apart_is_found_by_both(seed: int) -> None:
    drawn, is_second = points(200, 2.0, seed)
    assert min(answers(drawn, is_second)) > 0.7


def test_equal_leads_are_decided_by_chance_whatever_the_order() -> None:
    is_second = np.arange(2000) >= 1000
    for given in (is_second, ~is_second):
        assert abs(told_apart(np.zeros(2000), given) - 0.5) < 0.05


def test_rare_and_frequent_labels_count_alike() -> None:
    # Half of the rare label is answered rightly, and so 25 of 950 of the other wrongly.
    is_second = np.arange(1000) >= 950
    lead = np.where(is_second, np.arange(1000) % 2, 0.5)
    assert told_apart(lead, is_second) == pytest.approx((0.5 + 925 / 950) / 2)


def test_labels_at_random_are_as_mixed_as_by_chance_and_clouds_apart_are_not() -> None:
    drawn, is_second = points(200, 0.0, 0)
    assert abs(lead_by_neighbors(drawn, is_second)[1] - 1) < 0.1
    apart, is_second = points(200, 9.0, 0)
    assert lead_by_neighbors(apart, is_second)[1] < 0.1
