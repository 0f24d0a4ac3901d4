"""Image folders that tests make for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def dark_and_light(folder: Path) -> None:
    """Two classes that are easy to tell apart, twenty images each."""
    rng = np.random.default_rng(0)
    for name, bright in (("dark", 40), ("light", 200)):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(bright - 40, bright + 40, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
