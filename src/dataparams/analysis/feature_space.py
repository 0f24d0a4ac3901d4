"""Features of all samples brought down to a few numbers, in which likeness is distance."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.run.features import RunFeatures

    Points = NDArray[np.float32]

_DIMENSIONS = 64
_MOST_FOR_DIRECTIONS = 4_096
_MOST_COMPARED = 20_000
_AT_ONCE = 4_096


class FeatureSpace:
    """The directions in which features differ most, and what lies near what.

    The directions are the principal components of at most 4,096 samples spread evenly. A point is a
    sample's features in these directions, of length 1: the nearest are those of the highest cosine.
    What is near is looked for among at most 20,000 samples spread evenly. Features are read once,
    in their order; 128 bytes are kept of each sample.

    Args:
        features: (n, d): an array, or what is read from the disk piece by piece.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> features = np.repeat(rng.normal(size=(2, 8)), 5, axis=0)
        >>> space = FeatureSpace(features + rng.normal(0, 0.01, (10, 8)))
        >>> np.sort(space.nearest(space.of(np.array([7])), 4, without=np.array([7]))).tolist()
        [[5, 6, 8, 9]]
    """

    def __init__(self, features: NDArray[np.floating] | RunFeatures) -> None:
        mean, directions = _directions(features)
        self._points = np.empty((len(features), directions.shape[1]), dtype=np.float16)
        for start in range(0, len(features), _AT_ONCE):
            piece = slice(start, start + _AT_ONCE)
            points = (np.asarray(features[piece], dtype=np.float32) - mean) @ directions
            points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
            self._points[piece] = points
        self._compared = _spread(len(features), _MOST_COMPARED)

    def __len__(self) -> int:
        return len(self._points)

    def of(self, rows: NDArray[np.intp]) -> Points:
        """The points of some samples, (m, up to 64)."""
        points: Points = self._points[rows].astype(np.float32)
        return points

    def nearest(self, points: Points, count: int, without: NDArray[np.intp]) -> NDArray[np.intp]:
        """The samples nearest to each of some points, in no order.

        Args:
            points: (m, dimensions).
            count: How many are wanted.
            without: Samples that do not count.

        Returns:
            Rows, (m, up to ``count``).
        """
        rows, compared = self._compared, self._compared_points
        counts = np.isin(rows, without, assume_unique=True, invert=True)
        likeness = np.where(counts, points @ compared.T, -np.inf)
        count = min(count, int(counts.sum()))
        found = np.argpartition(-likeness, max(count - 1, 0), axis=1)[:, :count]
        return rows[found]

    @cached_property
    def _compared_points(self) -> Points:
        return self.of(self._compared)


def _directions(features: NDArray[np.floating] | RunFeatures) -> tuple[Points, Points]:
    """The mean, (d,), and the directions in which features differ most, (d, up to 64)."""
    from scipy.linalg import eigh

    drawn = np.asarray(features[_spread(len(features), _MOST_FOR_DIRECTIONS)], dtype=np.float32)
    mean: Points = drawn.mean(axis=0)
    centered = drawn - mean
    width = centered.shape[1]
    least = max(width - _DIMENSIONS, 0)
    _, directions = eigh(centered.T @ centered, subset_by_index=[least, width - 1])
    return mean, np.ascontiguousarray(directions)


def _spread(count: int, most: int) -> NDArray[np.intp]:
    """Rows spread evenly, at most so many."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.intp))
