"""JPEG files: reading the header, decoding at a fraction of the size, and encoding.

simplejpeg decodes and encodes where it is installed, and Pillow otherwise. Both use libjpeg-turbo:
where no side is shorter than 8 pixels, decoded values are equal, up to the rounding of other builds
(2 at most). The files that they write differ in a few bytes.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataparams.contents.image_files import read_image
from dataparams.contents.orientation import find_turn

try:
    import simplejpeg
except ModuleNotFoundError:
    simplejpeg: Any = None  # type: ignore[no-redef]

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image
    from PIL.Image import Transpose

_START = b"\xff\xd8"
_COLORS = ("YCbCr", "RGB", "Gray")
# A camera's file of several pictures begins with an ordinary JPEG.
_FORMATS = ("JPEG", "MPO")
# What may hold an orientation, or the start of the pixels, before which it would be.
_ORIENTATION_OR_SCAN = re.compile(
    rb"Exif\0\0|http://ns\.adobe\.com/xap/1\.0/\0|(\xff\xda\0[\x08\x0a\x0c])"
)


class Jpeg(NamedTuple):
    """A JPEG file of 8-bit gray or RGB pixels, not decoded yet.

    Attributes:
        data: The file.
        width: Pixels of a stored row.
        height: Stored rows.
        turn: How the stored pixels are turned upright; None if they are upright.
    """

    data: bytes
    width: int
    height: int
    turn: Transpose | None


def open_jpeg(data: bytes) -> Jpeg | None:
    """Read the header of a JPEG file.

    Args:
        data: An encoded image.

    Returns:
        The file with its header; None for other formats and colors, for damaged headers, and for
        images of more pixels than Pillow accepts.

    Example:
        >>> open_jpeg(b"GIF89a") is None
        True
    """
    if not data.startswith(_START):
        return None
    found = _ORIENTATION_OR_SCAN.search(data)
    # Pillow reads every header, but takes a tenth of the time that a small picture takes to decode.
    if simplejpeg is None or found is None or found[1] is None:
        return _opened_by_pillow(data)
    try:
        height, width, color, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    if color not in _COLORS or _is_refused(width * height):
        return None
    return Jpeg(data, width, height, None)


def _opened_by_pillow(data: bytes) -> Jpeg | None:
    def describe(image: Image.Image, _: bytes) -> Jpeg | None:
        if image.format not in _FORMATS or image.mode not in ("L", "RGB"):
            return None
        return Jpeg(data, image.width, image.height, find_turn(image))

    described = read_image(data, describe)
    return None if isinstance(described, str) else described


def _is_refused(num_pixels: int) -> bool:
    """Whether Pillow would refuse an image of so many pixels."""
    from PIL import Image

    return Image.MAX_IMAGE_PIXELS is not None and num_pixels > 2 * Image.MAX_IMAGE_PIXELS


def is_progressive(jpeg: Jpeg) -> bool:
    """Whether a file is stored in several passes, which take longer to decode."""
    return bool(read_image(jpeg.data, lambda image, _: bool(image.info.get("progressive"))))


def decode_jpeg(jpeg: Jpeg, scale: int) -> NDArray[np.uint8] | None:
    """Decode a JPEG file at one ``scale``-th of its size.

    Args:
        jpeg: The file.
        scale: 1, 2, 4 or 8.

    Returns:
        RGB as stored, (height, width, 3), uint8, sides rounded up; None if the decoder finds
        anything wrong with the file.
    """
    height, width = math.ceil(jpeg.height / scale), math.ceil(jpeg.width / scale)
    pixels = np.empty((height, width, 3), np.uint8)
    if simplejpeg is None:
        decoded = _decoded_by_pillow(jpeg, scale)
    else:
        try:
            # Into memory of the expected size: a file with two headers can claim any size.
            decoded = simplejpeg.decode_jpeg(
                jpeg.data, "RGB", min_height=height, min_width=width, buffer=pixels
            )
        except ValueError:
            return None
    return decoded if decoded is not None and decoded.shape == pixels.shape else None


def _decoded_by_pillow(jpeg: Jpeg, scale: int) -> NDArray[np.uint8] | None:
    def decode(image: Image.Image, _: bytes) -> NDArray[np.uint8]:
        image.draft(None, (max(1, jpeg.width // scale), max(1, jpeg.height // scale)))
        return np.array(image.convert("RGB"))

    pixels = read_image(jpeg.data, decode)
    return None if isinstance(pixels, str) else pixels


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Encode pixels as a JPEG file whose color is halved in both directions (4:2:0).

    Args:
        pixels: RGB, (height, width, 3), uint8.
        quality: 1 ... 100.
    """
    if simplejpeg is not None:
        encoded: bytes = simplejpeg.encode_jpeg(pixels, quality, "RGB", "420", fastdct=False)
        return encoded
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return stream.getvalue()
