"""Clusters of samples: kinds that lie apart, and rare kinds within a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]

_MOST_KINDS = 5
_FEWEST_TO_DIVIDE = 16
_FEWEST_IN_KIND = 4
_LEAST_SILHOUETTE = 0.12
_MOST_CUTS = 8
_FEWEST_FOR_RARE = 40
_FEWEST_IN_RARE = 5
_LARGEST_RARE_SHARE = 0.2
_LEAST_RARE_SILHOUETTE = 0.3
_BEYOND_CHANCE = 0.15
_MOST_COMPARED = 400
_MOST_DIMENSIONS = 16
_MOST_FOR_DIRECTIONS = 1_000
_AT_ONCE = 8_192


def kinds_apart(features: NDArray[np.floating]) -> Numbers:
    """Divide samples into kinds that lie apart, the largest first.

    Ward's hierarchy of at most 400 samples, cut into 2 ... 5; the number of kinds is the one of the
    highest mean silhouette (Rousseeuw, 1987), and 1 where no division sets kinds apart. Those that
    were not drawn go with the nearest that was.

    Args:
        features: What describes each sample, (m, d).

    Returns:
        (m,) numbers from 0.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> both = np.concatenate([rng.normal(0, 1, (30, 4)), rng.normal(9, 1, (10, 4))])
        >>> np.bincount(kinds_apart(both)).tolist()
        [30, 10]
    """
    alone = np.zeros(len(features), dtype=np.int64)
    if len(features) < _FEWEST_TO_DIVIDE:
        return alone
    hierarchy = _Hierarchy(_reduced(features))
    best, best_score = alone, _LEAST_SILHOUETTE
    for cut in hierarchy.cuts(_MOST_KINDS):
        score = silhouettes(hierarchy.distances, cut).mean()
        if score <= best_score:
            continue
        numbers = hierarchy.whole(cut)
        if np.bincount(numbers, minlength=cut.max() + 1).min() >= _FEWEST_IN_KIND:
            best, best_score = numbers, score
    order = np.argsort(-np.bincount(best), kind="stable")
    largest_first: Numbers = np.argsort(order)[best]
    return largest_first


def rare_kinds(features: NDArray[np.floating]) -> Numbers:
    """The rare kinds within a class: few samples that lie close together and apart from the rest.

    Parts of Ward's hierarchy, of at most 400 samples and cut into 2 ... 8, that have 5 samples or
    more, at most a fifth of all, and a mean silhouette of 0.3, which must be 0.15 above what such
    parts of a normal cloud of the same size and variances have. Of two that overlap, the more
    distinct one.

    Args:
        features: What describes each sample of the class, (m, d).

    Returns:
        (m,) numbers from 0, the largest kind first; -1 for the rest.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> land = rng.normal(0, 1, (90, 6))
        >>> under_water = rng.normal(0, 1, (8, 6)) + 9
        >>> numbers = rare_kinds(np.concatenate([land, under_water]))
        >>> int((numbers[:90] == -1).sum()), numbers[90:].tolist()
        (90, [0, 0, 0, 0, 0, 0, 0, 0])
    """
    none = np.full(len(features), -1, dtype=np.int64)
    if len(features) < _FEWEST_FOR_RARE:
        return none
    hierarchy = _Hierarchy(_reduced(features))
    found = _small_parts(hierarchy)
    if max((score for score, _ in found), default=0) < _LEAST_RARE_SILHOUETTE:
        return none
    by_chance = max((score for score, _ in _small_parts(hierarchy.cloud())), default=0)
    least = max(_LEAST_RARE_SILHOUETTE, by_chance + _BEYOND_CHANCE)
    kept: list[NDArray[np.intp]] = []
    for score, members in sorted(found, key=lambda one: -one[0]):
        if score >= least and not any(np.isin(members, other).any() for other in kept):
            kept.append(members)
    if not kept:
        return none
    cut = np.zeros(len(hierarchy.drawn), dtype=np.int64)
    for number, members in enumerate(sorted(kept, key=len, reverse=True)):
        cut[members] = number + 1
    return hierarchy.whole(cut) - 1


def _small_parts(hierarchy: _Hierarchy) -> list[tuple[float, NDArray[np.intp]]]:
    """The small parts of all cuts: the mean silhouette and the members of each."""
    found = []
    for cut in hierarchy.cuts(_MOST_CUTS):
        sizes = np.bincount(cut)
        scores = np.bincount(cut, weights=silhouettes(hierarchy.distances, cut)) / sizes
        is_small = (sizes >= _FEWEST_IN_RARE) & (sizes <= _LARGEST_RARE_SHARE * len(cut))
        found += [
            (float(scores[number]), np.flatnonzero(cut == number))
            for number in np.flatnonzero(is_small).tolist()
        ]
    return found


def silhouettes(distances: Floats, numbers: Numbers) -> Floats:
    """How much nearer each sample is to its own cluster than to the next (Rousseeuw, 1987), (m,).

    Args:
        distances: Between any two samples, (m, m).
        numbers: Cluster of each, (m,), 0 ... k-1, none empty and k at least 2.

    Returns:
        -1 ... 1; 0 for a sample that is alone.

    Example:
        >>> distances = np.abs(np.subtract.outer([0.0, 1.0, 9.0, 10.0], [0.0, 1.0, 9.0, 10.0]))
        >>> silhouettes(distances, np.array([0, 0, 1, 1])).round(2).tolist()
        [0.89, 0.88, 0.88, 0.89]
    """
    sizes = np.bincount(numbers)
    rows = np.arange(len(numbers))
    sums = distances @ np.eye(len(sizes))[numbers]
    own = sums[rows, numbers] / np.maximum(sizes[numbers] - 1, 1)
    means = sums / sizes
    means[rows, numbers] = np.inf
    next_one = means.min(axis=1)
    values: Floats = (next_one - own) / np.maximum(np.maximum(own, next_one), 1e-12)
    return np.where(sizes[numbers] == 1, 0.0, values)


def from_center(features: NDArray[np.floating]) -> Floats:
    """How far each of some samples is from their center, (m,); the most typical are the nearest."""
    distances: Floats = np.linalg.norm(features - features.mean(axis=0, dtype=np.float64), axis=1)
    return distances


class _Hierarchy:
    """Ward's hierarchy of some samples, drawn at random where they are many.

    Args:
        points: (m, d), at least two of them.
    """

    def __init__(self, points: Floats) -> None:
        from scipy.cluster.hierarchy import linkage
        from scipy.spatial.distance import pdist, squareform

        self.points = points
        count = len(points)
        self.drawn = np.sort(np.random.default_rng(0).permutation(count)[:_MOST_COMPARED])
        between = pdist(self.points[self.drawn])
        self.distances: Floats = squareform(between)
        self._tree = linkage(between, "ward")

    def cuts(self, most: int) -> list[Numbers]:
        """The drawn samples' clusters when cut into 2 ... ``most``, (drawn,) each."""
        from scipy.cluster.hierarchy import fcluster

        cuts = [fcluster(self._tree, count, "maxclust") - 1 for count in range(2, most + 1)]
        return [cut.astype(np.int64) for cut in cuts if cut.any()]

    def cloud(self) -> _Hierarchy:
        """That of as many points without kinds: a normal cloud of the same variances."""
        spread = self.points.std(axis=0)
        drawn = np.random.default_rng(0).normal(size=(len(self.drawn), len(spread)))
        return _Hierarchy(drawn * spread)

    def whole(self, cut: Numbers) -> Numbers:
        """The clusters of all samples: samples that were not drawn join the nearest drawn one."""
        if len(self.drawn) == len(self.points):
            return cut
        from scipy.spatial.distance import cdist

        drawn = self.points[self.drawn]
        pieces = np.array_split(self.points, -(-len(self.points) // _AT_ONCE))
        nearest = [cdist(piece, drawn, "sqeuclidean").argmin(axis=1) for piece in pieces]
        numbers: Numbers = cut[np.concatenate(nearest)]
        return numbers


def _reduced(features: NDArray[np.floating]) -> Floats:
    """The directions in which the samples differ most, (m, up to 16)."""
    some = features[:: max(len(features) // _MOST_FOR_DIRECTIONS, 1)].astype(np.float64)
    mean = some.mean(axis=0)
    _, _, directions = np.linalg.svd(some - mean, full_matrices=False)
    kept = directions[:_MOST_DIMENSIONS].T
    pieces = np.array_split(features, -(-len(features) // _AT_ONCE))
    return np.concatenate([(piece - mean) @ kept for piece in pieces])
