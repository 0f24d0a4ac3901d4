"""Pixels that are kept as they are, in the plainest of image formats: PPM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.data.region_decoding import Region

_HEADER = re.compile(rb"P6\n([1-9][0-9]{0,5}) ([1-9][0-9]{0,5})\n255\n")
_LONGEST_HEADER = 24


def to_pixmap(pixels: NDArray[np.uint8]) -> bytes:
    r"""Write pixels as a PPM file, which every image library reads.

    Args:
        pixels: (height, width, 3), uint8.

    Example:
        >>> to_pixmap(np.zeros((1, 2, 3), dtype=np.uint8))
        b'P6\n2 1\n255\n\x00\x00\x00\x00\x00\x00'
    """
    height, width, _ = pixels.shape
    return b"P6\n%d %d\n255\n" % (width, height) + np.ascontiguousarray(pixels).tobytes()


def view_pixmap(data: bytes | memoryview) -> NDArray[np.uint8] | None:
    """View the pixels of a file that ``to_pixmap`` wrote, without copying them.

    Args:
        data: Any file.

    Returns:
        (height, width, 3), uint8, read-only; None if it is another file.

    Example:
        >>> view_pixmap(to_pixmap(np.ones((4, 5, 3), dtype=np.uint8))).shape
        (4, 5, 3)
    """
    if data[:2] != b"P6":
        return None
    header = _HEADER.match(bytes(data[:_LONGEST_HEADER]))
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    if len(data) != header.end() + 3 * width * height:
        return None
    return np.frombuffer(data, np.uint8, offset=header.end()).reshape(height, width, 3)


def cut_out(
    pixels: NDArray[np.uint8], choose: Callable[[int, int], Region], size: int, *, mirror: bool
) -> NDArray[np.uint8]:
    """Resize a part of a picture to a square.

    Args:
        pixels: (height, width, 3), uint8.
        choose: Chooses the part, given width and height.
        size: Height and width of the result.
        mirror: Whether to mirror the result left to right.

    Returns:
        (size, size, 3), uint8.
    """
    left, top, width, height = choose(pixels.shape[1], pixels.shape[0])
    part = torch.from_numpy(pixels[top : top + height, left : left + width].copy())
    if (height, width) != (size, size):
        planes = part.permute(2, 0, 1).unsqueeze(0)
        resized = functional.interpolate(planes, (size, size), mode="bilinear", antialias=True)
        part = resized[0].permute(1, 2, 0)
    result: NDArray[np.uint8] = part.flip(1).numpy() if mirror else part.numpy()
    return result
