"""Decoding one image file, of whatever kind, to plain gray or RGB pixels."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import nullcontext
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import numpy as np

from dataparams.contents.bit_depth import (
    deep_colors,
    eight_bit_pixels,
    has_dark_deep_colors,
    is_deep,
)
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.heic import HEIC_EXTENSIONS as HEIC_EXTENSIONS
from dataparams.contents.heic import can_read_heic as can_read_heic
from dataparams.contents.heic import heic_formats, is_heic
from dataparams.contents.orientation import find_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

ImageSource: TypeAlias = "bytes | Path | str | None"
_Result = TypeVar("_Result")

LARGEST_NATIVE_SIDE = 96
DEFAULT_SIZE = 64
# Formats that hold photographs. Pillow's others include PostScript, which would start a program.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "MPO", "JPEG2000", "AVIF", "TGA")
MOST_FILE_BYTES = 1 << 29
# Without waiting for who writes into a pipe, and on Windows without translating line ends.
_OPENING = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
    _OPENING |= getattr(os, _flag, 0)
_NO_FILE = {
    stat.S_IFIFO: "it is a named pipe, not a file",
    stat.S_IFSOCK: "it is a socket, not a file",
    stat.S_IFDIR: "it is a folder, not a file",
}
# A picture of a few kilobytes can claim more pixels than there is memory, and a decoder can hold
# several copies of them. Bytes a pixel, as measured; 5 for the formats and modes that are not here.
_BYTES_PER_PIXEL = {"WEBP": 16, "JPEG2000": 20, "AVIF": 12, "HEIF": 9}
_BYTES_PER_DEEP_PIXEL = {"I": 13, "F": 13}
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
    """The header of an encoded image.

    Attributes:
        format: Pillow's name of the format, such as ``JPEG``.
        width: Pixels, before any EXIF orientation.
        height: Pixels, likewise.
    """

    format: str
    width: int
    height: int


def read_image(
    source: ImageSource, finish: Callable[[Image.Image, bytes], _Result]
) -> _Result | str:
    """Open an encoded image and hand it on.

    Args:
        source: The encoded image.
        finish: What is done with the opened image and its bytes; nothing is decoded before.

    Returns:
        What ``finish`` returns, or the reason why the image cannot be read.
    """
    from PIL import Image

    try:
        if source is None:
            return "there is no image"
        data = source if isinstance(source, bytes) else read_file(source)
        if not data:
            return "the image is empty (0 bytes)"
        formats = heic_formats() if is_heic(data) else _known_formats()
        with Image.open(io.BytesIO(data), formats=formats) as image:
            return finish(image, data)
    except Exception as error:  # noqa: BLE001 - a damaged image can make a decoder raise anything
        return _reason(error)


def read_header(source: ImageSource) -> ImageHeader | str:
    """Read the header of an encoded image, decoding no pixels.

    Args:
        source: The encoded image.

    Returns:
        The header, or the reason why this is no image that could be decoded.
    """
    return read_image(source, lambda image, _: ImageHeader(str(image.format), *image.size))


def decode_block(block: Sequence[ImageSource], image_size: int | None) -> list[Picture | str]:
    """Decode a few images.

    Args:
        block: Encoded images.
        image_size: Height and width wanted. None leaves images of at most 96 x 96 as they are and
            makes others 64 x 64.

    Returns:
        For each its pixels, or the reason why it cannot be decoded.
    """
    finish = partial(_to_picture, image_size=image_size)
    return [read_image(source, finish) for source in block]


def decode_whole(source: ImageSource, longest_side: int) -> NDArray[np.uint8]:
    """Decode one image to look at: in color, upright, and nothing cropped.

    Args:
        source: The encoded image.
        longest_side: Pixels of the longer side at most; a smaller image keeps its size.

    Returns:
        (height, width, 3), uint8.

    Raises:
        UnreadableContentError: If it cannot be decoded.
    """
    pixels = read_image(source, partial(_to_whole, longest_side=longest_side))
    if isinstance(pixels, str):
        raise UnreadableContentError(pixels)
    return pixels


def read_file(path: str | Path) -> bytes:
    """Read an image file.

    Only regular files are read: opening a named pipe would wait for its writer.

    Args:
        path: The file.

    Raises:
        UnreadableContentError: If it cannot be read, is no regular file, or has more than 512 MiB.
    """
    try:
        descriptor = os.open(path, _OPENING)
    except FileNotFoundError:
        reason = "the file is missing"
    except PermissionError:
        reason = "reading the file is not allowed"
    except (OSError, ValueError) as error:
        is_socket = getattr(error, "errno", None) == errno.ENXIO
        reason = _NO_FILE[stat.S_IFSOCK] if is_socket else _words(error)
    else:
        try:
            return _read_open_file(descriptor)
        except OSError as error:
            reason = _words(error)
        finally:
            os.close(descriptor)
    raise UnreadableContentError(reason)


def _read_open_file(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    kind, size = stat.S_IFMT(status.st_mode), status.st_size
    if kind != stat.S_IFREG:
        raise UnreadableContentError(_NO_FILE.get(kind, "it is a device, not a file"))
    if size > MOST_FILE_BYTES:
        raise UnreadableContentError(
            f"the file has {size:,} bytes; expected at most {MOST_FILE_BYTES:,}"
        )
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def decode_upright(source: ImageSource) -> NDArray[np.uint8] | str:
    """Decode one image in its own size: in color, upright, and nothing cropped.

    Args:
        source: The encoded image.

    Returns:
        (height, width, 3), uint8; or the reason why it cannot be decoded.
    """
    return read_image(source, partial(_to_whole, longest_side=None))


def _to_picture(image: Image.Image, data: bytes, image_size: int | None) -> Picture:
    is_native = image_size is None and max(image.size) <= LARGEST_NATIVE_SIDE
    size = image_size or DEFAULT_SIZE
    if not is_native:
        # A JPEG decoder can halve a large photo several times for less than decoding it whole.
        image.draft(None, (2 * size, 2 * size))
    image.load()
    plain = _to_gray_or_rgb(image, data)
    if not is_native:
        plain = _fit(plain, size)
    turn = find_turn(image)
    if turn is not None:
        plain = plain.transpose(turn)
    return Picture(np.asarray(plain), is_native)


def _to_whole(image: Image.Image, data: bytes, longest_side: int | None) -> NDArray[np.uint8]:
    if longest_side is None:
        image.load()
        plain = _to_gray_or_rgb(image, data)
    else:
        cost = image.width * image.height * _bytes_per_pixel(image)
        if cost > _MOST_BYTES_LOOKED_AT:
            raise ValueError(f"{image.width} x {image.height} pixels are too many to be shown")
        with _one_large_at_a_time if cost > _LARGE_BYTES else nullcontext():
            plain = _loaded_small(image, data, longest_side)
    turn = find_turn(image)
    if turn is not None:
        plain = plain.transpose(turn)
    return np.array(plain.convert("RGB"))


def _bytes_per_pixel(image: Image.Image) -> int:
    of_mode = _BYTES_PER_DEEP_PIXEL.get(image.mode, 5)
    return max(of_mode, _BYTES_PER_PIXEL.get(str(image.format), 5))


def _loaded_small(image: Image.Image, data: bytes, longest_side: int) -> Image.Image:
    if max(image.size) > longest_side:
        width, height = _size_within(image.size, longest_side)
        image.draft(None, (2 * width, 2 * height))
    image.load()
    # To convert all pixels takes several times their memory; before they are averaged most of so
    # many can be left out.
    every = max(1, max(image.size) // (4 * longest_side))
    return shrink(_to_gray_or_rgb(image, data, every), longest_side)


@lru_cache(maxsize=1)
def _known_formats() -> list[str]:
    """The formats for photographs that this build of Pillow can open."""
    from PIL import Image

    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _to_gray_or_rgb(image: Image.Image, data: bytes, every: int = 1) -> Image.Image:
    """Convert a loaded image, keeping each ``every``-th row and column if it must be converted."""
    from PIL import Image

    if is_deep(image):
        return Image.fromarray(eight_bit_pixels(image, data, every))
    shown = deep_colors(image, data, every) if has_dark_deep_colors(image, data) else image
    if shown is not image:
        image = shown
    elif every > 1 and not _is_plain(image):
        size = (max(1, image.width // every), max(1, image.height // every))
        image = image.resize(size, Image.Resampling.NEAREST)
    if _is_plain(image):
        return image
    is_gray = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        colored = image.convert("RGBA")
        background = Image.new("RGBA", colored.size, "white")
        image = Image.alpha_composite(background, colored)
    return image.convert("L" if is_gray else "RGB")


def _is_plain(image: Image.Image) -> bool:
    return image.mode in ("L", "RGB") and "transparency" not in image.info


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


def shrink_pixels(pixels: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Bring decoded pixels into the form of ``decode_whole``.

    Args:
        pixels: (height, width) or (height, width, 3), uint8.
        longest_side: Pixels of the longer side at most.

    Returns:
        (height, width, 3), uint8.
    """
    from PIL import Image

    image = shrink(Image.fromarray(np.ascontiguousarray(pixels)), longest_side)
    return np.array(image.convert("RGB"))


def shrink(image: Image.Image, longest_side: int) -> Image.Image:
    """The image, no larger than that, in the same proportions; itself where it is not."""
    from PIL.Image import Resampling

    if max(image.size) <= longest_side:
        return image
    size = _size_within(image.size, longest_side)
    return image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def _size_within(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    scale = longest_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
