"""The share of wrong labels, and how likely each is wrong, on mixtures whose share is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from dataparams.analysis.audit_noise_rate import disputed_share
from dataparams.analysis.label_error_probability import HeldOutNoise, noise_from_planted
from dataparams.analysis.noise_rate import UNKNOWN_NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Samples that a model judges, some of them with a wrong label."""

    is_wrong: NDArray[np.bool_]
    is_disputed: NDArray[np.bool_]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    evidence: NDArray[np.float64]
    planted: NDArray[np.float64]
    num_classes: int

    def noise(self) -> HeldOutNoise:
        return noise_from_planted(
            self.evidence,
            {"uniform": self.planted, "confused": self.planted},
            is_disputed=self.is_disputed,
            predicted=self.predicted,
            confidence=self.confidence,
            num_classes=self.num_classes,
        )


def mixture(
    rate: float, seed: int, *, count: int = 3000, num_classes: int = 10, level: float = -1.5
) -> Mixture:
    """Evidence by a model that is the more often mistaken the less sure it is."""
    rng = np.random.default_rng(seed)
    sureness = rng.standard_normal(count)
    share = 1 - 0.5 * ndtr(level - sureness)
    truth = rng.integers(0, num_classes, count)
    other = (truth + rng.integers(1, num_classes, count)) % num_classes
    found = np.where(rng.uniform(size=count) < ndtr(level - sureness), other, truth)
    is_wrong = rng.uniform(size=count) < rate
    wrong = (truth + rng.integers(1, num_classes, count)) % num_classes
    scale = rng.uniform(0.8, 1.0, count)

    def evidence(labels: NDArray[np.int64]) -> NDArray[np.float64]:
        low = (1 - share) / (num_classes - 1)
        values: NDArray[np.float64] = np.where(labels == found, share, low) * scale
        return values

    labels = np.where(is_wrong, wrong, truth)
    planted = (found + rng.integers(1, num_classes, count)) % num_classes
    is_disputed = found != labels
    return Mixture(
        is_wrong, is_disputed, found, sureness, evidence(labels), evidence(planted)[~is_disputed],
        num_classes,
    )  # fmt: skip


@given(rate=st.floats(0.0, 0.6), seed=seeds)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_rate_is_that_of_the_mixture(rate: float, seed: int) -> None:
    # The same draws each time: the error has a standard deviation of 0.015 over all, so that one in
    # a thousand would be beyond.
    mixed = mixture(rate, seed)
    estimate = mixed.noise().estimate
    assert abs(estimate.rate - mixed.is_wrong.mean()) < 0.05
    assert 0 <= estimate.low <= estimate.rate <= estimate.high <= 1


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_rate_is_right_in_the_mean(rate: float) -> None:
    draws = [mixture(rate, seed) for seed in range(10)]
    errors = [mixed.noise().estimate.rate - mixed.is_wrong.mean() for mixed in draws]
    assert abs(np.mean(errors)) < 0.015


@pytest.mark.parametrize("level", [-0.7, -1.5, -2.5])
def test_interval_covers_the_rate_nine_times_in_ten(level: float) -> None:
    covered = []
    for seed in range(60):
        mixed = mixture(0.15, seed, level=level)
        share = disputed_share(
            mixed.is_disputed, mixed.predicted, mixed.confidence, mixed.num_classes
        )
        covered.append(share.low <= mixed.is_wrong.mean() <= share.high)
    # Of 60 draws at 90 %, fewer than 46 are covered once in a thousand times.
    assert sum(covered) >= 46


@pytest.mark.parametrize("level", [-0.7, -1.5, -2.5])
def test_clean_labels_are_not_accused_however_weak_the_model(level: float) -> None:
    for seed in range(10):
        estimate = mixture(0.0, seed, level=level).noise().estimate
        assert estimate.rate <= 0.02
        assert estimate.low <= 0.01


@given(rate=st.floats(0.02, 0.5), seed=seeds)
@settings(max_examples=15, deadline=None)
def test_probabilities_mean_the_estimate_and_never_rise_with_evidence(
    rate: float, seed: int
) -> None:
    mixed = mixture(rate, seed, count=1000)
    noise = mixed.noise()
    assert noise.noise_probability.mean() == pytest.approx(noise.estimate.rate, abs=0.01)
    ordered = noise.noise_probability[np.argsort(mixed.evidence, kind="stable")]
    assert (np.diff(ordered) <= 1e-12).all()
    assert ((noise.noise_probability >= 0) & (noise.noise_probability <= 1)).all()


def test_probabilities_are_calibrated() -> None:
    mixed = mixture(0.2, 3, count=20_000)
    probability = mixed.noise().noise_probability
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (probability >= low) & (probability <= low + 0.25)
        if inside.sum() >= 300:
            assert abs(probability[inside].mean() - mixed.is_wrong[inside].mean()) < 0.12


def test_random_labels_are_not_said_to_be_right() -> None:
    rng = np.random.default_rng(0)
    share = disputed_share(
        rng.uniform(size=2000) < 0.9, rng.integers(0, 10, 2000), rng.uniform(size=2000), 10
    )
    assert share.high > 0.5
    assert share.rate > 0.3 or share.high - share.low > 0.5


def test_sixty_percent_are_seen() -> None:
    mixed = mixture(0.6, 1)
    assert mixed.noise().estimate.rate == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_two_classes(rate: float) -> None:
    mixed = mixture(rate, 5, num_classes=2, level=-2.0)
    estimate = mixed.noise().estimate
    assert estimate.rate == pytest.approx(mixed.is_wrong.mean(), abs=0.05)


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_few_samples_are_judged_with_a_wide_interval(count: int) -> None:
    noise = mixture(0.1, 2, count=count).noise()
    assert noise.noise_probability.shape == (count,)
    assert np.isfinite(noise.noise_probability).all()
    assert noise.estimate == UNKNOWN_NOISE or noise.estimate.high - noise.estimate.low > 0.05


def test_no_sample_is_unknown() -> None:
    empty = np.zeros(0)
    noise = noise_from_planted(
        empty,
        {},
        is_disputed=empty.astype(bool),
        predicted=empty.astype(int),
        confidence=empty,
        num_classes=3,
    )
    assert noise.estimate == UNKNOWN_NOISE


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="two classes or more"):
        disputed_share(np.zeros(5, dtype=bool), np.zeros(5, dtype=int), np.zeros(5), 1)


def test_errors_like_those_that_there_are_count_before_others() -> None:
    mixed = mixture(0.2, 7)
    alone = noise_from_planted(
        mixed.evidence, {"confused": mixed.planted}, is_disputed=mixed.is_disputed,
        predicted=mixed.predicted, confidence=mixed.confidence, num_classes=10,
    )  # fmt: skip
    beside = noise_from_planted(
        mixed.evidence, {"confused": mixed.planted, "uniform": np.full(50, 0.9)},
        is_disputed=mixed.is_disputed, predicted=mixed.predicted, confidence=mixed.confidence,
        num_classes=10,
    )  # fmt: skip
    assert np.array_equal(alone.noise_probability, beside.noise_probability)
    assert beside.found["uniform"] < beside.found["confused"]


def test_same_again() -> None:
    first, second = mixture(0.2, 7).noise(), mixture(0.2, 7).noise()
    assert first.estimate == second.estimate
    assert np.array_equal(first.noise_probability, second.noise_probability)


def test_only_ranks_of_confidence_count() -> None:
    mixed = mixture(0.2, 7)
    other = disputed_share(mixed.is_disputed, mixed.predicted, np.exp(3 * mixed.confidence), 10)
    assert other == disputed_share(mixed.is_disputed, mixed.predicted, mixed.confidence, 10)


def test_errors_in_half_of_the_classes_are_seen_though_the_model_is_less_sure_of_these() -> None:
    clean = mixture(0.0, 11, level=-2.0)
    rng = np.random.default_rng(12)
    is_wrong = (clean.predicted < 5) & (rng.uniform(size=3000) < 0.3)
    confidence = np.where(clean.predicted < 5, clean.confidence - 8, clean.confidence)
    share = disputed_share(clean.is_disputed | is_wrong, clean.predicted, confidence, 10)
    assert share.rate == pytest.approx(is_wrong.mean(), abs=0.04)


def test_evidence_that_differs_in_the_last_digits_has_a_probability() -> None:
    rng = np.random.default_rng(0)
    is_wrong = np.arange(200) < 20
    certain = 1 - 5e-16 * np.arange(200)
    noise = noise_from_planted(
        np.where(is_wrong, 1e-6 * rng.random(200), certain),
        {"uniform": 1e-6 * rng.random(60)},
        is_disputed=is_wrong,
        predicted=np.arange(200) % 3,
        confidence=rng.random(200),
        num_classes=3,
    )
    assert np.isfinite(noise.noise_probability).all()
    assert noise.noise_probability[~is_wrong].max() < noise.noise_probability[is_wrong].min()
