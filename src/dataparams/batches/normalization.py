"""Normalization of bytes to floats, on the device of the training."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self._idle: list[NDArray[np.float32]] = []

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalize.

        Args:
            pixels: (b, size, size, 3), uint8, on the device.

        Returns:
            (b, size, size, 3), float32, in memory that no other tensor uses.
        """
        rows = pixels.flatten(2)
        if rows.device.type != "cpu":
            return rows.float().mul_(self._scale).add_(self._shift).view(pixels.shape)
        normalized = self._array(rows.shape)
        scale, shift = self._scale.numpy(), self._shift.numpy()
        # In one thread, image by image, so that an image stays in the processor's cache; the other
        # cores are busy decoding.
        for image, made in zip(rows.numpy(), normalized, strict=True):
            np.copyto(made, image)
            made *= scale
            made += shift
        return torch.from_numpy(normalized).view(pixels.shape)

    def _array(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """Memory for a batch, taken over from one that is in use no more.

        Fresh memory costs as much again as filling it, since the system clears its pages.
        """
        size = math.prod(shape)
        memory = self._idle.pop() if self._idle else np.empty(size, np.float32)
        if len(memory) < size:
            memory = np.empty(size, np.float32)
        array = memory[:size].reshape(shape)
        # The array lives as long as any tensor that was made of it.
        weakref.finalize(array, _keep, self._idle, memory).atexit = False
        return array


def _keep(idle: list[NDArray[np.float32]], memory: NDArray[np.float32]) -> None:
    if len(idle) < _MOST_KEPT:
        idle.append(memory)
