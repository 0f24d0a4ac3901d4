"""Decoding images into one array, in a few threads; damaged images are left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.decoding_threads import decoding_threads
from dataparams.contents.image_files import DEFAULT_SIZE, Picture, decode_block, fit_pixels
from dataparams.contents.images import require_image
from dataparams.errors import DataError
from dataparams.sources.free_memory import free_memory
from dataparams.sources.source import Found
from dataparams.terminal.words import counted, reasons_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.contents.content import Content
    from dataparams.sources.source import Contents

    Progress: TypeAlias = Callable[[int, int], None]
    Decoded: TypeAlias = "tuple[Picture, str] | str"

_BLOCK = 64
_BLOCKS_IN_FLIGHT = 64


@dataclass(frozen=True)
class DecodedImages:
    """The images that could be decoded.

    Attributes:
        images: Pixels, (m, channels, height, width), uint8.
        rows: Row of each in the source, (m,), int64.
        digests: What tells the content of each from others, m of them.
        reasons: Why each of the others could not be decoded, by row.
    """

    images: Tensor
    rows: Tensor
    digests: list[str]
    reasons: dict[int, str]


def decode_images(
    contents: Contents,
    order: Sequence[int],
    *,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> DecodedImages:
    """Decode images in a few threads, each image once.

    EXIF orientation is applied, transparency is laid on white, 16-bit values become 8-bit. The
    result has one channel if every image is gray, otherwise three. The shorter side is resized to
    the wanted size and the longer one is cropped around its middle.

    Args:
        contents: The images.
        order: Rows of those wanted, each once, in the order in which they are best kept.
        image_size: Height and width of the result. None takes the images' own size if they share
            one of at most 96 x 96, and otherwise 64.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        Pixels of the readable images, and why the others are not.

    Raises:
        DataError: If more than half of the images are unreadable, or memory is too small.
    """
    total = len(order)
    gathered = _GatheredImages(total, image_size)
    reasons: dict[int, str] = {}
    rows: list[int] = []
    digests: list[str] = []
    done = 0
    decode = partial(_decode_all, image_size=image_size)
    with decoding_threads() as pool:
        for blocks in _blocks_in_flight(contents.sweep(order)):
            parts = pool.map(decode, (found.contents for found in blocks))
            for found, decoded in zip(blocks, parts, strict=True):
                for place, one in zip(found.places, decoded, strict=True):
                    if isinstance(one, str):
                        reasons[order[place]] = one
                    else:
                        gathered.append(one[0])
                        digests.append(one[1])
                        rows.append(order[place])
                done += len(decoded)
                if on_progress is not None:
                    on_progress(done, total)
    if 2 * len(reasons) > total or not rows:
        raise DataError(too_many_unreadable(list(reasons.values()), total))
    return DecodedImages(gathered.images(), torch.tensor(rows, dtype=torch.int64), digests, reasons)


def _decode_all(
    contents: Sequence[Content | UnreadableContentError], image_size: int | None
) -> list[Decoded]:
    return [_decode(content, image_size) for content in contents]


def _decode(content: Content | UnreadableContentError, image_size: int | None) -> Decoded:
    """An image's pixels and its digest, or the reason why it cannot be decoded."""
    try:
        image = require_image(content).loaded()
    except UnreadableContentError as error:
        return str(error)
    (picture,) = decode_block([bytes(image.encoded())], image_size)
    return picture if isinstance(picture, str) else (picture, image.digest())


def _blocks_in_flight(pieces: Iterable[Found]) -> Iterator[list[Found]]:
    """Gather pieces of at most 64 so that few decoded images wait."""
    blocks: list[Found] = []
    for piece in pieces:
        for start in range(0, len(piece.places), _BLOCK):
            part = slice(start, start + _BLOCK)
            blocks.append(Found(piece.places[part], piece.contents[part]))
            if len(blocks) == _BLOCKS_IN_FLIGHT:
                yield blocks
                blocks = []
    if blocks:
        yield blocks


def too_many_unreadable(reasons: list[str], total: int) -> str:
    """The error message for a data set most of whose images cannot be read."""
    return f"{len(reasons):,} of {counted(total, 'image')} cannot be read: {reasons_text(reasons)}."


class _GatheredImages:
    """Decoded images in one array, resized or given color when an image needs it."""

    def __init__(self, capacity: int, image_size: int | None) -> None:
        self._capacity = capacity
        self._size = image_size
        self._count = 0
        self._pixels: NDArray[np.uint8] | None = None

    def append(self, picture: Picture) -> None:
        """Add an image; from the first that differs in size on, all are resized."""
        pixels = picture.pixels
        if self._size is None and not (picture.is_native and self._shares_size(pixels)):
            self._size = DEFAULT_SIZE
            self._resize_gathered(DEFAULT_SIZE)
        if self._size is not None and pixels.shape[:2] != (self._size, self._size):
            pixels = fit_pixels(pixels, self._size)
        if self._pixels is None:
            self._pixels = self._new(3 if pixels.ndim == 3 else 1, *pixels.shape[:2])
        elif pixels.ndim == 3 and self._pixels.shape[1] == 1:
            self._pixels = self._with_colors(self._pixels)
        self._pixels[self._count] = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels
        self._count += 1

    def images(self) -> Tensor:
        """Return what was gathered, (count, channels, height, width)."""
        if self._pixels is None:
            return torch.empty(0, 1, 1, 1, dtype=torch.uint8)
        return torch.from_numpy(self._pixels[: self._count])

    def _shares_size(self, pixels: NDArray[np.uint8]) -> bool:
        return self._pixels is None or pixels.shape[:2] == self._pixels.shape[2:]

    def _new(self, channels: int, height: int, width: int) -> NDArray[np.uint8]:
        require_memory(self._capacity, channels, height, width)
        return np.empty((self._capacity, channels, height, width), dtype=np.uint8)

    def _with_colors(self, gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
        colored = self._new(3, *gray.shape[2:])
        colored[: self._count] = gray[: self._count]
        return colored

    def _resize_gathered(self, size: int) -> None:
        if self._pixels is None:
            return
        old, channels = self._pixels, self._pixels.shape[1]
        self._pixels = self._new(channels, size, size)
        for row in range(self._count):
            pixels = old[row, 0] if channels == 1 else old[row].transpose(1, 2, 0)
            fitted = fit_pixels(pixels, size)
            self._pixels[row] = fitted if channels == 1 else fitted.transpose(2, 0, 1)


def require_memory(count: int, channels: int, height: int, width: int) -> None:
    """Raise DataError if that many pixels would not fit into the memory that is free.

    Args:
        count: Number of images.
        channels: Channels of each, one byte per pixel and channel.
        height: Height of each in pixels.
        width: Width of each in pixels.
    """
    needed, available = count * channels * height * width, free_memory()
    if available is not None and needed > available:
        raise DataError(
            f"{count} images of {height} x {width} pixels need {needed / 1e9:.1f} GB of memory; "
            f'{available / 1e9:.1f} GB are free. Give `loader="stream"`, which keeps a few batches '
            "in memory and no more, or choose a smaller `image_size`."
        )
