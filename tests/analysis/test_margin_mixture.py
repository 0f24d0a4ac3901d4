"""Two humps of margins: the fit, the posterior and the interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from dataparams.analysis import margin_mixture
from dataparams.analysis.margin_mixture import (
    MarginMixture,
    fit_mixture,
    histogram,
    share_interval,
    with_share,
)
from dataparams.analysis.noise_rate import noise_of_margins

SHAPES = st.builds(
    MarginMixture,
    log_odds=st.floats(-9, 5),
    height=st.floats(0.05, 7),
    width_below=st.floats(0.02, 5),
    width_above=st.floats(0.02, 5),
    depth=st.floats(0.05, 7),
    width_wrong=st.floats(0.02, 5),
)


def drawn(share: float, count: int = 2000, mode: float = 3.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wrong = round(share * count)
    return np.concatenate([rng.normal(mode, 1, count - wrong), rng.normal(-mode, 1, wrong)])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_gradient_is_that_of_finite_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = histogram(drawn(rng.uniform(0, 0.5), 500, rng.uniform(0.5, 4), seed))
    at = rng.normal(0, 0.4, 6)

    def value(parameters: np.ndarray) -> float:
        return margin_mixture._minus_log_posterior(parameters[:5], parameters[5], counts)[0]

    _, slope, odds_slope = margin_mixture._minus_log_posterior(at[:5], at[5], counts)
    expected = approx_fprime(at, value, 1e-6)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.append(slope, odds_slope), expected, atol=1e-4 * scale)


@settings(max_examples=60, deadline=None)
@given(mixture=SHAPES)
def test_a_noise_probability_never_rises_with_the_margin(mixture: MarginMixture) -> None:
    found = mixture.noise_probability(np.linspace(-9, 9, 721))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) <= 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(mixture=SHAPES, share=st.floats(0.001, 0.95), true=st.floats(0, 0.6))
def test_the_mean_noise_probability_is_the_share_that_was_given(
    mixture: MarginMixture, share: float, true: float
) -> None:
    counts = histogram(drawn(true, 300))
    centers = (np.linspace(-7, 7, 281)[1:] + np.linspace(-7, 7, 281)[:-1]) / 2
    found = with_share(mixture, counts, share).noise_probability(centers)
    assert found @ counts / counts.sum() == pytest.approx(share, abs=1e-4)


def test_a_share_of_nothing_or_all_makes_all_or_none_right() -> None:
    margins = drawn(0.2)
    mixture = fit_mixture(histogram(margins))
    assert with_share(mixture, histogram(margins), 0).noise_probability(margins).max() < 1e-6
    assert with_share(mixture, histogram(margins), 1).noise_probability(margins).min() > 1 - 1e-6


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("mode", [2.0, 3.0, 5.0])
def test_two_humps_are_told_apart(share: float, mode: float) -> None:
    margins = drawn(share, mode=mode)
    estimate = noise_of_margins(margins)
    assert estimate.low <= share <= estimate.high
    assert estimate.rate == pytest.approx(share, abs=0.02)
    noise = fit_mixture(histogram(margins)).noise_probability(margins)
    assert noise[: len(margins) - round(share * len(margins))].mean() < 0.05 + share / 10
    assert noise[margins < -mode].min() > 0.6


@pytest.mark.parametrize(("mode", "width"), [(0.5, 0.5), (1, 1), (1, 0.2), (2, 1), (2, 2), (6, 1)])
def test_an_unsure_model_has_one_hump_and_no_second_one(mode: float, width: float) -> None:
    # Where both are the same, 16 % of the margins are below 0.
    margins = np.random.default_rng(0).normal(mode, width, 2000)
    share, low, _ = share_interval(histogram(margins))
    assert (share, low) == (0, 0)


def test_no_margin_at_all_is_no_error() -> None:
    share, low, high = share_interval(histogram(np.zeros(0)))
    assert 0 <= low <= share <= high <= 1
    assert high > 0.9


@pytest.mark.parametrize("margins", [np.full(30, 7.0), np.full(30, -7.0), np.zeros(30)])
def test_margins_that_do_not_differ_have_an_answer(margins: np.ndarray) -> None:
    counts = histogram(margins)
    share, low, high = share_interval(counts)
    assert 0 <= low <= share <= high <= 1
    assert np.isfinite(fit_mixture(counts).noise_probability(margins)).all()


def test_all_margins_are_counted_however_far_out() -> None:
    assert histogram(np.array([-100.0, 0.0, 100.0])).tolist()[0] == 1
    assert histogram(np.array([-100.0, 0.0, 100.0])).sum() == 3
