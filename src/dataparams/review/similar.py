"""Samples to compare a sample with: clear cases of a class that are most like it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from dataparams.review.content_views import WORDS
from dataparams.review.likeness import distance, look_of
from dataparams.review.samples import release

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.review.content_views import ContentViews
    from dataparams.review.feature_map import FeatureMap
    from dataparams.review.likeness import Look
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]
    FeaturesOf = Callable[[NDArray[np.int64]], NDArray[np.floating]]

_CANDIDATES = 48
_COMPARED_BY_FEATURES = 1_000
_LOOKS_KEPT = 20_000
_POINTS_AT_ONCE = 65_536
_PATIENCE = 8.0


class Similar:
    """Finds clear cases of a class that look like a sample.

    A class is best seen on samples that are surely of it, so they are the candidates. Where
    features are at hand, the easy samples that are nearest by them come first. Otherwise the
    candidates are ordered by how their colors are spread over the picture, by the letters of texts,
    or by the values of rows: trajectories do not describe what is in them.

    Args:
        samples: All samples.
        views: Their contents as they are shown.
        features_of: Gives the features of samples, (m, d), by their rows in the source; None where
            they are not at hand.
    """

    def __init__(
        self,
        samples: ReviewSamples,
        views: ContentViews,
        features_of: FeaturesOf | None = None,
    ) -> None:
        self._samples = samples
        self._views = views
        self._features_of = features_of
        self._looks: OrderedDict[int, Look | None] = OrderedDict()

    async def most_similar(self, rank: int, label: int, count: int) -> Ranks:
        """Clear cases of a class, the most similar to a sample first.

        Args:
            rank: The sample, which is not among the result.
            label: The class.
            count: How many are wanted.

        Returns:
            Ranks, at most ``count``.
        """
        if self._features_of is not None:
            nearest = await asyncio.to_thread(
                self._by_features, self._features_of, rank, label, count
            )
            if nearest is not None:
                return nearest
        candidates = self._samples.clearest(label, _CANDIDATES + 1)
        candidates = candidates[candidates != rank][:_CANDIDATES]
        easy = candidates[self._samples.is_easy(candidates)]
        candidates = easy if len(easy) >= count else candidates
        own, *looks = await asyncio.gather(
            self._look(rank), *(self._look(one) for one in candidates.tolist())
        )
        distances = [distance(own, look) for look in looks]
        alike: Ranks = candidates[np.argsort(distances, kind="stable")[:count]]
        return alike

    def _by_features(
        self, features_of: FeaturesOf, rank: int, label: int, count: int
    ) -> Ranks | None:
        """The easy samples of a class with the nearest features; None where none are known."""
        candidates = self._samples.easy_of(label, _COMPARED_BY_FEATURES)
        candidates = candidates[candidates != rank]
        if not len(candidates):
            return None
        try:
            features = features_of(self._samples.index[np.append(candidates, rank)])
        except (KeyError, OSError):  # somebody has emptied the cache since
            self._features_of = None
            return None
        order = np.argsort(-_cosines(np.asarray(features, dtype=np.float32)), kind="stable")
        nearest: Ranks = candidates[order[:count]]
        return nearest

    async def _look(self, rank: int) -> Look | None:
        if rank in self._looks:
            self._looks.move_to_end(rank)
            return self._looks[rank]
        (sample,) = self._samples.ids(np.array([rank]))
        index = int(self._samples.index[rank])
        view = await self._views.get(index, sample, "small")
        if view is not None and view.media_type == WORDS:
            view = await self._views.get(index, sample, "large")
        look = None if view is None else await asyncio.to_thread(look_of, view)
        if look is not None or self._views.trouble is None:
            self._looks[rank] = look
        while len(self._looks) > _LOOKS_KEPT:
            self._looks.popitem(last=False)
        return look


def _cosines(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """How like each of the first m rows is to the last one, (m,), seen from their center."""
    centered = features - features[:-1].mean(axis=0)
    norms = np.linalg.norm(centered, axis=1)
    cosines: NDArray[np.float32] = centered[:-1] @ centered[-1]
    cosines /= np.maximum(norms[:-1] * norms[-1], 1e-9)
    return cosines


def nearest_of(points: NDArray[np.float16], row: int, count: int) -> NDArray[np.intp]:
    """The samples of the whole data set that are most like one by what the model sees.

    Args:
        points: Features as points of length 1, (n, d); they may lie on the disk.
        row: The sample.
        count: How many are wanted.

    Returns:
        Rows, min(count, n), the nearest first; the sample itself is the first.

    Example:
        >>> points = np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float16)
        >>> nearest_of(points, 1, 2).tolist()
        [1, 2]
    """
    own = points[row].astype(np.float32)
    cosines = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), _POINTS_AT_ONCE):
        rows = slice(start, start + _POINTS_AT_ONCE)
        cosines[rows] = points[rows].astype(np.float32) @ own
    cosines[row] = np.inf
    count = min(count, len(points))
    near = np.argpartition(-cosines, count - 1)[:count]
    ordered: NDArray[np.intp] = near[np.lexsort((near, -cosines[near]))]
    return ordered


class Neighbors:
    """Finds the samples that are most like one, whatever their classes.

    Args:
        samples: All samples.
        map_of_all: Has their features as points.
    """

    def __init__(self, samples: ReviewSamples, map_of_all: FeatureMap) -> None:
        self._samples, self._map = samples, map_of_all

    def of(self, rank: int, count: int) -> Ranks | None:
        """The samples most like one, which comes first itself.

        Args:
            rank: The sample.
            count: How many are wanted at most.

        Returns:
            Ranks; None where the features are still being read, or there are none.
        """
        points = self._map.points(_PATIENCE)
        if points is None:
            return None
        in_source = self._samples.ranks_in_source
        row = int(np.searchsorted(self._samples.index[in_source], self._samples.index[rank]))
        near = nearest_of(points, row, count)
        release(points)
        ranks: Ranks = in_source[near].astype(np.intp)
        return ranks
