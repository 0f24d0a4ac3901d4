"""Loading a data set into memory: all images are decoded once; damaged images are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.batches.decoding import decode_images, require_memory, too_many_unreadable
from dataparams.batches.labeled_images import (
    ImageDataset,
    LabeledImages,
    UnreadableSample,
    make_dataset,
)
from dataparams.contents.images import require_image
from dataparams.errors import ArgumentError, DataError
from dataparams.sources.arrays import ArrayContents
from dataparams.sources.opening import open_source
from dataparams.sources.source import require_image_source
from dataparams.sources.splits import split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.batches.decoding import DecodedImages, Progress
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.source import Source

LARGEST_SIZE = 1024
_RESIZED_AT_ONCE = 1024


def load_dataset(
    name: str,
    *,
    data_dir: Path = Path("data"),
    image_column: str | None = None,
    label_column: str | None = None,
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    on_progress: Progress | None = None,
    on_fetch: FetchProgress | None = None,
) -> ImageDataset:
    """Load a labeled image data set into memory.

    Args:
        name: As of :func:`dataparams.sources.opening.open_source`, as are the next three.
        data_dir: Where built-in data sets are kept and downloaded to.
        image_column: Which column of a table has the images; None to find it.
        label_column: Which column of a table has the labels; None to find it.
        val_frac: Share of every class to set aside for validation, above 0 and below 1, where the
            data set does not come split.
        seed: What that choice depends on.
        image_size: See :func:`load_images`.
        on_progress: Called with the number of images decoded and the number of all images.
        on_fetch: Called while a data set of the hub is downloaded and prepared.

    Returns:
        The data set. Images that cannot be read are left out, listed in ``unreadable``.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        ArgumentError: If an argument is out of its range.

    Example:
        >>> digits = load_dataset("digits", val_frac=0.2)
        >>> len(digits.train), len(digits.val), tuple(digits.train.images.shape[1:])
        (1438, 359, (1, 8, 8))
    """
    require_arguments(val_frac, image_size)
    source = open_source(
        name,
        data_dir=data_dir,
        image_column=image_column,
        label_column=label_column,
        on_fetch=on_fetch,
    )
    return load_images(
        source, val_frac=val_frac, seed=seed, image_size=image_size, on_progress=on_progress
    )


def load_images(
    source: Source,
    *,
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Decode all images of a source and hand them out to its two splits.

    Args:
        source: The source, of images.
        val_frac: Share of every class to set aside for validation, above 0 and below 1, where the
            source does not come split.
        seed: What that choice depends on.
        image_size: Height and width in pixels, 1 ... 1024: the shorter side is resized, the longer
            one cropped around its middle. None takes the images' own size if they share one of at
            most 96 x 96, and otherwise 64.
        on_progress: Called with the number of images done and the number of all images.

    Raises:
        DataError: If most images, or all of one split, are unreadable, or memory is too small.
        ArgumentError: If an argument is out of its range.
    """
    require_arguments(val_frac, image_size)
    require_image_source(source)
    splits = split_rows(source, val_frac, seed=seed)
    if isinstance(source.contents, ArrayContents):
        train, val = _of_arrays(source, source.contents, splits, image_size)
        if on_progress is not None:
            on_progress(len(source), len(source))
    else:
        decoded = decode_images(
            source.contents,
            torch.cat(splits).tolist(),
            image_size=image_size,
            on_progress=on_progress,
        )
        place = torch.full((len(source),), -1, dtype=torch.int64)
        place[decoded.rows] = torch.arange(len(decoded.rows))
        train, val = (_take_split(source, rows, decoded, place) for rows in splits)
    return make_dataset(source.name, train, val, source.class_names, source)


def load_rows(source: Source, rows: Tensor, *, image_size: int | None = None) -> LabeledImages:
    """Decode some samples of a source; unreadable samples are left out.

    Args:
        source: The source, of images.
        rows: Which, (n,), int64.
        image_size: As of :func:`load_images`.

    Returns:
        The samples, with the digests of their contents.

    Raises:
        DataError: If most images are unreadable, or memory is too small.
    """
    if isinstance(source.contents, ArrayContents):
        (loaded,) = _of_arrays(source, source.contents, [rows], image_size)
        return replace(loaded, digests=_digests(source.contents, rows))
    decoded = decode_images(source.contents, rows.tolist(), image_size=image_size)
    place = torch.full((len(source),), -1, dtype=torch.int64)
    place[decoded.rows] = torch.arange(len(decoded.rows))
    return _take_split(source, rows, decoded, place)


def require_arguments(val_frac: float, image_size: int | None) -> None:
    """Raise ArgumentError if an argument of ``load_images`` is out of its range.

    Args:
        val_frac: Above 0 and below 1.
        image_size: 1 ... 1024, or None.
    """
    if not 0 < val_frac < 1:
        raise ArgumentError(f"`val_frac` is {val_frac}; expected a share above 0 and below 1.")
    if image_size is not None and not 1 <= image_size <= LARGEST_SIZE:
        raise ArgumentError(
            f"`image_size` is {image_size}; expected a number of pixels, 1 ... {LARGEST_SIZE}."
        )


def _of_arrays(
    source: Source, contents: ArrayContents, splits: Sequence[Tensor], image_size: int | None
) -> list[LabeledImages]:
    """The splits of a source that is in memory already."""
    comes_split = source.train_rows is not None and len(contents.images) == len(splits)
    if comes_split:
        pieces = contents.images
    else:
        whole = torch.cat(contents.images)
        pieces = tuple(whole[rows] for rows in splits)
    return [
        LabeledImages(
            images=images if image_size is None else _resized(images, image_size),
            labels=source.labels[rows],
            ids=tuple(source.ids.take(rows.numpy())),
            index=rows,
            num_instances=len(source),
            digests=() if image_size is None else _digests(contents, rows),
        )
        for images, rows in zip(pieces, splits, strict=True)
    ]


def _digests(contents: ArrayContents, rows: Tensor) -> tuple[str, ...]:
    return tuple(require_image(one).digest() for one in contents.read(rows.tolist()))


def _resized(images: Tensor, size: int) -> Tensor:
    count, channels, height, width = images.shape
    if (height, width) == (size, size):
        return images
    require_memory(count, channels, size, size)
    resized = torch.empty(count, channels, size, size, dtype=torch.uint8)
    for start in range(0, count, _RESIZED_AT_ONCE):
        rows = slice(start, start + _RESIZED_AT_ONCE)
        values = torch.nn.functional.interpolate(
            images[rows].float(), (size, size), mode="bilinear", antialias=True
        )
        resized[rows] = values.round_().clamp_(0, 255)
    return resized


def _take_split(
    source: Source, rows: Tensor, decoded: DecodedImages, place: Tensor
) -> LabeledImages:
    places = place[rows]
    index = rows[places >= 0]
    missing = rows[places < 0].tolist()
    unreadable = tuple(
        UnreadableSample(row, source.ids[row], decoded.reasons[row]) for row in missing
    )
    if len(unreadable) == len(rows):
        raise DataError(too_many_unreadable([s.reason for s in unreadable], len(unreadable)))
    places = places[places >= 0]
    return LabeledImages(
        images=_rows_of(decoded.images, places),
        labels=source.labels[index],
        ids=tuple(source.ids.take(index.numpy())),
        index=index,
        num_instances=len(source),
        unreadable=unreadable,
        digests=tuple(decoded.digests[position] for position in places.tolist()),
    )


def _rows_of(images: Tensor, places: Tensor) -> Tensor:
    """Take rows, as a view if they are contiguous: a copy may not fit into memory."""
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        return images[first : last + 1]
    return images[places]
