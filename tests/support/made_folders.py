"""Image folders that tests make for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

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


def photographs(folder: Path, each: int = 24) -> Path:
    """Four classes of parts of the two photographs that come with scikit-learn, as JPEG files.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(0)
    for name in ("china", "flower"):
        photo = load_sample_image(f"{name}.jpg")
        half = photo.shape[1] // 2
        for side, part in (("left", photo[:, :half]), ("right", photo[:, half:])):
            place = folder / f"{name} {side}"
            place.mkdir(parents=True)
            for number in range(each):
                height, width = rng.integers(90, 200, 2)
                top = rng.integers(part.shape[0] - height)
                left = rng.integers(part.shape[1] - width)
                crop = part[top : top + height, left : left + width]
                Image.fromarray(crop).save(place / f"{number:02}.jpg", quality=90)
    return folder
