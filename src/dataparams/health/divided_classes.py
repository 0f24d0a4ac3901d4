"""Classes that look like two: whose samples form two clouds that lie as far apart as classes do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]

_FEWEST_IN_CLASS = 40
_LEAST_SHARE = 0.25
"""Of a class, what its smaller part must have: of less it is a rare kind within a class."""
_MOST_COMPARED = 400
_MOST_DIRECTIONS = 16
_STARTS = 3
_STEPS = 20
_LEAST_GAP = 1.75
_SPREADS = 2.5
_LEAST_SPREAD = 0.1
_NORMAL = 1.4826
_LEAST_DISTANCE = 0.9
_NEIGHBORS = 10
_LEAST_OWN = 2.0
"""How many times as many neighbors of a part must be of its class as of any other."""
_DRAWS = 3


@dataclass(frozen=True, eq=False)
class DividedClass:
    """A class whose samples form two clouds.

    Attributes:
        label: Its number.
        larger: Samples of the larger part, the most typical first.
        smaller: Those of the smaller one, likewise.
        gap: How far apart the parts are, in standard deviations within them along the line between
            their centers (Ashman's D), beside what two halves of a normal cloud of the same
            variances have; 1 is none.
        distance: Between the centers, beside the median class's to its nearest other class.
    """

    label: int
    larger: Rows
    smaller: Rows
    gap: float
    distance: float


@dataclass(frozen=True, eq=False)
class _Cut:
    """A class, cut in two."""

    drawn: Rows
    is_second: NDArray[np.bool_]
    gap: float
    distance: float

    @property
    def least_share(self) -> float:
        share = float(self.is_second.mean())
        return min(share, 1 - share)


def divided_classes(
    space: FeatureSpace, labels: NDArray[np.integer], is_typical: NDArray[np.bool_]
) -> list[DividedClass]:
    """The classes that look like two, those of the widest gap first.

    Each class of 40 samples or more is cut in two by k-means. The smaller part must have a quarter
    of it. Between the parts there must be a gap that cutting a normal cloud of the same variances
    does not give (the idea of the gap statistic: Tibshirani, Walther, Hastie, JRSS B 2001), 1.75
    times as far apart, and the centers must be nearly as far apart (0.9 times) as a class and its
    nearest other one in the median. Gap times distance must be beyond what is usual for the classes
    of these data, by 2.5 robust standard deviations of the logarithm, so that where every class has
    its kinds none is accused.

    A part whose samples lie among those of another class is not named: that is what wrong labels
    look like that nobody suspects. Of the neighbors of each part, twice as many must be of the
    class as of any other.

    What cannot be found: classes merged whose samples lie in one cloud, where the features in which
    samples differ most say nothing of the class (prices and sizes of diamonds say little of their
    cut), and those no farther apart than the kinds within the other classes are.

    Args:
        space: The features, n of them.
        labels: Given labels, (n,).
        is_typical: Samples whose label is not in doubt and that are no outliers, (n,): others do
            not count.

    Example:
        >>> from dataparams.analysis.feature_space import FeatureSpace
        >>> rng = np.random.default_rng(0)
        >>> features = 3 * np.eye(8)[np.arange(300) % 3] + rng.normal(0, 0.3, (300, 8))
        >>> labels = np.array([0, 0, 1])[np.arange(300) % 3]
        >>> (found,) = divided_classes(FeatureSpace(features), labels, np.ones(300, bool))
        >>> found.label, len(found.larger), len(found.smaller)
        (0, 100, 100)
    """
    members = {
        label: np.flatnonzero((labels == label) & is_typical)
        for label in np.unique(labels[is_typical]).tolist()
    }
    usual = _usual_distance(np.array([space.of(_some(rows)).mean(0) for rows in members.values()]))
    cuts = {
        label: _cut_in_two(space, _some(rows))
        for label, rows in members.items()
        if len(rows) >= _FEWEST_IN_CLASS
    }
    if not cuts or usual == 0:
        return []
    is_unusual = _are_unusual(np.array([cut.gap * cut.distance for cut in cuts.values()]))
    found = [
        DividedClass(label, *_parts(space, members[label], cut), cut.gap, cut.distance / usual)
        for (label, cut), is_chosen in zip(cuts.items(), is_unusual, strict=True)
        if is_chosen
        and cut.gap >= _LEAST_GAP
        and cut.least_share >= _LEAST_SHARE
        and cut.distance >= _LEAST_DISTANCE * usual
        and _are_parts_of_its_own(space, labels, cut)
    ]
    return sorted(found, key=lambda one: -one.gap)


def _some(rows: Rows) -> Rows:
    """At most 400 rows, spread evenly."""
    return rows[:: -(-len(rows) // _MOST_COMPARED)]


def _usual_distance(centers: Floats) -> float:
    """The distance of a class's center to the nearest other one, in the median."""
    from scipy.spatial.distance import pdist, squareform

    if len(centers) < 2:
        return 0.0
    distances = squareform(pdist(centers))
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))


def _are_unusual(measures: Floats) -> NDArray[np.bool_]:
    """Which of the classes' measures are far above the others'."""
    # Of two or three classes, what is usual cannot be told.
    if len(measures) <= 3:
        return np.ones(len(measures), dtype=bool)
    logs = np.log(np.maximum(measures, 1e-9))
    middle = np.median(logs)
    spread = max(_NORMAL * float(np.median(np.abs(logs - middle))), _LEAST_SPREAD)
    is_unusual: NDArray[np.bool_] = logs >= middle + _SPREADS * spread
    return is_unusual


def _are_parts_of_its_own(space: FeatureSpace, labels: NDArray[np.integer], cut: _Cut) -> bool:
    """Whether around both parts of a class there is none that has half as many samples."""
    near = space.nearest(space.of(cut.drawn), _NEIGHBORS + 1, without=np.zeros(0, dtype=np.intp))
    around = np.where(near == cut.drawn[:, None], -1, labels[near])
    own = labels[cut.drawn[0]]
    for part in (cut.is_second, ~cut.is_second):
        found, times = np.unique(around[part], return_counts=True)
        others = times[(found != own) & (found >= 0)]
        if times[found == own].sum() < _LEAST_OWN * others.max(initial=0):
            return False
    return True


def _cut_in_two(space: FeatureSpace, drawn: Rows) -> _Cut:
    points = space.of(drawn).astype(np.float64)
    centered = points - points.mean(axis=0)
    _, scales, directions = np.linalg.svd(centered, full_matrices=False)
    kept = slice(0, _MOST_DIRECTIONS)
    points = centered @ directions[kept].T
    is_second = _halves(points)
    rng = np.random.default_rng(0)
    spread = scales[kept] / np.sqrt(len(points) - 1)
    clouds = [rng.normal(size=points.shape) * spread for _ in range(_DRAWS)]
    by_chance = np.mean([_apart(cloud, _halves(cloud)) for cloud in clouds])
    gap = _apart(points, is_second) / max(float(by_chance), 1e-9)
    return _Cut(drawn, is_second, gap, float(np.linalg.norm(_line(points, is_second))))


def _halves(points: Floats) -> NDArray[np.bool_]:
    """Which points are in the second of two clusters: k-means, begun along the first directions."""
    from scipy.cluster.vq import kmeans2

    best, best_inertia = np.zeros(len(points), dtype=bool), np.inf
    for direction in points.T[:_STARTS]:
        is_above = direction > np.median(direction)
        if not is_above.any():
            continue
        start = np.stack([points[~is_above].mean(axis=0), points[is_above].mean(axis=0)])
        centers, numbers = kmeans2(points, start, iter=_STEPS, minit="matrix")
        inertia = float(np.square(points - centers[numbers]).sum())
        if inertia < best_inertia:
            best, best_inertia = numbers == 1, inertia
    return best


def _apart(points: Floats, is_second: NDArray[np.bool_]) -> float:
    """Ashman's D along the line between two centers (Ashman, Bird, Zepf, AJ 1994)."""
    line = _line(points, is_second)
    if not line.any():
        return 0.0
    within = ((points[is_second] @ line).var() + (points[~is_second] @ line).var()) / 2
    return float(line @ line / max(float(np.sqrt(within)), 1e-12))


def _line(points: Floats, is_second: NDArray[np.bool_]) -> Floats:
    """From the center of the first part to that of the second; 0 where one of them is empty."""
    if is_second.all() or not is_second.any():
        return np.zeros(points.shape[1])
    line: Floats = points[is_second].mean(axis=0) - points[~is_second].mean(axis=0)
    return line


def _parts(space: FeatureSpace, rows: Rows, cut: _Cut) -> tuple[Rows, Rows]:
    """All rows of each part, the larger one first, the nearest to its center first."""
    some = space.of(cut.drawn)
    centers = np.stack([some[cut.is_second == part].mean(axis=0) for part in (False, True)])
    distance = np.linalg.norm(space.of(rows)[:, None] - centers, axis=2)
    part = distance.argmin(axis=1)
    larger, smaller = sorted(_ordered(rows, distance, part), key=len, reverse=True)
    return larger, smaller


def _ordered(rows: Rows, distance: Floats, part: NDArray[np.intp]) -> Iterator[Rows]:
    for number in (0, 1):
        chosen = np.flatnonzero(part == number)
        yield rows[chosen[np.argsort(distance[chosen, number], kind="stable")]]
