"""From bytes to normalized floats, on the device that trains."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_MOST_KEPT = 3


class Normalization:
    """Subtracts the mean of each channel and divides by its deviation.

    Args:
        mean: (3,), on the scale 0 ... 1.
        std: (3,), on the same scale.
        size: Height and width of the images.
        device: Where it is done.

    Example:
        >>> normalize = Normalization(torch.zeros(3), torch.ones(3), 2, torch.device("cpu"))
        >>> normalize(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)).unique()
        tensor([1.])
    """

    def __init__(self, mean: Tensor, std: Tensor, size: int, device: torch.device) -> None:
        mean, std = mean.double().cpu(), std.double().cpu()
        # A row of pixels at once: operations over three channels at a time take four times as long.
        self._scale = (1 / (255 * std)).float().repeat(size).to(device)
        self._shift = (-mean / std).float().repeat(size).to(device)
        self._memory = _RecycledMemory()

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalize.

        Args:
            pixels: (b, size, size, 3), uint8, on the device.

        Returns:
            (b, size, size, 3), float32, in memory that nobody else looks at.
        """
        rows = pixels.flatten(2)
        if rows.device.type != "cpu":
            return rows.float().mul_(self._scale).add_(self._shift).view(pixels.shape)
        normalized = self._memory.array(rows.numel()).reshape(rows.shape)
        scale, shift = self._scale.numpy(), self._shift.numpy()
        # In one thread, image by image: what is in the processor's cache need not be fetched
        # again, and the other cores are busy decoding.
        for image, made in zip(rows.numpy(), normalized, strict=True):
            np.copyto(made, image)
            made *= scale
            made += shift
        return torch.from_numpy(normalized).view(pixels.shape)


class _RecycledMemory:
    """Memory for batches, given out again once nobody holds a tensor in it any more.

    Fresh memory costs several times as much as writing to it, since the system clears its pages.
    """

    def __init__(self) -> None:
        self._kept: list[NDArray[np.float32]] = []
        self._counts_when_idle: list[int] = []

    def array(self, length: int) -> NDArray[np.float32]:
        """Floats, (length,), with anything in them."""
        for place, idle in enumerate(self._counts_when_idle):
            # A tensor in this memory, or a view of one, holds a reference to it.
            if self._count(place) == idle and len(self._kept[place]) >= length:
                return self._kept[place][:length]
        if len(self._kept) == _MOST_KEPT:
            return np.empty(length, np.float32)
        self._kept.append(np.empty(length, np.float32))
        self._counts_when_idle.append(self._count(len(self._kept) - 1))
        return self._kept[-1][:length]

    def _count(self, place: int) -> int:
        return sys.getrefcount(self._kept[place])
