"""Pictures of more than 8 bits a value, scaled to 8."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

# What cameras and scanners have.
_USUAL_BITS = (8, 10, 12, 14, 16)
_STORED_BITS = 16
_WHITE_OF_FLOATS = (1.0, 255.0)
# Arithmetic of 32 bits leaves values a little outside their range.
_TRACE = 1e-3
# They are decoded twice and take 28 bytes a pixel meanwhile.
_MOST_DEEP_COLORS = 1 << 25
_VALUES_AT_ONCE = 1 << 20
# Pillow scales what these declare to 16 bits itself.
_SCALED_BY_PILLOW = ("PPM", "JPEG2000")
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE, _SAMPLE_FORMAT = 258, 281, 339
_PHOTOMETRIC, _WHITE_IS_ZERO, _UNSIGNED = 262, 0, 1
_PNG_DEPTH, _PNG_FIRST_CHUNK = 24, 8
# Of the upper byte of a value that 14 bits could hold.
_DARK = 64
# Pillow's names of what is stored, and of the same with the other byte of each pair.
_GRAY_AND_ALPHA = "LA;16B"
_SWAPPED = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGB;16N": "RGB;16B" if sys.byteorder == "little" else "RGB;16L",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
    "RGBA;16N": "RGBA;16B" if sys.byteorder == "little" else "RGBA;16L",
    _GRAY_AND_ALPHA: "RGBA",
}


class Levels(NamedTuple):
    """Which values are black and white; those between them are scaled evenly.

    Attributes:
        black: This becomes 0.
        white: This becomes 255; less than ``black`` where a file stores negatives.
    """

    black: float
    white: float


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow holds one value of more than 8 bits a pixel."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def eight_bit_pixels(image: Image.Image, data: bytes, every: int = 1) -> NDArray[np.uint8]:
    """Scale a gray picture of integers or floats to 0 ... 255.

    Integers are scaled by the bits that the file declares: the ``sBIT`` chunk of a PNG, whose
    values may be in the upper or in the lower bits; ``BitsPerSample`` below 16 and
    ``MaxSampleValue`` of a TIFF; the greatest value of a PGM; the precision of a JPEG 2000. Where
    it declares none, or values are above it, the smallest of 8, 10, 12, 14 and 16 bits that holds
    the greatest value counts. So a dark picture of 16 bits without a declaration becomes brighter:
    it cannot be told from one of fewer bits.

    Floats in 0 ... 1 are multiplied by 255, others in 0 ... 255 taken as they are. Everything else,
    such as values below 0 or above 65535, is scaled from its own least to its own greatest value;
    if these are the same it is black. So are values that are not finite.

    Args:
        image: The opened and loaded picture, of a mode that ``is_deep``.
        data: The file that it was opened from.
        every: Take each such row and column only. Levels are those of the whole picture.

    Returns:
        (height, width), rounded up where rows and columns are left out; uint8. A value that the
        file declares transparent is white.
    """
    values = _values(image)
    pixels = scale_values(values[::every, ::every], _levels(image, data, values))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        pixels[values[::every, ::every] == transparent] = 255
    return pixels


def integer_levels(values: NDArray[Any], bits: int | None) -> Levels:
    """Find the levels of integers.

    Args:
        values: The picture, not empty.
        bits: Those that a file declares.

    Example:
        >>> integer_levels(np.array([0, 700]), None), integer_levels(np.array([0, 700]), 16)
        (Levels(black=0, white=1023), Levels(black=0, white=65535))
        >>> integer_levels(np.array([-1000, 3000]), None)
        Levels(black=-1000, white=3000)
    """
    least, greatest = int(values.min()), int(values.max())
    if least < 0:
        return Levels(least, greatest)
    for enough in (*(() if bits is None else (bits,)), *_USUAL_BITS):
        if greatest < 1 << enough:
            return Levels(0, (1 << enough) - 1)
    return Levels(least, greatest)


def float_levels(values: NDArray[Any]) -> Levels:
    """Find the levels of floats.

    Args:
        values: The picture; values that are not finite do not count.

    Example:
        >>> float_levels(np.array([0.0, 0.5])), float_levels(np.array([0.0, 200.0]))
        (Levels(black=0.0, white=1.0), Levels(black=0.0, white=255.0))
        >>> float_levels(np.array([-3.0, 200.0, np.nan]))
        Levels(black=-3.0, white=200.0)
    """
    finite = np.isfinite(values)
    if not finite.any():
        return Levels(0.0, 1.0)
    least = float(values.min(where=finite, initial=np.inf))
    greatest = float(values.max(where=finite, initial=-np.inf))
    for white in _WHITE_OF_FLOATS:
        if least >= -_TRACE * greatest and greatest <= (1 + _TRACE) * white:
            return Levels(0.0, white)
    return Levels(least, greatest)


def scale_values(values: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    """Scale values evenly to 0 ... 255, rounded; values beyond the levels are clipped.

    Args:
        values: Of any shape and type.
        levels: What becomes black and white; all is black if these are the same.

    Example:
        >>> scale_values(np.array([[0, 512, 1023]]), Levels(0, 1023)).tolist()
        [[0, 128, 255]]
    """
    pixels = np.zeros(values.shape, np.uint8)
    if levels.black == levels.white:
        return pixels
    table = None
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        table = _scaled(np.arange(1 << _STORED_BITS), levels)
    # In pieces, since 64 bits a value are several times the picture.
    rows = max(1, _VALUES_AT_ONCE // max(1, values[:1].size))
    for start in range(0, len(values), rows):
        some = values[start : start + rows]
        pixels[start : start + rows] = _scaled(some, levels) if table is None else table[some]
    return pixels


def _scaled(values: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    exact = (values.astype(np.float64) - levels.black) * 255 / (levels.white - levels.black)
    finite = np.nan_to_num(exact, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.rint(finite).clip(0, 255).astype(np.uint8)


def _values(image: Image.Image) -> NDArray[Any]:
    values: NDArray[Any] = np.asarray(image)
    # Pillow has no mode for these and reads their upper half as negative.
    is_unsigned = _first_tag(image, _SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED
    if image.format == "TIFF" and image.mode == "I" and is_unsigned:
        return values.view(np.uint32)
    return values


def _levels(image: Image.Image, data: bytes, values: NDArray[Any]) -> Levels:
    if image.mode == "F":
        levels = float_levels(values)
    else:
        levels = integer_levels(values, _declared_bits(image, data, values))
    # Pillow inverts negatives of 8 bits only.
    if _first_tag(image, _PHOTOMETRIC, -1) == _WHITE_IS_ZERO:
        return Levels(levels.white, levels.black)
    return levels


def _declared_bits(image: Image.Image, data: bytes, values: NDArray[Any]) -> int | None:
    """The bits that a file declares its values to have; None if it declares none."""
    if image.format in _SCALED_BY_PILLOW:
        return _STORED_BITS
    if image.format == "PNG":
        bits = _significant_bits(data)
        return None if bits is None else _bits_in_use(values, bits)
    greatest = int(_first_tag(image, _MAX_SAMPLE_VALUE, 0))
    stored = int(_first_tag(image, _BITS_PER_SAMPLE, _STORED_BITS))
    if greatest > 0 and greatest.bit_length() < 2 * _STORED_BITS:
        return greatest.bit_length()
    return stored if stored < _STORED_BITS else None


def _first_tag(image: Image.Image, tag: int, otherwise: float) -> float:
    """The first value of a tag of a TIFF; of another format the one that stands for none."""
    value = getattr(image, "tag_v2", {}).get(tag, otherwise)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int | float) else otherwise


def _significant_bits(data: bytes) -> int | None:
    """The most bits of a channel that the ``sBIT`` chunk of a PNG file declares."""
    position = _PNG_FIRST_CHUNK
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        content = data[position + 8 : position + 8 + length]
        if kind == b"sBIT" and content and 1 <= max(content) <= _STORED_BITS:
            return max(content)
        if kind == b"IDAT":
            return None
        position += 12 + length
    return None


def _bits_in_use(values: NDArray[Any], bits: int) -> int:
    """The bits that values of so many significant ones take up.

    The standard has values multiplied, or shifted, to fill all 16; many a program does neither.
    """
    if int(values.max()) >= 1 << bits:
        return _STORED_BITS
    upper = values >> (_STORED_BITS - bits)
    shifted = upper << (_STORED_BITS - bits)
    multiplied = np.rint(upper * (((1 << _STORED_BITS) - 1) / ((1 << bits) - 1)))
    return _STORED_BITS if np.all((values == shifted) | (values == multiplied)) else bits


def has_dark_deep_colors(image: Image.Image, data: bytes) -> bool:
    """Whether a loaded picture has colors of 16 bits that look dark in their upper 8.

    Pillow keeps these 8 only, which are all of a picture that fills its bits.
    """
    if image.format == "PNG":
        is_deep = data[_PNG_DEPTH] == _STORED_BITS
    else:
        is_deep = image.format == "TIFF" and _first_tag(image, _BITS_PER_SAMPLE, 1) == _STORED_BITS
    if not is_deep:
        return False
    extrema: Any = image.getextrema()
    return all(greatest < _DARK for _, greatest in extrema[:3])


def deep_colors(image: Image.Image, data: bytes, every: int = 1) -> Image.Image:
    """Scale colors that may be in the lower of 16 bits as ``eight_bit_pixels`` scales grays.

    Args:
        image: The loaded picture, one that ``has_dark_deep_colors``.
        data: The file that it was opened from.
        every: Take each such row and column only. Levels are those of the whole picture.

    Returns:
        The picture in color, with transparency if ``image`` has it; ``image`` itself where the
        lower bits cannot be had, or where it has more than 32 million pixels.
    """
    from PIL import Image

    if image.width * image.height > _MOST_DEEP_COLORS:
        return image
    lower = _lower_bytes(image, data)
    if lower is None:
        return image
    values = (np.asarray(image.convert("RGB")).astype(np.uint16) << 8) | lower
    levels = _levels(image, data, values)
    colored = Image.fromarray(scale_values(values[::every, ::every], levels))
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))[::every, ::every]
        colored.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
    return colored


def _lower_bytes(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """The bytes that Pillow leaves out, (height, width, 3), by taking each pair the other way."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=[str(image.format)]) as again:
        layouts = {_layout(tile) for tile in again.tile}
        layout = layouts.pop() if len(layouts) == 1 else ""
        swapped = _SWAPPED.get(layout)
        if swapped is None:
            return None
        again.tile = [_with_layout(tile, swapped) for tile in again.tile]
        again.load()
        pixels = np.asarray(again)
    return pixels[..., 1:2] if layout == _GRAY_AND_ALPHA else pixels[..., :3]


def _layout(tile: Any) -> str:
    """How a tile of an opened image is stored, which is the first or only argument for it."""
    arguments = tile[3]
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _with_layout(tile: Any, layout: str) -> Any:
    arguments = (layout, *tile[3][1:]) if isinstance(tile[3], tuple) else layout
    # A tile is a plain tuple before Pillow 11.1.
    return tile._replace(args=arguments) if hasattr(tile, "args") else (*tile[:3], arguments)
