"""Pixels that are kept as they are, in the plainest of image formats: PPM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
