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
_FEWEST_IN_PART = 12
_LEAST_SHARE_OF_PART = 0.15
_MOST_COMPARED = 600
_LEAST_GAP = 1.35
"""How much further apart than the parts of a cloud without a gap."""
_LEAST_OF_CLASSES = 0.9
"""How far apart beside the distance of a class to its nearest other class, in the median."""
_DRAWS = 5


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


def divided_classes(
    space: FeatureSpace, labels: NDArray[np.integer], is_typical: NDArray[np.bool_]
) -> list[DividedClass]:
    """The classes that look like two, those of the widest gap first.

    A class of 40 samples or more is cut in two by k-means. The parts must have 12 samples and 15 %
    of them at least; there must be a gap between them that cutting a normal cloud in two does not
    give (the idea of the gap statistic: Tibshirani, Walther, Hastie, JRSS B 2001); and their
    centers must be nearly as far apart as those of neighboring classes are.

    Args:
        space: The features, n of them.
        labels: Given labels, (n,).
        is_typical: Samples whose label is not in doubt and that are no outliers, (n,): others do
            not count.
    """
    members = {
        label: np.flatnonzero((labels == label) & is_typical)
        for label in np.unique(labels[is_typical]).tolist()
    }
    centers = {label: space.of(_some(rows)).mean(axis=0) for label, rows in members.items()}
    usual = _usual_distance(np.array(list(centers.values())))
    found = []
    for label, rows in members.items():
        if len(rows) < _FEWEST_IN_CLASS or not usual > 0:
            continue
        drawn = _some(rows)
        cut = _cut_in_two(space.of(drawn).astype(np.float64))
        if cut is None:
            continue
        is_second, gap, apart = cut
        if gap >= _LEAST_GAP and apart / usual >= _LEAST_OF_CLASSES:
            parts = list(_whole(space, rows, drawn, is_second))
            larger, smaller = sorted(parts, key=len, reverse=True)
            found.append(DividedClass(label, larger, smaller, gap, apart / usual))
    return sorted(found, key=lambda one: -one.gap)


def _some(rows: Rows) -> Rows:
    """At most 600 rows, spread evenly."""
    return rows[:: -(-len(rows) // _MOST_COMPARED)]


def _usual_distance(centers: Floats) -> float:
    """The distance of a class's center to the nearest other one, in the median."""
    from scipy.spatial.distance import pdist, squareform

    if len(centers) < 2:
        return 0.0
    distances = squareform(pdist(centers))
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))


def _cut_in_two(points: Floats) -> tuple[NDArray[np.bool_], float, float] | None:
    """Which points are in the second part, the gap, and the distance of the centers."""
    is_second = _halves(points, seed=0)
    smaller = min(is_second.sum(), (~is_second).sum())
    if smaller < max(_FEWEST_IN_PART, _LEAST_SHARE_OF_PART * len(points)):
        return None
    rng = np.random.default_rng(0)
    by_chance = [_apart(cloud, _halves(cloud, seed=0)) for cloud in _clouds(points, rng)]
    gap = _apart(points, is_second) / max(float(np.mean(by_chance)), 1e-9)
    apart = points[is_second].mean(axis=0) - points[~is_second].mean(axis=0)
    return is_second, gap, float(np.linalg.norm(apart))


def _halves(points: Floats, seed: int) -> NDArray[np.bool_]:
    from sklearn.cluster import KMeans

    fitted: NDArray[np.int32] = KMeans(2, n_init=5, random_state=seed).fit_predict(points)
    return fitted == 1


def _clouds(points: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    """As many points without a gap: normal clouds of the same covariance."""
    centered = points - points.mean(axis=0)
    _, scales, directions = np.linalg.svd(centered, full_matrices=False)
    scales = scales / np.sqrt(max(len(points) - 1, 1))
    for _ in range(_DRAWS):
        yield (rng.normal(size=(len(points), len(scales))) * scales) @ directions


def _apart(points: Floats, is_second: NDArray[np.bool_]) -> float:
    """Ashman's D along the line between two centers (Ashman, Bird, Zepf, AJ 1994)."""
    one, other = points[is_second], points[~is_second]
    if not (len(one) and len(other)):
        return 0.0
    line = one.mean(axis=0) - other.mean(axis=0)
    length = float(np.linalg.norm(line))
    if length == 0:
        return 0.0
    within = ((one @ line).var() + (other @ line).var()) / 2
    return length**2 / max(float(np.sqrt(within)), 1e-12)


def _whole(
    space: FeatureSpace, rows: Rows, drawn: Rows, is_second: NDArray[np.bool_]
) -> Iterator[Rows]:
    """All rows of each part, the nearest to its center first."""
    some = space.of(drawn)
    centers = np.stack([some[~is_second].mean(axis=0), some[is_second].mean(axis=0)])
    points = space.of(rows)
    distance = np.linalg.norm(points[:, None] - centers, axis=2)
    part = distance.argmin(axis=1)
    for number in (0, 1):
        chosen = np.flatnonzero(part == number)
        yield rows[chosen[np.argsort(distance[chosen, number], kind="stable")]]
