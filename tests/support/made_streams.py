"""Image folders to stream that several tests make, with pictures that can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ((60, 40), (40, 60), (50, 50), (90, 30), (32, 33))


def slopes(root: Path, count: int = 20, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    """Pictures of several shapes, each with a slope of brightness of its own."""
    for number in range(count * len(classes)):
        width, height = SIZES[number % len(SIZES)]
        across, down = np.linspace(0, 100, width), np.linspace(0, 100, height)[:, np.newaxis]
        planes = [across + 0 * down, 0 * across + down, np.full((height, width), 6.0 * number)]
        pixels = np.stack(planes, axis=2).astype(np.uint8)
        file = root / classes[number // count] / f"{number:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return root
