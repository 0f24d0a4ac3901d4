"""Scores agree with their definitions, written out sample by sample in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis import scores
from dataparams.analysis.class_probabilities import (
    neighbor_probabilities,
    recorded_probabilities,
    telling_epochs,
)
from dataparams.analysis.trajectories import ArrayTrajectories, Trajectories


@settings(max_examples=30, deadline=None)
@given(epochs=st.integers(1, 9), count=st.integers(1, 6), seed=st.integers(0, 999))
def test_scores_agree_with_their_definitions(epochs: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 2, (epochs, count)).astype(np.float32)
    loss = rng.exponential(1, (epochs, count)).astype(np.float32)
    log_temperature = rng.normal(0, 1, (epochs, count)).astype(np.float32)
    correct = margin >= 0
    numbers = np.arange(1, epochs + 1)
    for i in range(count):
        own = [float(value) for value in loss[:, i]]
        chances = [math.exp(-value) for value in own]
        mean = sum(chances) / epochs
        spread = math.sqrt(sum((chance - mean) ** 2 for chance in chances) / epochs)
        right = [bool(value) for value in correct[:, i]]
        lost = sum(right[e] and not right[e + 1] for e in range(epochs - 1))
        expected = {
            "final_temperature": (log_temperature, math.exp(log_temperature[-1, i])),
            "mean_temperature": (
                log_temperature,
                math.exp(np.mean(log_temperature[:, i], dtype=float)),
            ),
            "area_under_margin": (margin, sum(map(float, margin[:, i])) / epochs),
            "mean_loss": (loss, sum(own) / epochs),
            "last_loss": (loss, own[-1]),
            "confidence": (loss, mean),
            "variability": (loss, spread),
            "forgetting_events": (correct, lost),
        }
        for name, (values, value) in expected.items():
            assert getattr(scores, name)(values)[i] == pytest.approx(value, rel=1e-5, abs=1e-7), (
                name
            )
        first = right.index(True) + 1 if any(right) else 0
        assert scores.first_learned_epoch(correct, numbers)[i] == first


def test_recorded_probabilities_are_the_mean_softmax_of_three_classes() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (6, 50, 3))
    labels = rng.integers(0, 3, 50)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    rows = np.arange(50)
    others = logits.copy()
    others[:, rows, labels] = -np.inf
    records = Trajectories(
        np.zeros((6, 50), np.float32),
        margin=(logits[:, rows, labels] - others.max(axis=2)).astype(np.float32),
        loss=-np.log(softmax[:, rows, labels]).astype(np.float32),
        rival=others.argmax(axis=2),
    )
    part = ArrayTrajectories(records).part(rows, np.array([2, 3, 5]))
    found = recorded_probabilities(part, labels, 3)
    assert found is not None
    np.testing.assert_allclose(found, softmax[[2, 3, 5]].mean(axis=0), atol=1e-6)


def test_no_probability_overflows() -> None:
    records = Trajectories(
        np.zeros((2, 1), np.float32),
        margin=np.full((2, 1), -150, np.float32),
        loss=np.full((2, 1), 150, np.float32),
        rival=np.array([[1], [1]]),
    )
    found = recorded_probabilities(records, np.array([0]), 3)
    assert found is not None
    np.testing.assert_allclose(found, [[0, 1, 0]], atol=1e-6)


def test_epochs_learned_by_heart_do_not_count() -> None:
    accuracy = np.array([0.2, 0.4, 0.5, 0.55, 0.6, 0.85, 0.95, 1.0])
    assert telling_epochs(accuracy, 0.4).tolist() == [1, 2, 3, 4]
    assert telling_epochs(accuracy[:5], 0.4).tolist() == [1, 2, 3, 4]
    assert telling_epochs(np.array([0.99, 1.0]), 0.4).tolist() == [0]
    assert telling_epochs(np.linspace(0.1, 0.5, 20), 0.4).tolist() == list(range(4, 20))


def test_epochs_in_which_the_model_forgets_how_to_generalize_do_not_count() -> None:
    accuracy = np.linspace(0.2, 0.55, 10)
    rising = np.linspace(0.2, 0.6, 10)
    falling = np.array([0.2, 0.4, 0.6, 0.7, 0.6, 0.5, 0.4, 0.4, 0.4, 0.4])
    assert telling_epochs(accuracy, 0.4, rising).tolist() == list(range(2, 10))
    assert telling_epochs(accuracy, 0.4, falling).tolist() == [2, 3]
    assert telling_epochs(accuracy, 0.4, rising[::-1]).tolist() == [2]


def test_neighbors_are_those_that_look_alike_without_oneself() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat([0, 1], 40)
    features = (np.eye(2)[kinds] * 10 + rng.normal(0, 0.1, (80, 2))).astype(np.float32)
    own = np.eye(2, dtype=np.float32)[kinds]
    own[0] = [0, 1]
    near = neighbor_probabilities(features, own, neighbors=5)
    assert near[0, 0] == 1
    np.testing.assert_allclose(near.sum(axis=1), 1, atol=1e-6)
    drawn = neighbor_probabilities(features, own, neighbors=5, most=30)
    assert (drawn.argmax(axis=1) == kinds).mean() > 0.95
