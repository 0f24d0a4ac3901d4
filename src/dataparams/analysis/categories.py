"""Easy, hard or in need of review: a mixture over whole trajectories, fitted per class.

What counts is how a temperature moved: the share of its movement, over all epochs, that went
upwards. It is near 0 where the model agreed with the label early and ever after, near 1 where it
never did, and between where it learned late or swung to and fro. The share has no unit, so it means
the same for 5 epochs and for 300, for a small learning rate and for a large one.

Three distributions describe the shares: Beta(1, b) for easy, Beta(a, 1) for hard, and the uniform
one for neither. The fit to the whole data set is the prior of the fit to each class, so a class of
a few samples is judged by what all classes have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.result import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STILLNESS = 0.05
_ITERATIONS = 300
_CLASS_ITERATIONS = 30
_TOLERANCE = 1e-7
_PRIOR_SAMPLES = 50.0
_LEAST_SHAPE = 2.0
_EDGE = 1e-3
_EASY, _HARD, _NEITHER = range(3)


@dataclass(frozen=True, eq=False)
class Movement:
    """How far log temperatures went up and down in the course of the epochs.

    Attributes:
        up: Sum of all rises of each, (n,), 0 or above.
        down: Sum of all falls of each, (n,), 0 or above.
    """

    up: Floats
    down: Floats


@dataclass(frozen=True)
class ShareMixture:
    """The distribution of upward shares: Beta(1, easy), Beta(hard, 1) and the uniform one.

    Attributes:
        weights: Share of easy, hard and neither; they sum to 1.
        easy: Second shape parameter of the easy ones, 2 or above.
        hard: First shape parameter of the hard ones, 2 or above.
    """

    weights: tuple[float, float, float] = (0.6, 0.3, 0.1)
    easy: float = 4.0
    hard: float = 4.0


def movement(log_temperature: NDArray[np.floating], initial: float = 0.0) -> Movement:
    """Add up the rises and the falls of log temperatures.

    Args:
        log_temperature: (epochs, n).
        initial: Log temperature at the start.

    Example:
        >>> moved = movement(np.array([[0.5], [0.25], [-0.5]]))
        >>> moved.up.tolist(), moved.down.tolist()
        ([0.5], [1.0])
    """
    values = np.asarray(log_temperature, dtype=np.float64)
    steps = np.diff(values, axis=0, prepend=np.full((1, values.shape[1]), initial))
    return Movement(np.maximum(steps, 0).sum(axis=0), np.maximum(-steps, 0).sum(axis=0))


def upward_share(moved: Movement) -> Floats:
    """The share of the movement that went upwards, 0 ... 1.

    A twentieth of the median movement is added in both directions, so that a sample that hardly
    moved, of which nothing is known, comes to lie in the middle.

    Returns:
        (n,); 0.5 where nothing moved.
    """
    length = moved.up + moved.down
    stillness = _STILLNESS * float(np.median(length)) if len(length) else 0.0
    share = np.full(len(length), 0.5)
    np.divide(moved.up + stillness, length + 2 * stillness, out=share, where=length > 0)
    return share


def responsibilities(share: Floats, labels: NDArray[np.integer]) -> Floats:
    """How far easy, hard and neither account for each sample, by its own class's mixture.

    Args:
        share: From :func:`upward_share`, (n,).
        labels: Given label of each, (n,), which decides whose mixture a sample is judged by.

    Returns:
        (n, 3) in the order easy, hard, neither; rows sum to 1.
    """
    shares = np.zeros((len(share), 3))
    whole = fit_mixture(share)
    for rows in rows_by_class(labels):
        shares[rows] = _responsibilities(fit_mixture(share[rows], prior=whole), share[rows]).T
    return shares


def category_posteriors(responsible: Floats) -> Floats:
    """The posterior of easy, hard and need review for every sample.

    Where the mixture gives a sample to easy and to hard alike, what they share counts as need of
    review: with responsibilities e, h and o (neither), the posteriors are max(e - h, 0),
    max(h - e, 0) and o + 2 min(e, h).

    Args:
        responsible: From :func:`responsibilities`, (n, 3).

    Returns:
        (n, 3), in the order of ``CATEGORIES``; rows sum to 1.

    Example:
        >>> category_posteriors(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    easy, hard, neither = responsible.T
    both = 2 * np.minimum(easy, hard)
    return np.stack(
        [np.maximum(easy - hard, 0), np.maximum(hard - easy, 0), neither + both], axis=1
    )


def noise_probability(responsible: Floats) -> Floats:
    """How likely each sample's label is wrong by its trajectory alone, (n,).

    The model disagreed with hard samples on the whole; of those that are neither easy nor hard,
    half count. The mean is the estimated noise rate.

    Args:
        responsible: From :func:`responsibilities`, (n, 3).
    """
    probability: Floats = responsible[:, _HARD] + responsible[:, _NEITHER] / 2
    return probability


def assign_categories(posteriors: Floats, review_budget: float | None = None) -> NDArray[np.str_]:
    """The likeliest category of every sample, with no more in need of review than allowed.

    Args:
        posteriors: (n, 3), from :func:`category_posteriors`.
        review_budget: The largest share of all samples that may need review, 0 ... 1; None for no
            limit. Those nearest to certainty go to easy or hard first.

    Returns:
        (n,) of ``CATEGORIES``.

    Example:
        >>> posteriors = np.array([[0.9, 0.0, 0.1], [0.3, 0.0, 0.7], [0.0, 0.1, 0.9]])
        >>> assign_categories(posteriors, review_budget=0.34).tolist()
        ['easy', 'easy', 'review']
    """
    chosen = posteriors.argmax(axis=1)
    review = CATEGORIES.index("review")
    if review_budget is not None:
        uncertain = np.flatnonzero(chosen == review)
        allowed = int(review_budget * len(posteriors))
        order = np.argsort(-posteriors[uncertain, review], kind="stable")
        decided = uncertain[order[allowed:]]
        chosen[decided] = posteriors[decided, :review].argmax(axis=1)
    categories: NDArray[np.str_] = np.array(CATEGORIES)[chosen]
    return categories


def fit_mixture(share: Floats, prior: ShareMixture | None = None) -> ShareMixture:
    """Fit the mixture by expectation maximisation, in closed form at each step.

    Args:
        share: (n,), 0 ... 1.
        prior: A mixture that counts as 50 further samples; None for none.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> mixture = fit_mixture(np.concatenate([rng.beta(1, 20, 900), rng.beta(30, 1, 100)]))
        >>> round(mixture.weights[0], 1), round(mixture.weights[1], 1)
        (0.9, 0.1)
    """
    inside = np.clip(share, _EDGE, 1 - _EDGE)
    below, above = -np.log(inside), -np.log1p(-inside)
    mixture = prior or ShareMixture()
    strength = 0.0 if prior is None else _PRIOR_SAMPLES
    expected = prior or mixture
    for _ in range(_ITERATIONS if prior is None else _CLASS_ITERATIONS):
        parts = _responsibilities(mixture, share)
        counts = parts.sum(axis=1) + strength * np.array(expected.weights)
        # Of Beta(1, b), -log(1 - x) is exponential with mean 1 / b; of Beta(a, 1), -log x is.
        easy_sum = parts[_EASY] @ above + strength * expected.weights[_EASY] / expected.easy
        hard_sum = parts[_HARD] @ below + strength * expected.weights[_HARD] / expected.hard
        weights = counts / counts.sum()
        before, mixture = (
            mixture,
            ShareMixture(
                weights=(float(weights[0]), float(weights[1]), float(weights[2])),
                easy=_shape(counts[_EASY], easy_sum, mixture.easy),
                hard=_shape(counts[_HARD], hard_sum, mixture.hard),
            ),
        )
        if _distance(before, mixture) < _TOLERANCE:
            break
    return mixture


def rows_by_class(labels: NDArray[np.integer]) -> Iterator[NDArray[np.intp]]:
    """The rows of each class that has any, in ascending order of the class."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    yield from (rows for rows in np.split(order, starts) if len(rows))


def _responsibilities(mixture: ShareMixture, share: Floats) -> Floats:
    """How much of each sample each distribution accounts for, (3, n)."""
    inside = np.clip(share, _EDGE, 1 - _EDGE)
    density = np.stack(
        [
            mixture.weights[_EASY] * mixture.easy * (1 - inside) ** (mixture.easy - 1),
            mixture.weights[_HARD] * mixture.hard * inside ** (mixture.hard - 1),
            np.full(len(inside), max(mixture.weights[_NEITHER], 1e-12)),
        ]
    )
    responsibilities: Floats = density / density.sum(axis=0)
    return responsibilities


def _shape(count: float, total: float, before: float) -> float:
    """The shape parameter of greatest likelihood, where any sample tells of it."""
    return max(_LEAST_SHAPE, float(count / total)) if total > 1e-9 else before


def _distance(first: ShareMixture, second: ShareMixture) -> float:
    shifts = [abs(a - b) for a, b in zip(first.weights, second.weights, strict=True)]
    return max(*shifts, abs(first.easy / second.easy - 1), abs(first.hard / second.hard - 1))
