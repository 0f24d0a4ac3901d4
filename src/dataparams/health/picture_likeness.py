"""Which pictures are near duplicates: the same but for compression, size, light, crop or mirroring.

Candidates are pictures whose perceptual hashes differ in few bits, as they are or mirrored, and
neighbors by their features, so that no picture is compared with all. Two are near duplicates where
their thumbnails hardly differ once one is laid over the other; what the features say decides how
much they may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from dataparams.health.overlay import (
    rough_pictures,
    unlikeness_as_they_are,
    unlikeness_laid_over,
)
from dataparams.health.perceptual_hash import alike_by_hash, perceptual_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pairs = NDArray[np.int64]

_NEIGHBORS = 6
_LEAST_ROUGH = 0.6
_LEAST_COSINE = 0.4
_SURE = 0.02
"""Up to this unlikeness pictures are the same whatever their features say."""
_LIMIT = 0.04
"""Up to this one they are where their features are somewhat alike, or there are none."""
_ALIKE_COSINE = 0.75
"""From this likeness of features on they may differ more, up to the limit of the same features."""
_LIMIT_OF_SAME_FEATURES, _SAME_COSINE = 0.08, 0.9
_WORTH_THE_OTHER_WAY = 0.2
_FEWEST_PIXELS = 48
"""Of pictures of fewer pixels a side no crop is told from another picture."""
_USUAL = 0.1
_COMPARED_FOR_USUAL = 400
_DRAWN = 4096
_AT_ONCE = 4096


class FeaturesByPlace(Protocol):
    """Features of n samples, an array or read piece by piece."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: NDArray[np.int64]) -> NDArray[np.floating]:
        """Of samples by their places, (m, d)."""


class PicturesAlike:
    """Compares pictures.

    Args:
        thumbnails: (n, 32, 32), gray values.
        sizes: Width and height of each picture, (n, 2).
        features: Of each, where there are any.
        near: The nearest neighbors of each by its features, (n, k), the nearest first.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pictures = rng.integers(0, 255, (20, 8, 8)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
        >>> pictures[3] = pictures[11, :, ::-1]
        >>> PicturesAlike(pictures, np.full((20, 2), 100)).pairs().tolist()
        [[3, 11]]
    """

    def __init__(
        self,
        thumbnails: NDArray[np.uint8],
        sizes: NDArray[np.int64],
        features: FeaturesByPlace | None = None,
        near: NDArray[np.integer] | None = None,
    ) -> None:
        self._thumbnails, self._features = thumbnails, features
        self._near = None if near is None else near[:, :_NEIGHBORS].astype(np.int64)
        self._is_large = sizes.min(axis=1) >= _FEWEST_PIXELS
        self._mean = np.zeros(0, np.float32) if features is None else _mean(features)
        self._rough = rough_pictures(thumbnails)
        self._most = self._most_unlike()

    def pairs(self) -> Pairs:
        """Near duplicates, (m, 2), no pair twice."""
        candidates = [alike_by_hash(perceptual_hashes(self._thumbnails))]
        if self._near is not None:
            candidates.append(_pairs_of_neighbors(self._near))
        pairs = np.unique(np.concatenate(candidates), axis=0)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        found: Pairs = pairs[self.are_alike(pairs)]
        return found

    def are_alike(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Whether the pictures of some pairs are near duplicates, (m,)."""
        found: NDArray[np.bool_] = self.likeness(pairs) > 0
        return found

    def likeness(self, pairs: Pairs) -> NDArray[np.float64]:
        """How surely the pictures of some pairs are near duplicates: 0, or 0.5 ... 1, (m,)."""
        cosines = self._cosines(pairs)
        unlikeness = self._unlikeness(pairs, cosines)
        limit = np.interp(cosines, [_ALIKE_COSINE, _SAME_COSINE], [_LIMIT, _LIMIT_OF_SAME_FEATURES])
        limit[cosines < _LEAST_COSINE] = _SURE
        if self._features is None:
            limit[:] = _LIMIT
        limit = np.minimum(limit, self._most)
        likeness: NDArray[np.float64] = np.where(unlikeness < limit, 1 - unlikeness / limit / 2, 0)
        return likeness

    def _unlikeness(self, pairs: Pairs, cosines: NDArray[np.float64]) -> NDArray[np.float32]:
        """Of each pair, as they are or mirrored, whole or cropped."""
        found = np.ones(len(pairs), dtype=np.float32)
        may_be_crops = self._is_large[pairs].all(axis=1) & (cosines >= _LEAST_COSINE)
        for mirrored in (False, True):
            same = unlikeness_as_they_are(self._thumbnails, pairs, mirrored=mirrored)
            np.minimum(found, same, out=found)
            (rest,) = np.nonzero((found > _SURE) & may_be_crops)
            rest = rest[self._rough_likeness(pairs[rest], mirrored=mirrored) >= _LEAST_ROUGH]
            for _ in range(2):
                laid = unlikeness_laid_over(self._thumbnails, pairs[rest], mirrored=mirrored)
                found[rest] = np.minimum(found[rest], laid)
                # A part looks smoother in the whole than by itself: the other way round it fits.
                rest = rest[(laid > _SURE) & (laid < _WORTH_THE_OTHER_WAY)]
                pairs = pairs[:, ::-1]
        return found

    def _rough_likeness(self, pairs: Pairs, *, mirrored: bool) -> NDArray[np.float32]:
        """The correlation of pictures blurred to 8 x 8 gray values, (m,): a quick first look."""
        one, other = (self._rough[pairs[:, side]] for side in (0, 1))
        likeness: NDArray[np.float32] = np.einsum(
            "mij,mij->m", one, other[:, :, ::-1] if mirrored else other
        )
        return likeness

    def _cosines(self, pairs: Pairs) -> NDArray[np.float64]:
        """Of the centered features of pairs, (m,); 1 where there are none."""
        found = np.ones(len(pairs))
        if self._features is None:
            return found
        for start in range(0, len(pairs), _AT_ONCE):
            some = pairs[start : start + _AT_ONCE]
            places, where = np.unique(some, return_inverse=True)
            values = self._features[places].astype(np.float32) - self._mean
            values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
            one, other = values[where.reshape(-1, 2)].transpose(1, 0, 2)
            found[start : start + len(some)] = np.einsum("md,md->m", one, other)
        return found

    def _most_unlike(self) -> float:
        """The most that near duplicates may differ here: where all pictures are alike, less.

        A tenth of the square of what one usually differs from the last of its neighbors: digits, or
        frames of a film, are not copies of each other.
        """
        if self._near is None or not self._near.size:
            return _LIMIT_OF_SAME_FEATURES
        drawn = np.unique(np.linspace(0, len(self._near) - 1, _COMPARED_FOR_USUAL).astype(np.int64))
        pairs = np.stack([drawn, self._near[drawn, -1]], axis=1)
        usual = np.median(unlikeness_as_they_are(self._thumbnails, pairs))
        return float(_USUAL * usual**2)


def _mean(features: FeaturesByPlace) -> NDArray[np.float32]:
    drawn = np.unique(np.linspace(0, len(features) - 1, _DRAWN).astype(np.int64))
    mean: NDArray[np.float32] = features[drawn].astype(np.float32).mean(axis=0)
    return mean


def _pairs_of_neighbors(near: NDArray[np.int64]) -> Pairs:
    own = np.repeat(np.arange(len(near)), near.shape[1])
    return np.sort(np.stack([own, near.ravel()], axis=1), axis=1)
