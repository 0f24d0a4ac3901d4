"""Transitions, suspicion and suggested labels on simulated predictions."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.analysis.suspicion import doubts_about, suspicion
from dataparams.analysis.transitions import (
    estimate_transitions,
    true_class_posterior,
    true_class_probabilities,
)
from dataparams.run.error_detection import detection_figures

CLASSES = 8


def simulated(kind: str, rate: float, count: int = 6000) -> tuple[np.ndarray, ...]:
    """True classes, labels and what a model trained on these labels predicts."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, CLASSES, count)
    wrong = (true + (1 if kind == "pairflip" else rng.integers(1, CLASSES, count))) % CLASSES
    labels = np.where(rng.random(count) < rate, wrong, true)
    matrix = np.full((CLASSES, CLASSES), rate / (CLASSES - 1))
    if kind == "pairflip":
        matrix = np.zeros((CLASSES, CLASSES))
        matrix[np.arange(CLASSES), (np.arange(CLASSES) + 1) % CLASSES] = rate
    np.fill_diagonal(matrix, 1 - rate)
    logits = 3 * np.eye(CLASSES)[true] + rng.normal(0, 1, (count, CLASSES))
    clean = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, labels, (clean @ matrix).astype(np.float32), matrix


@pytest.mark.parametrize(("kind", "structure"), [("symmetric", 0.0), ("pairflip", 1.0)])
def test_structure_and_matrix_are_found(kind: str, structure: float) -> None:
    true, labels, probabilities, matrix = simulated(kind, 0.3)
    transitions = estimate_transitions(probabilities.argmax(axis=1), labels, CLASSES)
    assert transitions.structure == pytest.approx(structure, abs=0.1)
    np.testing.assert_allclose(transitions.matrix.sum(axis=1), 1)
    exact = estimate_transitions(true, labels, CLASSES)
    np.testing.assert_allclose(exact.matrix, matrix, atol=0.05)


def test_confusion_that_goes_both_ways_is_not_taken_for_one_way() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, CLASSES, 8000)
    partner = true ^ 1
    # Of each pair, one class is confused for the other half as often again.
    is_wrong = rng.random(8000) < np.where(true % 2, 0.2, 0.3)
    mutual = estimate_transitions(true, np.where(is_wrong, partner, true), CLASSES)
    assert (mutual.structure, mutual.asymmetry) == (1.0, 0.0)
    one_way = np.where(is_wrong, (true + 1) % CLASSES, true)
    assert estimate_transitions(true, one_way, CLASSES).asymmetry == 1.0


@pytest.mark.parametrize("kind", ["symmetric", "pairflip"])
def test_suspicion_finds_and_suggestions_mend(kind: str) -> None:
    true, labels, probabilities, _ = simulated(kind, 0.3)
    transitions = estimate_transitions(probabilities.argmax(axis=1), labels, CLASSES)
    clean = true_class_probabilities(probabilities, transitions)
    posterior = true_class_posterior(clean, labels, transitions)
    doubts = doubts_about(probabilities, posterior, labels)
    score = suspicion(doubts, transitions.structure, transitions.asymmetry)
    figures = detection_figures(score, labels != true)
    plain = detection_figures(-probabilities[np.arange(len(labels)), labels], labels != true)
    assert figures is not None
    assert plain is not None
    assert figures.auroc > 0.95
    assert figures.auroc >= plain.auroc - 0.005
    is_right = clean.argmax(axis=1) == true
    assert is_right[labels != true].mean() > 0.85
    confidence = posterior[np.arange(len(labels)), clean.argmax(axis=1)]
    assert confidence[is_right].mean() > confidence[~is_right].mean() + 0.2
    assert is_right[confidence > 0.9].mean() > 0.95


@pytest.mark.parametrize("num_classes", [2, 10, 1000])
def test_certain_predictions_stay_certain_however_many_classes(num_classes: int) -> None:
    labels = np.arange(num_classes)
    transitions = estimate_transitions(labels, labels, num_classes)
    predicted = np.eye(num_classes, dtype=np.float32)[labels]
    true = true_class_probabilities(predicted.copy(), transitions)
    assert (true[labels, labels] > 0.75).all()
    np.testing.assert_allclose(true.sum(axis=1), 1, atol=1e-5)


def test_few_wrong_labels_show_no_structure_by_chance() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 20, 1500)
    labels = np.where(rng.random(1500) < 0.1, rng.integers(0, 20, 1500), true)
    assert estimate_transitions(true, labels, 20).structure < 0.1
    assert estimate_transitions(true, true, 20).structure == 0
