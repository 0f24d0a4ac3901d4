"""Samples to compare a sample with: clear cases of a class that are most like it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from dataparams.review.content_views import WORDS
from dataparams.review.likeness import distance, look_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.review.content_views import ContentViews
    from dataparams.review.likeness import Look
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]
    FeaturesOf = Callable[[NDArray[np.int64]], NDArray[np.floating]]

_CANDIDATES = 48
_COMPARED_BY_FEATURES = 1_000
_LOOKS_KEPT = 20_000


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
