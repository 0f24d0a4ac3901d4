"""Samples to compare a sample with: clear cases of a class that look most like it."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.review.pictures import PictureCache
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]
    Look = NDArray[np.float32]

_CANDIDATES = 48
_SIDE = 12
_LOOKS_KEPT = 20_000


class Similar:
    """Finds clear cases of a class that look like a sample.

    What tells a class from others is best seen on samples that the model is sure of, so those are
    the candidates; trajectories say nothing about what is in a picture, so the candidates are
    ordered by how their colours are spread over the picture.

    Args:
        samples: All samples.
        pictures: Their pictures.
    """

    def __init__(self, samples: ReviewSamples, pictures: PictureCache) -> None:
        self._samples = samples
        self._pictures = pictures
        self._looks: OrderedDict[int, Look | None] = OrderedDict()

    async def most_similar(self, rank: int, label: int, count: int) -> Ranks:
        """Clear cases of a class, those that look most like a sample first.

        Args:
            rank: The sample, which is not among the result.
            label: The class.
            count: How many are wanted.

        Returns:
            Ranks, at most ``count``.
        """
        candidates = self._samples.clearest(label, _CANDIDATES + 1)
        candidates = candidates[candidates != rank][:_CANDIDATES]
        own, *looks = await asyncio.gather(
            self._look(rank), *(self._look(one) for one in candidates.tolist())
        )
        distances = [
            np.inf if own is None or look is None else float(np.abs(own - look).mean())
            for look in looks
        ]
        nearest: Ranks = candidates[np.argsort(distances, kind="stable")[:count]]
        return nearest

    async def _look(self, rank: int) -> Look | None:
        if rank in self._looks:
            self._looks.move_to_end(rank)
            return self._looks[rank]
        (sample,) = self._samples.ids(np.array([rank]))
        view = await self._pictures.get(int(self._samples.index[rank]), sample, "small")
        is_picture = view is not None and view.media_type == "image/jpeg"
        look = await asyncio.to_thread(look_of, view.data) if view and is_picture else None
        if look is not None or self._pictures.trouble is None:
            self._looks[rank] = look
        while len(self._looks) > _LOOKS_KEPT:
            self._looks.popitem(last=False)
        return look


def look_of(file: bytes) -> Look:
    """How the colours of a picture are spread over it, in a few numbers.

    Args:
        file: The contents of a JPEG file of our own.
    """
    from PIL import Image

    with Image.open(io.BytesIO(file), formats=["JPEG"]) as picture:
        small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    look: Look = np.asarray(small, dtype=np.float32) / np.float32(255)
    return look
