"""The noise estimate holds for any class probabilities, wherever they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis import NoiseEstimate, estimate_noise_rate
from dataparams.analysis.noise_rate import UNKNOWN_NOISE, label_margins

COUNT = 1500
DISTANCE = 4.0
RATES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
CLASSES = (2, 3, 5, 10, 20)


def judged(rate: float, classes: int, sharpness: float, seed: int) -> tuple[np.ndarray, ...]:
    """Labels, a share of them wrong, and what a model says that learned the true classes.

    Args:
        rate: Share of wrong labels.
        classes: Their number.
        sharpness: Of the model: 1 is calibrated, more is overconfident.
        seed: Of the draw.
    """
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, COUNT)
    labels = true.copy()
    wrong = rng.choice(COUNT, round(rate * COUNT), replace=False)
    labels[wrong] = (true[wrong] + rng.integers(1, classes, len(wrong))) % classes
    # The logits of Bayes' rule for points around one corner per class.
    points = DISTANCE * np.eye(classes)[true] + rng.normal(size=(COUNT, classes))
    return labels, softmax(sharpness * DISTANCE * points)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_truth_is_near_the_estimate_and_within_its_interval(sharpness: float) -> None:
    errors, is_within = [], []
    for seed, rate in enumerate(RATES):
        for classes in CLASSES:
            estimate = estimate_noise_rate(*judged(rate, classes, sharpness, seed))
            assert 0 <= estimate.low <= estimate.rate <= estimate.high <= 1
            errors.append(abs(estimate.rate - rate))
            is_within.append(estimate.low <= rate <= estimate.high)
    assert np.mean(errors) < 0.03
    assert max(errors) < 0.06
    assert np.mean(is_within) > 0.8


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
@pytest.mark.parametrize("classes", [2, 10])
def test_more_noise_is_estimated_as_more(classes: int, sharpness: float) -> None:
    found = [estimate_noise_rate(*judged(rate, classes, sharpness, 0)).rate for rate in RATES]
    assert found == sorted(found)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.sampled_from(RATES), classes=st.sampled_from(CLASSES))
def test_neither_the_order_of_classes_nor_of_samples_matters(
    seed: int, rate: float, classes: int
) -> None:
    labels, probabilities = judged(rate, classes, 1.0, seed)
    rng = np.random.default_rng(seed)
    estimate = estimate_noise_rate(labels, probabilities)
    number = rng.permutation(classes)
    renumbered = np.empty_like(probabilities)
    renumbered[:, number] = probabilities
    assert estimate_noise_rate(number[labels], renumbered) == estimate
    rows = rng.permutation(COUNT)
    assert estimate_noise_rate(labels[rows], probabilities[rows]) == estimate


def test_several_sets_of_probabilities_count_by_the_highest_share_and_span_all() -> None:
    labels, late = judged(0.2, 5, 1.0, 0)
    by_heart = 0.9 * np.eye(5)[labels] + 0.02
    alone = estimate_noise_rate(labels, late)
    both = estimate_noise_rate(labels, by_heart, late)
    assert estimate_noise_rate(labels, by_heart).rate < 0.02
    assert both == estimate_noise_rate(labels, late, by_heart)
    assert (both.rate, both.high) == (alone.rate, alone.high)
    assert both.low <= alone.low


def test_what_it_is_given_stays_as_it_was() -> None:
    labels, probabilities = judged(0.2, 5, 1.0, 0)
    before = probabilities.copy()
    probabilities.flags.writeable = False
    frozen = estimate_noise_rate(labels, probabilities)
    assert estimate_noise_rate(labels, before.copy()) == frozen
    np.testing.assert_array_equal(probabilities, before)
    half = estimate_noise_rate(labels, probabilities.astype(np.float32))
    assert half.rate == pytest.approx(frozen.rate, abs=0.01)


UNIFORM = np.full((600, 3), 1 / 3)
TURNS = np.arange(600) % 3


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        pytest.param(TURNS[:0], UNIFORM[:0], id="no sample"),
        pytest.param(TURNS[:1], UNIFORM[:1], id="one sample"),
        pytest.param(TURNS[:1], np.array([[0.01, 0.98, 0.01]]), id="one sample that disagrees"),
        pytest.param(TURNS, UNIFORM, id="all probabilities equal"),
        pytest.param(TURNS[:12], UNIFORM[:12], id="all equal, few samples"),
        pytest.param(TURNS, np.tile([0.1, 0.8, 0.1], (600, 1)), id="always the same class"),
        pytest.param(TURNS * 0, np.tile([0.8, 0.1, 0.1], (600, 1)), id="all of one class"),
        pytest.param(TURNS * 0, np.tile([0.1, 0.8, 0.1], (600, 1)), id="one class, never seen"),
    ],
)
def test_where_nothing_can_be_said_the_interval_is_all(
    labels: np.ndarray, probabilities: np.ndarray
) -> None:
    assert estimate_noise_rate(labels, probabilities) == UNKNOWN_NOISE
    assert not UNKNOWN_NOISE.is_known
    assert (UNKNOWN_NOISE.low, UNKNOWN_NOISE.high) == (0, 1)


def test_random_predictions_say_nothing() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(10), 2000)
    assert not estimate_noise_rate(rng.integers(0, 10, 2000), probabilities).is_known


@pytest.mark.parametrize("count", [20, 200, 2000])
def test_fewer_samples_leave_a_wider_interval_even_without_a_doubt(count: int) -> None:
    labels = np.arange(count) % 2
    estimate = estimate_noise_rate(labels, np.eye(2)[labels])
    assert (estimate.rate, estimate.low) == (0, 0)
    assert 1 / count < estimate.high < 0.01 + 4 / count


def test_classes_too_small_or_never_predicted_do_not_count() -> None:
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(400) % 2, np.full(9, 2), np.full(40, 3)])
    probabilities = np.full((449, 4), 0.02)
    predicted = np.where(labels < 2, labels, rng.integers(0, 2, 449))
    probabilities[np.arange(449), predicted] = 0.94
    estimate = estimate_noise_rate(labels, probabilities)
    assert estimate.rate == 0
    assert estimate == estimate_noise_rate(labels[:400], probabilities[:400])


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        (TURNS[:5], UNIFORM, r"`labels` has shape \(5,\) and `probabilities` \(600, 3\)"),
        (TURNS, UNIFORM[:, :1], r"2 classes or more"),
        (TURNS, UNIFORM[:, 0], r"expected \(samples,\) and \(samples, classes\)"),
        (TURNS + 1, UNIFORM, r"`labels` runs from 1 to 3; expected 0 \.\.\. 2"),
        (TURNS, UNIFORM * np.nan, r"not finite"),
        (TURNS, -UNIFORM, r"below 0"),
    ],
)
def test_what_does_not_fit_is_said(
    labels: np.ndarray, probabilities: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimate_noise_rate(labels, probabilities)


def test_margins_are_symmetric_and_bounded() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(2), 100)
    margins = label_margins(probabilities, np.zeros(100, dtype=int))
    np.testing.assert_allclose(margins, -label_margins(probabilities, np.ones(100, dtype=int)))
    assert (np.sign(margins) == np.sign(probabilities[:, 0] - 0.5)).all()
    certain = label_margins(np.eye(3), np.array([0, 1, 0]))
    np.testing.assert_allclose(np.abs(certain), np.log(1001), rtol=1e-9)
    assert NoiseEstimate(0.1, 0.0, 0.2).is_known
