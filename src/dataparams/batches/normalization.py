"""Normalization of bytes to floats, on the device of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


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

    def __call__(self, pixels: Tensor) -> Tensor:
        """Normalize.

        Args:
            pixels: (b, size, size, 3), uint8, on the device.

        Returns:
            (b, size, size, 3), float32, in memory of its own.
        """
        rows = pixels.flatten(2)
        if rows.device.type != "cpu":
            return rows.float().mul_(self._scale).add_(self._shift).view(pixels.shape)
        normalized = np.empty(rows.shape, np.float32)
        scale, shift = self._scale.numpy(), self._shift.numpy()
        # In one thread, image by image, so that an image stays in the processor's cache; the other
        # cores are busy decoding.
        for image, made in zip(rows.numpy(), normalized, strict=True):
            np.copyto(made, image)
            made *= scale
            made += shift
        return torch.from_numpy(normalized).view(pixels.shape)
