"""The pictures of the report: small JPEG files, written block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.analysis.result import Pictures

_BLOCK = 64
"""Pictures in memory at a time, in whatever size they are read."""
_SMALL = 160
_LARGE = 640
_QUALITY = 80
_QUALITY_OF_TINY = 95
_TINY = 80


@dataclass(frozen=True)
class Wanted:
    """A picture that the report will show.

    Attributes:
        index: The number of the sample, which names the files.
        id: What the picture is read by.
        is_zoomed: Whether a larger file is wanted beside the small one.
    """

    index: int
    id: str
    is_zoomed: bool


@dataclass(frozen=True)
class Thumbnail:
    """The files of a picture, as links from the pages.

    Attributes:
        small: At most 160 pixels on the longer side.
        large: At most 640 pixels; None where there is none, or it would be no larger.
        is_tiny: Whether it has so few pixels that they are better drawn as squares.
    """

    small: str
    large: str | None
    is_tiny: bool


def write_thumbnails(
    pictures: Pictures,
    wanted: Sequence[Wanted],
    folder: Path,
    *,
    on_written: Callable[[int], None],
) -> dict[int, Thumbnail]:
    """Write the pictures that are wanted, reading a few at a time.

    Args:
        pictures: Where they come from.
        wanted: Which; none twice.
        folder: Where the files go; links are relative to its parent.
        on_written: Told of the number of pictures after every block.

    Returns:
        What was written, by index; unreadable pictures are missing.
    """
    written: dict[int, Thumbnail] = {}
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        for sample, pixels in zip(block, pictures.read([one.id for one in block]), strict=True):
            if pixels is not None and pixels.size:
                written[sample.index] = _write(sample, pixels, folder)
        on_written(len(block))
    return written


def _write(sample: Wanted, pixels: NDArray[np.uint8], folder: Path) -> Thumbnail:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    longest = max(picture.size)
    large = None
    if sample.is_zoomed and longest > _SMALL:
        large = f"{sample.index}_large.jpg"
        picture.thumbnail((_LARGE, _LARGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        picture.save(folder / large, quality=_QUALITY)
    small = f"{sample.index}.jpg"
    picture.thumbnail((_SMALL, _SMALL), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if longest < _TINY:
        # A picture of few pixels shows every artefact of the compression, and costs nothing.
        picture.save(folder / small, quality=_QUALITY_OF_TINY, subsampling=0)
    else:
        picture.save(folder / small, quality=_QUALITY)
    return Thumbnail(
        small=f"{folder.name}/{small}",
        large=large and f"{folder.name}/{large}",
        is_tiny=longest < _TINY,
    )
