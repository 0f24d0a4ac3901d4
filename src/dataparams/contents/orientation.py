"""Which way up a picture is stored, and turning it upright."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataparams.contents.heic import HEIC_FORMAT

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image
    from PIL.Image import Transpose

_TAG = 0x0112


def find_turn(image: Image.Image) -> Transpose | None:
    """Find out how to turn an opened image upright.

    Args:
        image: The image; its pixels need not be decoded.

    Returns:
        The turn by its EXIF orientation; None if it is upright.
    """
    from PIL.Image import Transpose

    if image.format == HEIC_FORMAT:
        # Such a file says in another place how it is turned, and its decoder turns it.
        return None
    try:
        orientation = image.getexif().get(_TAG, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF data does not make the pixels unreadable
        return None
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of an opened image when it is turned upright."""
    from PIL.Image import Transpose

    width, height = image.size
    sideways = (
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )
    return (height, width) if find_turn(image) in sideways else (width, height)


def turn_pixels(pixels: NDArray[np.uint8], turn: Transpose) -> NDArray[np.uint8]:
    """Turn decoded pixels.

    Args:
        pixels: (height, width, 3), uint8.
        turn: As ``find_turn`` gives it.

    Returns:
        The pixels turned, (height, width, 3) or (width, height, 3), uint8.
    """
    from PIL import Image

    return np.array(Image.fromarray(np.ascontiguousarray(pixels)).transpose(turn))
