"""Images as contents: encoded, in memory or in a file of their own; or pixels as they are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.contents.content import UnreadableContentError, View, digest_of
from dataparams.contents.image_files import decode_whole, read_file, shrink_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_QUALITY = 82
_QUALITY_OF_TINY = 95
_TINY = 80


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

    def digest(self) -> str:
        """What tells this image from others; see :class:`dataparams.contents.content.Content`."""
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
        pixels = self.pixels(max(longest_sides))
        return [jpeg_view(shrink_pixels(pixels, side)) for side in longest_sides]


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

    array: NDArray[np.uint8]

    def encoded(self) -> bytes:
        """The pixels as a PNG file, which loses none of them."""
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(self.array)).save(stream, "PNG")
        return stream.getvalue()

    def digest(self) -> str:
        """What tells this image from others; see :class:`dataparams.contents.content.Content`."""
        shape = np.array(self.array.shape, dtype="<i8")
        return digest_of([shape.data, np.ascontiguousarray(self.array).data])

    def pixels(self, longest_side: int) -> NDArray[np.uint8]:
        """The picture to look at, (height, width, 3), uint8; see :meth:`EncodedImage.pixels`."""
        return shrink_pixels(self.array, longest_side)

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """The picture as JPEG files; see :class:`dataparams.contents.content.Content`."""
        pixels = self.pixels(max(longest_sides))
        return [jpeg_view(shrink_pixels(pixels, side)) for side in longest_sides]


def jpeg_view(pixels: NDArray[np.uint8]) -> View:
    """A picture as a JPEG file.

    Args:
        pixels: (height, width, 3), uint8.

    Example:
        >>> jpeg_view(np.zeros((4, 6, 3), np.uint8)).media_type
        'image/jpeg'
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    contents = io.BytesIO()
    # A picture of few pixels shows every artefact of the compression, and costs nothing.
    is_tiny = max(picture.size) < _TINY
    options: dict[str, Any] = {"quality": _QUALITY}
    if is_tiny:
        options = {"quality": _QUALITY_OF_TINY, "subsampling": 0}
    picture.save(contents, "JPEG", **options)
    return View("image/jpeg", contents.getvalue(), is_tiny)
