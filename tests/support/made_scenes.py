"""Pictures with the edges, the light and the shades of photographs."""

from __future__ import annotations

import numpy as np
from PIL import Image


def scene(seed: int = 0, width: int = 320, height: int = 240) -> Image.Image:
    """Boxes of many shades, large and small, on a gradient."""
    rng = np.random.default_rng(seed)
    pixels = np.tile(np.linspace(40, 200, width), (height, 1))
    for _ in range(60):
        left, top = rng.integers(0, width - 8), rng.integers(0, height - 8)
        wide, high = rng.integers(6, width // 4), rng.integers(6, height // 4)
        pixels[top : top + high, left : left + wide] = rng.integers(0, 256)
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")
