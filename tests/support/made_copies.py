"""Pictures that look like photographs to what compares them, and copies of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIDE = 160


def made_picture(seed: int, side: int = SIDE) -> Image.Image:
    """A picture of soft and of sharp parts, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    whole = np.zeros((side, side, 3))
    for cells, weight in ((3, 1.0), (7, 0.7), (20, 0.3)):
        patch = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        whole += weight * np.asarray(patch.resize((side, side), Image.Resampling.BICUBIC))
    return Image.fromarray((whole / 2).clip(0, 255).astype(np.uint8))


def recompressed(picture: Image.Image, quality: int = 30) -> Image.Image:
    """The picture as a JPEG keeps it."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def cropped(picture: Image.Image) -> Image.Image:
    """Nine tenths of its width and height, off the middle."""
    width, height = picture.size
    return picture.crop((width // 20, 0, width // 20 + width * 9 // 10, height * 9 // 10))


def mirrored(picture: Image.Image) -> Image.Image:
    """Left and right exchanged."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def halved(picture: Image.Image) -> Image.Image:
    """Half as wide and high."""
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BICUBIC)


def darkened(picture: Image.Image) -> Image.Image:
    """Each value at 60 %."""
    return picture.point(lambda value: 0.6 * value)


CHANGES: tuple[Callable[[Image.Image], Image.Image], ...] = (
    recompressed,
    cropped,
    mirrored,
    halved,
    darkened,
)


def write_pictures(folder: Path, count: int) -> None:
    """Write ``count`` pictures of each of two classes, as JPEG files."""
    for number, name in enumerate(("round", "square")):
        (folder / name).mkdir(parents=True)
        for place in range(count):
            picture = made_picture(1000 * number + place)
            picture.save(folder / name / f"{place}.jpg", quality=92)
