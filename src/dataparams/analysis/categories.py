"""Easy, hard or in need of review: from how likely a label is wrong and whether the model agrees.

A sample is hard where its label is likely wrong, easy where it is likely right and the model agrees
with it, and in need of review where neither is so: the model disagrees, but no more than its own
mistakes explain, or its class is too small to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.result import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def category_posteriors(
    noise_probability: Floats, margins: Floats, is_judged: NDArray[np.bool_]
) -> Floats:
    """The posterior of easy, hard and need review for every sample.

    Hard is the probability w that the label is wrong; easy is that of its being right times how far
    the model agrees, p / (p + q) with the probabilities p of the label and q of its rival; what is
    left needs review.

    Args:
        noise_probability: How likely each label is wrong, (n,), 0 ... 1.
        margins: Log of the label's probability over its rival's, (n,).
        is_judged: Whether the class of the label can be judged, (n,); otherwise it needs review.

    Returns:
        (n, 3), in the order of ``CATEGORIES``; rows sum to 1.

    Example:
        >>> category_posteriors(np.array([0.0, 0.9, 0.1]), np.array([9.0, -2.0, -2.0]),
        ...                     np.array([True, True, True])).round(2).tolist()
        [[1.0, 0.0, 0.0], [0.01, 0.9, 0.09], [0.11, 0.1, 0.79]]
    """
    agreement = 1 / (1 + np.exp(-margins))
    easy = np.where(is_judged, (1 - noise_probability) * agreement, 0.0)
    hard = np.where(is_judged, noise_probability, 0.0)
    return np.stack([easy, hard, 1 - easy - hard], axis=1)


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


def rows_by_class(labels: NDArray[np.integer]) -> Iterator[NDArray[np.intp]]:
    """The rows of each class that has any, in ascending order of the class."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    yield from (rows for rows in np.split(order, starts) if len(rows))
