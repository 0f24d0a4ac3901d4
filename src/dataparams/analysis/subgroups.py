"""Kinds of samples within the hard and need-review samples of a class."""

from __future__ import annotations

import string
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_GROUPS = 5
_FEWEST_TO_DIVIDE = 16
_FEWEST_IN_GROUP = 4
_LEAST_SILHOUETTE = 0.12
_MOST_COMPARED = 500
_MOST_DIMENSIONS = 16


def subgroup_numbers(features: NDArray[np.floating]) -> NDArray[np.int64]:
    """Divide samples into kinds that lie apart, the largest first.

    k-means for 2 ... 5 groups; the number of groups is the one of the highest mean silhouette
    (Rousseeuw, 1987), and 1 where no division sets groups apart.

    Args:
        features: What describes each sample, (m, d).

    Returns:
        (m,) group numbers from 0.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> both = np.concatenate([rng.normal(0, 1, (30, 4)), rng.normal(9, 1, (10, 4))])
        >>> np.bincount(subgroup_numbers(both)).tolist()
        [30, 10]
    """
    count = len(features)
    alone = np.zeros(count, dtype=np.int64)
    if count < _FEWEST_TO_DIVIDE:
        return alone
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    points = _reduced(features)
    best, best_score = alone, _LEAST_SILHOUETTE
    if not points.shape[1]:
        return alone
    compared = np.random.default_rng(0).permutation(count)[:_MOST_COMPARED]
    for groups in range(2, _MOST_GROUPS + 1):
        numbers = KMeans(groups, n_init=1, random_state=0).fit_predict(points)
        sizes = np.bincount(numbers, minlength=groups)
        if sizes.min() < _FEWEST_IN_GROUP or len(set(numbers[compared])) < 2:
            continue
        score = silhouette_score(points[compared], numbers[compared])
        if score > best_score:
            best, best_score = numbers.astype(np.int64), float(score)
    order = np.argsort(-np.bincount(best), kind="stable")
    return np.argsort(order)[best]


def subgroup_names(numbers: NDArray[np.integer], suggested: Sequence[str], given: str) -> list[str]:
    """Name each sample's group by a letter, and by what its members are mostly taken for.

    Args:
        numbers: Group of each sample, (m,).
        suggested: Name of the suggested label of each.
        given: Name of the given label.

    Example:
        >>> subgroup_names(np.array([0, 0, 1]), ["dog", "dog", "cat"], "cat")
        ['A, like dog', 'A, like dog', 'B']
    """
    names = {}
    for number in np.unique(numbers).tolist():
        members = [suggested[row] for row in np.flatnonzero(numbers == number).tolist()]
        likely, _ = Counter(members).most_common(1)[0]
        letter = string.ascii_uppercase[number]
        names[number] = letter if likely == given else f"{letter}, like {likely}"
    return [names[number] for number in numbers.tolist()]


def _reduced(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """The directions in which the samples differ most, without those that never vary."""
    centered = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centered.T @ centered)
    kept = variances > 1e-12 * max(float(variances[-1]), 1e-300)
    reduced: NDArray[np.float64] = centered @ directions[:, kept][:, : -_MOST_DIMENSIONS - 1 : -1]
    return reduced
