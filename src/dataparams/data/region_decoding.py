"""Decoding a part of an image, at the size in which it is wanted."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataparams.data.image_files import _known_formats, _reason, _to_gray_or_rgb, _turn
from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Region(NamedTuple):
    """A rectangle of an upright picture, in whole pixels."""

    left: int
    top: int
    width: int
    height: int


class UnreadableImageError(DataError):
    """An image cannot be decoded; the message is the reason in a few words."""


def decode_region(
    data: bytes, choose: Callable[[int, int], Region], size: int, *, mirror: bool = False
) -> NDArray[np.uint8]:
    """Decode a region of an image and resize it to a square.

    Args:
        data: The encoded image.
        choose: Chooses the region; it is given width and height of the upright picture.
        size: Height and width of the result.
        mirror: Whether to mirror the result left to right.

    Returns:
        (size, size, 3), RGB, uint8.

    Raises:
        UnreadableImageError: If the image cannot be decoded.
    """
    from PIL import Image
    from PIL.Image import Resampling, Transpose

    if not data:
        raise UnreadableImageError("the image is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            image.load()
            plain = _to_gray_or_rgb(image).convert("RGB")
            turn = _turn(image)
    except Exception as error:  # a damaged image can make a decoder raise anything
        raise UnreadableImageError(_reason(error)) from error
    if turn is not None:
        plain = plain.transpose(turn)
    left, top, width, height = choose(*plain.size)
    box = (left, top, left + width, top + height)
    part = plain.resize((size, size), Resampling.BILINEAR, box=box)
    if mirror:
        part = part.transpose(Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(part)
