"""Decoding image files into one tensor of pixels, leaving out those that are damaged."""

from __future__ import annotations

import contextlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from dataparams.batches.labeled_images import (
    ImageDataset,
    LabeledImages,
    UnreadableSample,
    make_dataset,
)
from dataparams.contents.image_files import DEFAULT_SIZE, Picture, decode_block, fit_pixels
from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.image_files import EncodedImage

    Progress: TypeAlias = Callable[[int, int], None]

_WORKERS_AT_MOST = 8
_BLOCK = 64
_BLOCKS_IN_FLIGHT = 64


@dataclass(frozen=True)
class SplitRows:
    """Which of the encoded images form a split.

    Attributes:
        ids: Path or ``split/row`` of each sample of the split.
        labels: Class of each, (n,), int64.
        rows: Position of each among all encoded images, (n,), int64, ascending.
    """

    ids: tuple[str, ...]
    labels: Tensor
    rows: Tensor


@dataclass(frozen=True, eq=False)
class ListedDataset:
    """A data source of which no image is decoded yet.

    Attributes:
        name: Short name that can be a folder's name.
        class_names: Name of class 0, 1, ...
        splits: The training and the validation split.
        chunks: Encoded images, in the order that ``rows`` of the splits refers to; read once.
    """

    name: str
    class_names: tuple[str, ...]
    splits: tuple[SplitRows, SplitRows]
    chunks: Iterable[Sequence[EncodedImage]]


@dataclass(frozen=True)
class DecodedImages:
    """The images that could be decoded.

    Attributes:
        images: Pixels, (m, channels, height, width), uint8.
        rows: Position of each among all encoded images, (m,), int64, ascending.
        reasons: Why each of the others could not be decoded, by position.
    """

    images: Tensor
    rows: Tensor
    reasons: dict[int, str]


def decode_dataset(
    listed: ListedDataset,
    *,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Decode all images of a data source and hand them out to its two splits.

    Args:
        listed: The data source.
        image_size: Height and width wanted; see ``decode_images``.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        The data set.

    Raises:
        DataError: If most images, or all of one split, are unreadable, or memory is too small.
    """
    total = sum(len(split.ids) for split in listed.splits)
    decoded = decode_images(listed.chunks, total, image_size=image_size, on_progress=on_progress)
    place = torch.full((total,), -1, dtype=torch.int64)
    place[decoded.rows] = torch.arange(len(decoded.rows))
    train, val = (_take_split(split, decoded, place) for split in listed.splits)
    return make_dataset(listed.name, train, val, listed.class_names)


def _take_split(split: SplitRows, decoded: DecodedImages, place: Tensor) -> LabeledImages:
    places = place[split.rows]
    is_readable = places >= 0
    unreadable = tuple(
        UnreadableSample(i, split.ids[i], decoded.reasons[int(split.rows[i])])
        for i in (~is_readable).nonzero().squeeze(1).tolist()
    )
    if len(unreadable) == len(split.ids):
        raise DataError(_too_many_unreadable([s.reason for s in unreadable], len(unreadable)))
    index = is_readable.nonzero().squeeze(1)
    return LabeledImages(
        images=_rows_of(decoded.images, places[index]),
        labels=split.labels[index],
        ids=tuple(split.ids[i] for i in index.tolist()),
        index=index,
        num_instances=len(split.ids),
        unreadable=unreadable,
    )


def _rows_of(images: Tensor, places: Tensor) -> Tensor:
    """Take rows, as a view where they lie side by side: a copy may not fit into memory."""
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        return images[first : last + 1]
    return images[places]


def decode_images(
    chunks: Iterable[Sequence[EncodedImage]],
    total: int,
    *,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> DecodedImages:
    """Decode images in a few threads, each image once.

    EXIF orientation is applied, transparency is laid on white, 16-bit values become 8-bit. The
    result has one channel if every image is gray, otherwise three. The shorter side is resized to
    the wanted size and the longer one is cropped around its middle.

    Args:
        chunks: Encoded images as bytes or as the path of a file, in order; None for none.
        total: How many there are.
        image_size: Height and width of the result. None takes the images' own size if they share
            one of at most 96 x 96, and otherwise 64.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        Pixels of the readable images, and why the others are not.

    Raises:
        DataError: If more than half of the images are unreadable, or memory is too small.
    """
    gathered = _GatheredImages(total, image_size)
    reasons: dict[int, str] = {}
    rows: list[int] = []
    done = 0
    decode = partial(decode_block, image_size=image_size)
    with decoding_threads() as pool:
        for blocks in _blocks_in_flight(chunks):
            for pictures in pool.map(decode, blocks):
                for row, picture in enumerate(pictures, start=done):
                    if isinstance(picture, str):
                        reasons[row] = picture
                    else:
                        gathered.append(picture)
                        rows.append(row)
                done += len(pictures)
                if on_progress is not None:
                    on_progress(done, total)
    if 2 * len(reasons) > total or not rows:
        raise DataError(_too_many_unreadable(list(reasons.values()), total))
    return DecodedImages(gathered.images(), torch.tensor(rows, dtype=torch.int64), reasons)


@contextlib.contextmanager
def decoding_threads() -> Iterator[ThreadPoolExecutor]:
    """A few threads that decode images, without Pillow's warnings."""
    workers = min(os.cpu_count() or 1, _WORKERS_AT_MOST)
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        # A damaged image is reported as such; Pillow's warning about it would say it twice.
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield pool


def _blocks_in_flight(
    chunks: Iterable[Sequence[EncodedImage]],
) -> Iterable[list[Sequence[EncodedImage]]]:
    """Cut chunks so that few decoded images wait to be gathered."""
    step = _BLOCK * _BLOCKS_IN_FLIGHT
    for chunk in chunks:
        for start in range(0, len(chunk), step):
            part = chunk[start : start + step]
            yield [part[i : i + _BLOCK] for i in range(0, len(part), _BLOCK)]


def _too_many_unreadable(reasons: list[str], total: int) -> str:
    shown = "; ".join(reasons[:3])
    return f"{len(reasons)} of {total} images cannot be read. The first reasons: {shown}."


class _GatheredImages:
    """Decoded images in one array, which changes its size or channels when an image asks for it."""

    def __init__(self, capacity: int, image_size: int | None) -> None:
        self._capacity = capacity
        self._size = image_size
        self._count = 0
        self._pixels: NDArray[np.uint8] | None = None

    def append(self, picture: Picture) -> None:
        """Add an image; the first odd size ends the hope that all share their own size."""
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
    needed, available = count * channels * height * width, _available_memory()
    if available is not None and needed > available:
        raise DataError(
            f"{count} images of {height} x {width} pixels need {needed / 1e9:.1f} GB of memory; "
            f"{available / 1e9:.1f} GB are free. Give --loader stream, which keeps a few batches "
            "in memory and no more, or choose a smaller --image-size."
        )


def _available_memory() -> int | None:
    """Bytes that can be allocated, or None where the system does not tell."""
    try:
        # The kernel's estimate counts caches it would drop; sysconf's free pages do not.
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
