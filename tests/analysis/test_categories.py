"""Easy, hard and need review, from how likely a label is wrong and whether the model agrees."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.analysis.categories import assign_categories, category_posteriors


def drawn(seed: int, count: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return rng.random(count), rng.normal(0, 3, count), rng.random(count) < 0.8


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 60))
def test_posteriors_are_probabilities(seed: int, count: int) -> None:
    posteriors = category_posteriors(*drawn(seed, count))
    assert posteriors.shape == (count, 3)
    assert (posteriors >= -1e-12).all()
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_what_the_model_agrees_with_is_not_hard_unless_its_label_is_likely_wrong(
    seed: int, count: int
) -> None:
    noise, margins, is_judged = drawn(seed, count)
    found = assign_categories(category_posteriors(noise, margins, is_judged))
    assert (noise[found == "hard"] > 1 / 3).all()
    assert (found[is_judged & (noise < 0.05) & (margins > 3)] == "easy").all()
    assert (found[is_judged & (noise > 0.95)] == "hard").all()
    assert (found[is_judged & (noise < 0.05) & (margins < -3)] == "review").all()
    assert (found[~is_judged] == "review").all()


def test_the_more_the_model_agrees_the_easier() -> None:
    margins = np.linspace(-9, 9, 50)
    easy, hard, _ = category_posteriors(np.full(50, 0.2), margins, np.ones(50, bool)).T
    assert (np.diff(easy) > 0).all()
    np.testing.assert_allclose(hard, 0.2)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.floats(0, 1), count=st.integers(1, 200))
def test_no_more_than_the_budget_needs_review(seed: int, budget: float, count: int) -> None:
    posteriors = np.random.default_rng(seed).dirichlet(np.ones(3), count)
    found = assign_categories(posteriors, budget)
    assert (found == "review").mean() <= budget
    free = assign_categories(posteriors)
    kept = found == free
    assert (free[~kept] == "review").all()
