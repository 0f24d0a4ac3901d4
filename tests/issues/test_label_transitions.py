"""The posterior that a label is wrong, beside the same formula written plainly."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.issues.label_transitions import (
    MOST_CLASSES,
    ClassPriors,
    LabelTransitions,
    log_odds,
    sharpened,
)
from made_predictions import made_predictions


def plain_posterior(pred_probs: np.ndarray, labels: np.ndarray, rounds: int = 30) -> np.ndarray:
    """P(true class | label) of all classes, (n, C), sample by sample, in float64."""
    count, classes = pred_probs.shape
    prior = (pred_probs + 1e-10) ** 3
    prior /= prior.sum(axis=1, keepdims=True)
    first = np.full((classes, classes), 0.2 / (classes - 1))
    np.fill_diagonal(first, 0.8)
    share = np.stack([prior[i] * first[:, labels[i]] for i in range(count)])
    share /= share.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        counts = np.zeros((classes, classes))
        for i in range(count):
            counts[:, labels[i]] += share[i]
        after = np.empty_like(share)
        for i in range(count):
            others = counts[:, labels[i]] - share[i] + 1 / classes
            after[i] = prior[i] * others / (counts.sum(axis=1) - share[i] + 1)
        share = after / after.sum(axis=1, keepdims=True)
    return share


@pytest.mark.parametrize("classes", [2, 5, MOST_CLASSES])
def test_the_posterior_is_that_of_the_formula(classes: int) -> None:
    made = made_predictions(count=150, classes=classes)
    rows = np.arange(len(made.labels))
    priors = ClassPriors.of(made.pred_probs, made.labels, rows)
    _, found = LabelTransitions.estimated(priors, classes)
    expected = plain_posterior(made.pred_probs, made.labels)
    np.testing.assert_allclose(
        found, np.take_along_axis(expected, priors.classes, axis=1), rtol=1e-3, atol=1e-4
    )
    assert (priors.classes[:, 0] == made.labels).all()


def test_labels_that_go_one_way_are_suspected_more() -> None:
    """A third of class 0 is labeled 1: there a label 1 is doubted where a label 2 is not."""
    rng = np.random.default_rng(0)
    truth = np.arange(900) % 3
    labels = np.where((truth == 0) & (rng.random(900) < 1 / 3), 1, truth)
    pred_probs = np.full((900, 3), 0.1)
    pred_probs[np.arange(900), truth] = 0.8
    # A sample of which nothing is known but that it is no class 0 or no class 1.
    unsure = np.array([[0.45, 0.45, 0.1], [0.1, 0.45, 0.45]])
    priors = ClassPriors.of(pred_probs, labels, np.arange(900))
    transitions, _ = LabelTransitions.estimated(priors, 3)
    asked = ClassPriors.of(unsure, np.array([1, 1]), np.arange(2))
    one_way, other = log_odds(transitions.posterior(asked))
    assert one_way > other + 1


def test_a_sample_does_not_vouch_for_itself() -> None:
    """A single label of its kind is judged as it would be had it not been there."""
    truth = np.arange(200) % 2
    labels = truth.copy()
    labels[0] = 1
    pred_probs = np.where(np.arange(2) == truth[:, None], 0.9, 0.1)
    priors = ClassPriors.of(pred_probs, labels, np.arange(200))
    _, posterior = LabelTransitions.estimated(priors, 2)
    without = ClassPriors.of(pred_probs[1:], labels[1:], np.arange(199))
    transitions, _ = LabelTransitions.estimated(without, 2)
    asked = ClassPriors.of(pred_probs[:1], labels[:1], np.arange(1))
    np.testing.assert_allclose(posterior[0], transitions.posterior(asked)[0], atol=0.01)


def test_of_very_many_classes_the_likeliest_are_weighed() -> None:
    rng = np.random.default_rng(0)
    pred_probs = rng.dirichlet(np.full(300, 0.05), 500)
    labels = rng.integers(0, 300, 500)
    priors = ClassPriors.of(pred_probs, labels, np.arange(500))
    assert priors.classes.shape == (500, MOST_CLASSES)
    sharp = sharpened(pred_probs)
    for row in range(0, 500, 50):
        others = [k for k in np.argsort(-sharp[row], kind="stable") if k != labels[row]]
        expected = sharp[row, others[: MOST_CLASSES - 1]]
        np.testing.assert_allclose(
            priors.prior[row, 1:] / priors.prior[row, 1], expected / expected[0], rtol=1e-9
        )


def test_one_sure_prediction_after_another_stays_finite() -> None:
    pred_probs = np.eye(3)[np.arange(30) % 3]
    labels = (np.arange(30) + (np.arange(30) == 0)) % 3
    priors = ClassPriors.of(pred_probs, labels, np.arange(30))
    _, posterior = LabelTransitions.estimated(priors, 3)
    odds = log_odds(posterior)
    assert np.isfinite(odds).all()
    assert int(odds.argmax()) == 0
