"""From encoded bytes to a region of the picture, resized: the fast way for photographs.

A JPEG of which a region much larger than wanted is asked for is decoded at a half, a quarter or an
eighth of its size. Other formats, and JPEGs in which the decoder finds an error, go through
``image_files``, which decides whether an image can be read.

Worker processes that call this should set ``torch.set_num_threads(1)`` and silence Pillow's
warnings about damaged files.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import decode_upright
from dataparams.contents.jpeg import Jpeg, decode_jpeg, encode_jpeg, is_progressive, open_jpeg
from dataparams.contents.orientation import turn_pixels
from dataparams.contents.regions import Region

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL.Image import Transpose

Interpolation: TypeAlias = Literal["bilinear", "bicubic"]

_JPEG_SCALES = (8, 4, 2)


class WholePicture(NamedTuple):
    """All of a picture of which a region is decoded, perhaps at a fraction of its size.

    Attributes:
        pixels: Upright, (height, width, 3), uint8; must not be changed.
        width: Pixels of a row of the picture in its own size.
        height: Its rows.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode_region(
    data: bytes,
    choose: Callable[[int, int], Region],
    size: int,
    *,
    mirror: bool = False,
    interpolation: Interpolation = "bilinear",
    on_whole: Callable[[WholePicture], None] | None = None,
) -> NDArray[np.uint8]:
    """Decode a region of an image, resized to a square.

    Args:
        data: The encoded image.
        choose: Chooses the region, given width and height of the upright picture.
        size: Height and width of the result.
        mirror: Whether to exchange left and right.
        interpolation: How it is resized, without aliasing either way.
        on_whole: Called with the whole picture, as it was decoded for that.

    Returns:
        RGB, (size, size, 3), uint8. Transparent parts are laid on white.

    Raises:
        UnreadableContentError: If the image cannot be decoded.
        ValueError: If the region is not within the picture.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> stream = io.BytesIO()
        >>> Image.new("RGB", (40, 30), (250, 200, 0)).save(stream, "JPEG", quality=95)
        >>> whole = lambda width, height: Region(0, 0, width, height)
        >>> decode_region(stream.getvalue(), whole, 16).shape
        (16, 16, 3)
    """
    jpeg = open_jpeg(data)
    if jpeg is None:
        pixels = _decode_upright(data)
        _tell(on_whole, pixels, pixels.shape[1], pixels.shape[0])
        region = choose(pixels.shape[1], pixels.shape[0])
        return crop_and_resize(pixels, region, size, mirror=mirror, interpolation=interpolation)
    is_exchanged = _axes(jpeg.turn)[0]
    width, height = (jpeg.height, jpeg.width) if is_exchanged else (jpeg.width, jpeg.height)
    region = choose(width, height)
    _check_within(region, width, height)
    stored = _stored_region(jpeg, region)
    scale = _jpeg_scale(min(stored.width, stored.height), size)
    decoded = decode_jpeg(jpeg, scale)
    if decoded is None:
        pixels = _decode_upright(data)
        _tell(on_whole, pixels, width, height)
        return crop_and_resize(pixels, region, size, mirror=mirror, interpolation=interpolation)
    if on_whole is not None:
        upright = decoded if jpeg.turn is None else turn_pixels(decoded, jpeg.turn)
        _tell(on_whole, upright, width, height)
    resized = _resize_scaled(decoded, stored, scale, size, interpolation)
    if jpeg.turn is not None:
        resized = turn_pixels(resized, jpeg.turn)
    return np.ascontiguousarray(resized[:, ::-1]) if mirror else resized


def crop_and_resize(
    pixels: NDArray[np.uint8],
    region: Region,
    size: int,
    *,
    mirror: bool = False,
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    """Resize a region of decoded pixels to a square, without aliasing.

    Where PyTorch has no vector instructions to use, values may differ by 1.

    Args:
        pixels: (height, width, 3), uint8; may be read-only.
        region: The region.
        size: Height and width of the result.
        mirror: Whether to exchange left and right.
        interpolation: How it is resized.

    Returns:
        (size, size, 3), uint8.

    Raises:
        ValueError: If the region is not within the pixels.

    Example:
        >>> gray = np.full((8, 10, 3), 128, dtype=np.uint8)
        >>> crop_and_resize(gray, Region(2, 0, 8, 8), 4)[0, 0]
        array([128, 128, 128], dtype=uint8)
    """
    height, width = pixels.shape[:2]
    _check_within(region, width, height)
    rows = slice(region.top, region.top + region.height)
    columns = slice(region.left, region.left + region.width)
    part = pixels[rows, columns]
    return _resize(part, size, size, mirror=mirror, interpolation=interpolation)


def _resize_box(
    pixels: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    size: int,
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    """Resize a rectangle whose edges need not fall between two pixels to a square.

    Args:
        pixels: (height, width, 3), uint8.
        box: Left, top, right and bottom edge, in pixels.
        size: Height and width of the result.
        interpolation: How it is resized.

    Returns:
        (size, size, 3), uint8.
    """
    from PIL import Image
    from PIL.Image import Resampling

    left, top, right, bottom = box
    column, row = math.floor(left), math.floor(top)
    part = pixels[row : math.ceil(bottom), column : math.ceil(right)]
    within = (left - column, top - row, right - column, bottom - row)
    image, method = Image.fromarray(np.ascontiguousarray(part)), Resampling[interpolation.upper()]
    return np.array(image.resize((size, size), method, box=within))


def resized_pixels(data: bytes, shorter_side: int) -> NDArray[np.uint8]:
    """Decode an image whole, with the shorter side resized.

    Args:
        data: The encoded image.
        shorter_side: Pixels of the shorter side at most; a smaller image keeps its size.

    Returns:
        RGB, upright, (height, width, 3), uint8. Transparent parts are laid on white.

    Raises:
        UnreadableContentError: If the image cannot be decoded.
    """
    return _decode_shrunk(data, shorter_side)[0]


def resized_jpeg(data: bytes, shorter_side: int, quality: int) -> bytes:
    """Encode an image as a JPEG that is quick to decode, with the shorter side resized.

    Args:
        data: The encoded image.
        shorter_side: Pixels of the shorter side at most; a smaller image keeps its size.
        quality: Of the JPEG, 1 ... 100.

    Returns:
        An upright JPEG of three colors; ``data`` itself where it is quick to decode already.

    Raises:
        UnreadableContentError: If the image cannot be decoded.
    """
    pixels, jpeg = _decode_shrunk(data, shorter_side)
    is_kept = jpeg is not None and min(pixels.shape[:2]) == min(jpeg.width, jpeg.height)
    if jpeg is not None and is_kept and jpeg.turn is None and not is_progressive(jpeg):
        return data
    return encode_jpeg(pixels, quality)


def _tell(
    on_whole: Callable[[WholePicture], None] | None,
    pixels: NDArray[np.uint8],
    width: int,
    height: int,
) -> None:
    if on_whole is not None:
        on_whole(WholePicture(pixels, width, height))


def _decode_shrunk(data: bytes, shorter_side: int) -> tuple[NDArray[np.uint8], Jpeg | None]:
    """Decode an image whole; with it comes the JPEG if the fast way was the right one for it."""
    jpeg = open_jpeg(data)
    if jpeg is not None:
        # Twice what is wanted, so that the last step smooths as it would from the full size.
        scale = _jpeg_scale(min(jpeg.width, jpeg.height), 2 * shorter_side)
        decoded = decode_jpeg(jpeg, scale)
        if decoded is not None:
            shrunk = _shrink(decoded, jpeg.width, jpeg.height, shorter_side)
            return (shrunk if jpeg.turn is None else turn_pixels(shrunk, jpeg.turn)), jpeg
    upright = _decode_upright(data)
    return _shrink(upright, upright.shape[1], upright.shape[0], shorter_side), None


def _decode_upright(data: bytes) -> NDArray[np.uint8]:
    pixels = decode_upright(data)
    if isinstance(pixels, str):
        raise UnreadableContentError(pixels)
    return pixels


def _jpeg_scale(side: int, wanted: int) -> int:
    """The largest scale at which a side still has as many pixels as are wanted."""
    return next((scale for scale in _JPEG_SCALES if side // scale >= wanted), 1)


def _axes(turn: Transpose | None) -> tuple[bool, bool, bool]:
    """Whether a turn exchanges the axes, reads stored rows backwards, and stored columns."""
    from PIL.Image import Transpose

    if turn is None:
        return False, False, False
    return {
        Transpose.FLIP_LEFT_RIGHT: (False, True, False),
        Transpose.ROTATE_180: (False, True, True),
        Transpose.FLIP_TOP_BOTTOM: (False, False, True),
        Transpose.TRANSPOSE: (True, False, False),
        Transpose.ROTATE_270: (True, False, True),
        Transpose.TRANSVERSE: (True, True, True),
        Transpose.ROTATE_90: (True, True, False),
    }[turn]


def _stored_region(jpeg: Jpeg, region: Region) -> Region:
    """Where a region of the upright picture is in the stored one."""
    exchanged, backward_rows, backward_columns = _axes(jpeg.turn)
    left, top, width, height = region
    if exchanged:
        left, top, width, height = top, left, height, width
    if backward_rows:
        left = jpeg.width - left - width
    if backward_columns:
        top = jpeg.height - top - height
    return Region(left, top, width, height)


def _resize_scaled(
    pixels: NDArray[np.uint8], region: Region, scale: int, size: int, interpolation: Interpolation
) -> NDArray[np.uint8]:
    """Resize a region of a picture that was decoded at one ``scale``-th of its size."""
    height, width = pixels.shape[:2]
    left, top = region.left / scale, region.top / scale
    right = min((region.left + region.width) / scale, width)
    bottom = min((region.top + region.height) / scale, height)
    if left % 1 == top % 1 == right % 1 == bottom % 1 == 0:
        part = Region(int(left), int(top), int(right - left), int(bottom - top))
        return crop_and_resize(pixels, part, size, interpolation=interpolation)
    return _resize_box(pixels, (left, top, right, bottom), size, interpolation)


def _check_within(region: Region, width: int, height: int) -> None:
    left, top, region_width, region_height = region
    fits = 0 <= left < left + region_width <= width and 0 <= top < top + region_height <= height
    if not fits:
        raise ValueError(f"{region} is not within the picture of {width} x {height} pixels.")


def _shrink(
    pixels: NDArray[np.uint8], width: int, height: int, shorter_side: int
) -> NDArray[np.uint8]:
    """Resize the pixels of a picture, which was of this width and height, if it is too large."""
    factor = shorter_side / min(width, height)
    if factor >= 1:
        return pixels
    return _resize(pixels, max(1, round(height * factor)), max(1, round(width * factor)))


def _resize(
    pixels: NDArray[np.uint8],
    height: int,
    width: int,
    *,
    mirror: bool = False,
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    if not pixels.flags.writeable:
        pixels = pixels.copy()
    # In this order the strides say "channels last", for which PyTorch has a quicker way.
    images = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
    resized = functional.interpolate(
        images, (height, width), mode=interpolation, align_corners=False, antialias=True
    )
    if mirror:
        resized = resized.flip(3)
    return np.ascontiguousarray(resized.squeeze(0).permute(1, 2, 0).numpy())
