"""Images as contents: encoded, in memory or in a file of their own; or pixels as they are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dataparams.contents.content import UnreadableContentError, View, digest_of
from dataparams.contents.decoding_threads import side_by_side
from dataparams.contents.image_files import decode_whole, read_file, shrink_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from dataparams.contents.content import Content, ContentKind

_QUALITY = 82
_QUALITY_OF_TINY = 95
_TINY = 80
_EXPECTED_NUMBERS = (
    "expected height x width, height x width x 3 or 3 x height x width, or a square picture's "
    "numbers in one row; integers 0 ... 255 or floats 0 ... 1"
)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image as it is stored: a JPEG, a PNG, or another format that can be decoded.

    Attributes:
        stored: Its bytes; None where they are in a file of their own.
        file: That file; where ``stored`` is there too, where it came from.

    Example:
        >>> EncodedImage(b"...").encoded()
        b'...'
    """

    kind: ClassVar[ContentKind] = "image"
    stored: bytes | memoryview | None
    file: str | None = None

    def encoded(self) -> bytes | memoryview:
        """The bytes, read from the file where they are there.

        Raises:
            UnreadableContentError: If it cannot be read.
        """
        if self.stored is not None:
            return self.stored
        if self.file is None:
            raise UnreadableContentError("there is no image")
        return read_file(self.file)

    def loaded(self) -> EncodedImage:
        """The same image, read into memory."""
        return self if self.stored is not None else EncodedImage(self.encoded(), self.file)

    def size(self) -> int:
        """Bytes of it as it is stored."""
        return len(self.encoded())

    def digest(self) -> str:
        """The hash of the image; see :class:`dataparams.contents.content.Content`."""
        return digest_of([self.encoded()])

    def pixels(self, longest_side: int) -> NDArray[np.uint8]:
        """The picture to look at: in color, upright, and nothing cropped.

        Args:
            longest_side: Pixels of the longer side at most; a smaller image keeps its size.

        Returns:
            (height, width, 3), uint8.

        Raises:
            UnreadableContentError: If it cannot be decoded.
        """
        return decode_whole(bytes(self.encoded()), longest_side)

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """The picture as JPEG files; see :class:`dataparams.contents.content.Content`."""
        # No smaller, so that it is known whether the picture itself has few pixels.
        return jpeg_views(self.pixels(max(_TINY, *longest_sides)), longest_sides)


@dataclass(frozen=True, slots=True)
class PixelImage:
    """An image that was never encoded.

    Attributes:
        array: (height, width) or (height, width, 3), uint8.

    Example:
        >>> image = PixelImage(np.zeros((4, 6), dtype=np.uint8))
        >>> image.pixels(3).shape, image.encoded()[1:4]
        ((2, 3, 3), b'PNG')
    """

    kind: ClassVar[ContentKind] = "image"
    array: NDArray[np.uint8]

    def encoded(self) -> bytes:
        """The pixels as a PNG file, which loses none of them."""
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(self.array)).save(stream, "PNG")
        return stream.getvalue()

    def loaded(self) -> PixelImage:
        """The same image."""
        return self

    def size(self) -> int:
        """Bytes of its pixels."""
        return self.array.nbytes

    def digest(self) -> str:
        """The hash of the image; see :class:`dataparams.contents.content.Content`."""
        shape = np.array(self.array.shape, dtype="<i8")
        return digest_of([shape.data, np.ascontiguousarray(self.array).data])

    def pixels(self, longest_side: int) -> NDArray[np.uint8]:
        """The picture to look at, (height, width, 3), uint8; see :meth:`EncodedImage.pixels`."""
        if not self.array.size:
            raise UnreadableContentError("the image has no pixels")
        return shrink_pixels(self.array, longest_side)

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """The picture as JPEG files; see :class:`dataparams.contents.content.Content`."""
        return jpeg_views(self.pixels(max(_TINY, *longest_sides)), longest_sides)


def require_image(content: Content | UnreadableContentError) -> EncodedImage | PixelImage:
    """A content that is an image.

    Raises:
        UnreadableContentError: If it could not be read, or is no image.

    Example:
        >>> require_image(EncodedImage(b"...")).encoded()
        b'...'
    """
    if isinstance(content, UnreadableContentError):
        # One reason may stand for many samples; it must not gather the traces of all.
        raise content.with_traceback(None)
    if isinstance(content, EncodedImage | PixelImage):
        return content
    raise UnreadableContentError("it is no image")


def pixels_of(
    contents: Sequence[Content | UnreadableContentError], longest_side: int
) -> list[NDArray[np.uint8] | None]:
    """The pictures of some contents, decoded in a few threads.

    Args:
        contents: Some contents, n of them.
        longest_side: Pixels of a picture's longer side at most.

    Returns:
        n pictures, (height, width, 3) each, uint8; None where there is none that can be read.

    Example:
        >>> contents = [PixelImage(np.zeros((4, 6), np.uint8)), EncodedImage(b"")]
        >>> picture, nothing = pixels_of(contents, 3)
        >>> picture.shape, nothing
        ((2, 3, 3), None)
    """

    def decode(content: Content | UnreadableContentError) -> NDArray[np.uint8] | None:
        try:
            return require_image(content).pixels(longest_side)
        except UnreadableContentError:
            return None

    return side_by_side(decode, contents)


def views_of(
    contents: Sequence[Content | UnreadableContentError], longest_sides: Sequence[Sequence[int]]
) -> list[list[View]]:
    """Some contents as they are shown, made in a few threads.

    Args:
        contents: Some contents, n of them.
        longest_sides: In which sizes each is wanted.

    Returns:
        n lists of as many views; none of a content that cannot be read.
    """

    def make(content: Content | UnreadableContentError, sides: Sequence[int]) -> list[View]:
        try:
            return [] if isinstance(content, UnreadableContentError) else content.views(sides)
        except UnreadableContentError:
            return []

    return side_by_side(make, contents, longest_sides)


def jpeg_views(pixels: NDArray[np.uint8], longest_sides: Sequence[int]) -> list[View]:
    """A picture as JPEG files, for a browser.

    Args:
        pixels: (height, width, 3), uint8.
        longest_sides: Pixels of the longer side of each at most; a smaller picture keeps its size.

    Example:
        >>> small, whole = jpeg_views(np.zeros((90, 120, 3), np.uint8), [40, 640])
        >>> small.media_type, small.size, whole.size, small.is_tiny
        ('image/jpeg', (40, 30), (120, 90), False)
    """
    from PIL import Image

    picture = Image.fromarray(pixels)
    longest = max(picture.size)
    views: dict[int, View] = {}
    # Each from the next larger one, which costs less than all of it again.
    for side in sorted({min(side, longest) for side in longest_sides}, reverse=True):
        picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        views[side] = _jpeg(picture, is_tiny=longest < _TINY)
    return [views[min(side, longest)] for side in longest_sides]


def _jpeg(picture: Image.Image, *, is_tiny: bool) -> View:
    contents = io.BytesIO()
    # A picture of few pixels shows every artifact of the compression, and costs nothing.
    options: dict[str, Any] = {"quality": _QUALITY}
    if is_tiny:
        options = {"quality": _QUALITY_OF_TINY, "subsampling": 0}
    picture.save(contents, "JPEG", **options)
    return View("image/jpeg", contents.getvalue(), picture.size, is_tiny)


# --- lists of numbers ----------------------------------------------------------------------------


def image_of_numbers(value: object) -> PixelImage:
    """A picture that is kept as numbers, such as the lists in the cells of a table.

    Floats of which one is above 1 are taken as 0 ... 255; of a picture by itself it cannot be known
    whether it is such a one and almost black. In one row of numbers in color, all red ones may come
    first, or the three of each pixel together: the order counts in which neighbors are more alike.

    Args:
        value: An array or nested lists: height x width, height x width x 1 or 3, 1 or 3 x height x
            width, or a square picture's numbers in one row; integers 0 ... 255, floats 0 ... 1, or
            booleans.

    Raises:
        UnreadableContentError: If it is no such picture; says what was given and what is expected.

    Example:
        >>> image_of_numbers([[0, 255], [128, 64], [1, 2]]).array.shape
        (3, 2)
        >>> image_of_numbers([0.0, 1.0, 0.5, 0.25]).array.tolist()
        [[0, 255], [128, 64]]
    """
    pixels = _to_bytes(_array_of_numbers(value))
    return PixelImage(np.ascontiguousarray(_with_channels_last(pixels)))


def _array_of_numbers(value: object) -> NDArray[Any]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise _no_picture("it is no list of numbers")
    try:
        numbers = np.array(value)
        if numbers.dtype == object:  # arrays in an array, as tables give nested lists
            numbers = np.array(_without_arrays(numbers))
    except (ValueError, OverflowError):
        raise _no_picture("its lists differ in length") from None
    if not numbers.size:
        raise _no_picture("an empty list")
    if numbers.dtype.kind not in "buif":
        raise _no_picture("it holds something that is no number")
    return numbers


def _without_arrays(value: object) -> object:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return [_without_arrays(one) for one in value] if isinstance(value, list | tuple) else value


def _to_bytes(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    lowest, highest = numbers.min(), numbers.max()
    if not (lowest >= 0 and highest <= 255):  # neither is true of what is not a number
        raise _no_picture(f"numbers from {lowest:g} to {highest:g}")
    if numbers.dtype.kind == "b" or (numbers.dtype.kind == "f" and highest <= 1):
        numbers = numbers * 255.0
    pixels: NDArray[np.uint8] = np.rint(numbers).astype(np.uint8)
    return pixels


def _with_channels_last(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring pixels into the shape (height, width) or (height, width, 3)."""
    match numbers.shape:
        case (count,):
            return _square(numbers, count)
        case (_, _) | (_, _, 3):
            return numbers
        case (height, width, 1) | (1, height, width):
            return numbers.reshape(height, width)
        case (3, _, _):
            planes: NDArray[np.uint8] = numbers.transpose(1, 2, 0)
            return planes
    raise _no_picture("numbers in the shape " + " x ".join(map(str, numbers.shape)))


def _square(numbers: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    side = isqrt(count)
    if side * side == count:
        return numbers.reshape(side, side)
    side = isqrt(count // 3)
    if 3 * side * side != count:
        raise _no_picture(f"{count:,} numbers in one row")
    planes: NDArray[np.uint8] = numbers.reshape(3, side, side).transpose(1, 2, 0)
    together: NDArray[np.uint8] = numbers.reshape(side, side, 3)
    return min(together, planes, key=_roughness)


def _roughness(pixels: NDArray[np.uint8]) -> int:
    """How much pixels differ from those beside and below them."""
    values = pixels.astype(np.int16)
    return sum(int(np.abs(np.diff(values, axis=axis)).sum(dtype=np.int64)) for axis in (0, 1))


def _no_picture(given: str) -> UnreadableContentError:
    return UnreadableContentError(f"{given}; {_EXPECTED_NUMBERS}")
