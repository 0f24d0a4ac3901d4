"""Categories mean the same whatever the length of the training, the rate and the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis.categories import (
    assign_categories,
    category_posteriors,
    movement,
    noise_probability,
    responsibilities,
    upward_share,
)
from dataparams.analysis.result import CATEGORIES


def trajectories(
    epochs: int, counts: dict[str, int], seed: int = 0, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Log temperatures that fall, rise, or first rise and then fall; and which is which."""
    rng = np.random.default_rng(seed)
    time = np.arange(epochs) / epochs
    slopes = {
        "easy": np.where(time < 0.1, 0.3, -1.0),
        "hard": np.full(epochs, 1.0),
        "review": np.where(time < 0.5, 1.0, -1.0),
    }
    kinds = np.repeat(list(counts), list(counts.values()))
    steps = np.stack([slopes[kind] for kind in kinds], axis=1) / epochs
    steps = steps * rng.uniform(0.4, 1.6, len(kinds)) + rng.normal(0, 0.15 / epochs, steps.shape)
    return scale * np.cumsum(steps, axis=0), kinds


def categorized(log_temperature: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    labels = np.zeros(log_temperature.shape[1], dtype=int) if labels is None else labels
    share = upward_share(movement(log_temperature))
    return assign_categories(category_posteriors(responsibilities(share, labels)))


@pytest.mark.parametrize("epochs", [5, 30, 300])
@pytest.mark.parametrize("scale", [0.05, 1.0, 3.0])
def test_kinds_of_trajectories_are_told_apart(epochs: int, scale: float) -> None:
    log_temperature, kinds = trajectories(
        epochs, {"easy": 700, "hard": 200, "review": 100}, scale=scale
    )
    found = categorized(log_temperature)
    for kind in CATEGORIES:
        assert (found[kinds == kind] == kind).mean() > 0.9, kind


@pytest.mark.parametrize("epochs", [5, 30, 300])
def test_data_without_a_wrong_label_is_easy(epochs: int) -> None:
    log_temperature, _ = trajectories(epochs, {"easy": 500})
    found = categorized(log_temperature)
    assert (found == "easy").mean() > 0.95
    share = upward_share(movement(log_temperature))
    parts = responsibilities(share, np.zeros(500, dtype=int))
    assert noise_probability(parts).mean() < 0.05


def test_a_small_class_is_judged_by_what_all_have_in_common() -> None:
    large, kinds = trajectories(20, {"easy": 900, "hard": 100})
    small, small_kinds = trajectories(20, {"easy": 9, "hard": 1}, seed=1)
    labels = np.repeat([0, 1], [1000, 10])
    found = categorized(np.concatenate([large, small], axis=1), labels)
    assert (found[1000:] == small_kinds).all()
    assert (found[:1000] == kinds).mean() > 0.95


def test_ten_samples_in_all_give_an_answer() -> None:
    log_temperature, kinds = trajectories(10, {"easy": 8, "hard": 2})
    assert (categorized(log_temperature) == kinds).mean() >= 0.8


def test_temperatures_that_never_moved_are_not_called_wrong() -> None:
    assert "hard" not in categorized(np.zeros((5, 20)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.floats(0, 1), count=st.integers(1, 200))
def test_no_more_than_the_budget_needs_review(seed: int, budget: float, count: int) -> None:
    posteriors = np.random.default_rng(seed).dirichlet(np.ones(3), count)
    found = assign_categories(posteriors, budget)
    assert (found == "review").mean() <= budget
    free = assign_categories(posteriors)
    kept = found == free
    assert (free[~kept] == "review").all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), epochs=st.integers(1, 8), count=st.integers(1, 60))
def test_posteriors_are_probabilities(seed: int, epochs: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    share = upward_share(movement(rng.normal(0, 1, (epochs, count))))
    parts = responsibilities(share, rng.integers(0, 3, count))
    for values in (parts, category_posteriors(parts)):
        assert (values >= 0).all()
        np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-9)
