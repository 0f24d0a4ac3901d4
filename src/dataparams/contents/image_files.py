"""Decoding one image file, of whatever kind, to plain gray or RGB pixels."""

from __future__ import annotations

import io
import math
import os
from contextlib import nullcontext
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from dataparams.contents.content import UnreadableContentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL import Image
    from PIL.Image import Transpose

EncodedImage: TypeAlias = "bytes | Path | str | None"
_Result = TypeVar("_Result")

LARGEST_NATIVE_SIDE = 96
DEFAULT_SIZE = 64
_ORIENTATION_TAG = 0x0112
# Formats that hold photographs. Pillow's others include PostScript, which would start a program.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "MPO", "JPEG2000", "AVIF", "TGA")
_MOST_FILE_BYTES = 1 << 29
# A picture of a few kilobytes can claim more pixels than there is memory, and a decoder can hold
# several copies of them. Bytes a pixel, as measured; 5 for the formats that are not here.
_BYTES_PER_PIXEL = {"WEBP": 16, "JPEG2000": 20, "AVIF": 12}
_MOST_BYTES_LOOKED_AT = 400_000_000
_LARGE_BYTES = 60_000_000
_one_large_at_a_time = Lock()


class Picture(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: (height, width) if it is gray, otherwise (height, width, 3); uint8.
        is_native: Whether this is the image's own size.
    """

    pixels: NDArray[np.uint8]
    is_native: bool


class ImageHeader(NamedTuple):
    """What an encoded image says of itself.

    Attributes:
        format: Pillow's name of the format, such as ``JPEG``.
        width: Pixels, before any EXIF orientation.
        height: Pixels, likewise.
    """

    format: str
    width: int
    height: int


def read_header(source: EncodedImage) -> ImageHeader | str:
    """Read the header of an encoded image, decoding no pixels.

    Args:
        source: The encoded image.

    Returns:
        The header, or the reason why this is no image that could be decoded.
    """
    return _decode(source, lambda image: ImageHeader(str(image.format), *image.size))


def decode_block(block: Sequence[EncodedImage], image_size: int | None) -> list[Picture | str]:
    """Decode a few images.

    Args:
        block: Encoded images.
        image_size: Height and width wanted. None leaves images of at most 96 x 96 as they are and
            makes others 64 x 64.

    Returns:
        For each its pixels, or the reason why it cannot be decoded.
    """
    finish = partial(_to_picture, image_size=image_size)
    return [_decode(source, finish) for source in block]


def decode_whole(source: EncodedImage, longest_side: int) -> NDArray[np.uint8]:
    """Decode one image to look at: in color, upright, and nothing cropped.

    Args:
        source: The encoded image.
        longest_side: Pixels of the longer side at most; a smaller image keeps its size.

    Returns:
        (height, width, 3), uint8.

    Raises:
        UnreadableContentError: If it cannot be decoded.
    """
    pixels = _decode(source, partial(_to_whole, longest_side=longest_side))
    if isinstance(pixels, str):
        raise UnreadableContentError(pixels)
    return pixels


def read_file(path: str | Path) -> bytes:
    """Read an image file.

    Args:
        path: The file.

    Raises:
        UnreadableContentError: If it cannot be read.
    """
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - a Path per image costs more than this
            return stream.read()
    except FileNotFoundError:
        reason = "the file is missing"
    except PermissionError:
        reason = "reading the file is not allowed"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise UnreadableContentError(reason)


def decode_upright(source: EncodedImage) -> NDArray[np.uint8] | str:
    """Decode one image in its own size: in color, upright, and nothing cropped.

    Args:
        source: The encoded image.

    Returns:
        (height, width, 3), uint8; or the reason why it cannot be decoded.
    """
    return _decode(source, partial(_to_whole, longest_side=None))


def read_turn(source: EncodedImage) -> Transpose | str | None:
    """Find out how to turn an image upright, without decoding it.

    Args:
        source: The encoded image.

    Returns:
        The turn by its EXIF orientation; None if it is upright; or the reason why it cannot be
        read.
    """
    return _decode(source, _turn)


def turn_pixels(pixels: NDArray[np.uint8], turn: Transpose) -> NDArray[np.uint8]:
    """Turn decoded pixels.

    Args:
        pixels: (height, width, 3), uint8.
        turn: As ``read_turn`` gives it.

    Returns:
        The pixels turned, (height, width, 3) or (width, height, 3), uint8.
    """
    from PIL import Image

    return np.array(Image.fromarray(np.ascontiguousarray(pixels)).transpose(turn))


def _decode(source: EncodedImage, finish: Callable[[Image.Image], _Result]) -> _Result | str:
    """Open one image and hand it on, or say why it cannot be decoded."""
    from PIL import Image

    try:
        if source is None:
            return "there is no image"
        data = source if isinstance(source, bytes) else _contents(source)
        if not data:
            return "the image is empty (0 bytes)"
        with Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            return finish(image)
    except Exception as error:  # noqa: BLE001 - a damaged image can make a decoder raise anything
        return _reason(error)


def _contents(file: Path | str) -> bytes:
    with Path(file).open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > _MOST_FILE_BYTES:
            raise ValueError(f"the file has {size:,} bytes; expected at most {_MOST_FILE_BYTES:,}")
        return stream.read()


def _to_picture(image: Image.Image, image_size: int | None) -> Picture:
    is_native = image_size is None and max(image.size) <= LARGEST_NATIVE_SIDE
    size = image_size or DEFAULT_SIZE
    if not is_native:
        # A JPEG decoder can halve a large photo several times for less than decoding it whole.
        image.draft(None, (2 * size, 2 * size))
    image.load()
    plain = _to_gray_or_rgb(image)
    if not is_native:
        plain = _fit(plain, size)
    turn = _turn(image)
    if turn is not None:
        plain = plain.transpose(turn)
    return Picture(np.asarray(plain), is_native)


def _to_whole(image: Image.Image, longest_side: int | None) -> NDArray[np.uint8]:
    if longest_side is None:
        image.load()
        plain = _to_gray_or_rgb(image)
    else:
        cost = image.width * image.height * _BYTES_PER_PIXEL.get(str(image.format), 5)
        if cost > _MOST_BYTES_LOOKED_AT:
            raise ValueError(f"{image.width} x {image.height} pixels are too many to be shown")
        with _one_large_at_a_time if cost > _LARGE_BYTES else nullcontext():
            plain = _loaded_small(image, longest_side)
    turn = _turn(image)
    if turn is not None:
        plain = plain.transpose(turn)
    return np.array(plain.convert("RGB"))


def _loaded_small(image: Image.Image, longest_side: int) -> Image.Image:
    from PIL.Image import Resampling

    if max(image.size) > longest_side:
        width, height = _size_within(image.size, longest_side)
        image.draft(None, (2 * width, 2 * height))
    image.load()
    few = image
    excess = max(image.size) // (4 * longest_side)
    if excess > 1 and (image.mode not in ("L", "RGB") or "transparency" in image.info):
        # To convert all pixels takes several times their memory; before they are averaged most of
        # so many can be left out.
        size = (max(1, image.width // excess), max(1, image.height // excess))
        few = image.resize(size, Resampling.NEAREST)
    return _shrink(_to_gray_or_rgb(few), longest_side)


@lru_cache(maxsize=1)
def _known_formats() -> list[str]:
    """The formats that this build of Pillow can open, of those that hold photographs."""
    from PIL import Image

    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, PermissionError):
        return "reading the file is not allowed"
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _turn(image: Image.Image) -> Transpose | None:
    """How to turn an image upright, by its EXIF orientation."""
    from PIL.Image import Transpose

    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
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


def _to_gray_or_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_eight_bits(np.asarray(image), image.mode))
    is_gray = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        colored = image.convert("RGBA")
        background = Image.new("RGBA", colored.size, "white")
        image = Image.alpha_composite(background, colored)
    return image.convert("L" if is_gray else "RGB")


def _to_eight_bits(values: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Scale 16-bit integers, or floats in 0 ... 1 or 0 ... 255, to 0 ... 255."""
    scale = 1 / 257
    if mode == "F":
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
    scaled = np.rint(values.astype(np.float64) * scale)
    return np.nan_to_num(scaled).clip(0, 255).astype(np.uint8)


def _fit(image: Image.Image, size: int) -> Image.Image:
    """Resize the shorter side to ``size`` and crop the longer one around its middle."""
    from PIL.Image import Resampling

    width, height = image.size
    if width == height == size:
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Resampling.BILINEAR, box=box, reducing_gap=2.0)


def fit_pixels(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the shorter side and crop the longer one around its middle.

    Args:
        pixels: (height, width) or (height, width, 3), uint8.
        size: Height and width of the result.

    Returns:
        (size, size) or (size, size, 3), uint8.
    """
    from PIL import Image

    return np.asarray(_fit(Image.fromarray(np.ascontiguousarray(pixels)), size))


def resize_box(
    pixels: NDArray[np.uint8], box: tuple[float, float, float, float], size: int
) -> NDArray[np.uint8]:
    """Resize a rectangle whose edges need not fall between two pixels to a square.

    Args:
        pixels: (height, width, 3), uint8.
        box: Left, top, right and bottom edge, in pixels.
        size: Height and width of the result.

    Returns:
        (size, size, 3), uint8.
    """
    from PIL import Image
    from PIL.Image import Resampling

    left, top, right, bottom = box
    first_column, first_row = math.floor(left), math.floor(top)
    part = pixels[first_row : math.ceil(bottom), first_column : math.ceil(right)]
    within = (left - first_column, top - first_row, right - first_column, bottom - first_row)
    image = Image.fromarray(np.ascontiguousarray(part))
    return np.array(image.resize((size, size), Resampling.BILINEAR, box=within))


def shrink_pixels(pixels: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Bring decoded pixels into the form of ``decode_whole``.

    Args:
        pixels: (height, width) or (height, width, 3), uint8.
        longest_side: Pixels of the longer side at most.

    Returns:
        (height, width, 3), uint8.
    """
    from PIL import Image

    image = _shrink(Image.fromarray(np.ascontiguousarray(pixels)), longest_side)
    return np.array(image.convert("RGB"))


def _shrink(image: Image.Image, longest_side: int) -> Image.Image:
    from PIL.Image import Resampling

    if max(image.size) <= longest_side:
        return image
    size = _size_within(image.size, longest_side)
    return image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def _size_within(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    scale = longest_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
