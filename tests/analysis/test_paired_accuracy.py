"""Two models on the same samples: which difference chance explains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from dataparams.analysis.paired_accuracy import paired_accuracy


def pairs(both: int, gained: int, lost: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    before = np.repeat([True, False, True, False], [both, gained, lost, neither])
    after = np.repeat([True, True, False, False], [both, gained, lost, neither])
    return before, after


def test_figures_and_the_exact_test_are_of_the_pairs_that_differ() -> None:
    found = paired_accuracy(*pairs(600, 60, 30, 310))
    assert (found.samples, found.before, found.after) == (1000, 0.63, 0.66)
    assert (found.gained, found.lost) == (60, 30)
    assert found.chance == pytest.approx(binomtest(60, 90).pvalue)
    assert not found.is_within_noise
    # Of a multinomial the difference has this standard deviation.
    deviation = np.sqrt((0.09 - 0.03**2) / 1000)
    assert found.low == pytest.approx(0.03 - 1.96 * deviation, abs=0.002)
    assert found.high == pytest.approx(0.03 + 1.96 * deviation, abs=0.002)


def test_the_interval_holds_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(100)
    holds = 0
    for _ in range(200):
        drawn = rng.choice(4, size=400, p=[0.6, 0.12, 0.08, 0.2])
        found = paired_accuracy(np.isin(drawn, [0, 2]), np.isin(drawn, [0, 1]))
        holds += found.low <= 0.04 <= found.high
    assert 180 <= holds <= 198


def test_equal_models_and_a_single_sample_differ_by_nothing_that_counts() -> None:
    same = paired_accuracy(*pairs(5, 0, 0, 5))
    assert (same.difference, same.low, same.high, same.chance) == (0, 0, 0, 1)
    assert same.is_within_noise
    one = paired_accuracy(np.array([False]), np.array([True]))
    assert one.difference == 1
    assert one.is_within_noise
