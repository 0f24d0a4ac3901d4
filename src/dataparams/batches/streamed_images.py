"""Labeled images that stay encoded until a batch needs them: for data larger than memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from dataparams.batches.labeled_images import (
    ImageDataset,
    LabeledImages,
    UnreadableSample,
    require_numbers,
)
from dataparams.batches.loading import require_arguments
from dataparams.errors import ArgumentError, DataError
from dataparams.sources.builtin import builtin_name
from dataparams.sources.opening import open_cached, open_source
from dataparams.sources.source import require_image_source
from dataparams.sources.splits import split_rows

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.source import Contents, Source
    from dataparams.sources.text_column import TextColumn

DEFAULT_STREAMED_SIZE = 224


@dataclass(frozen=True, eq=False)
class StreamedImages:
    """One split of a data source whose images stay encoded; beside ``LabeledImages`` in all else.

    An unreadable image is found when a batch reads it, unless a cache has left it out before; it
    keeps its index either way.

    Attributes:
        contents: The contents of all samples of the source, by their index.
        labels: Class of each sample as given, (n,), int64.
        ids: Path or ``split/row`` of each sample, n of them.
        index: Row of each sample in the source, (n,), int64, ``0 ... num_instances - 1``. A
            selection keeps it.
        image_size: Height and width of the images that batches bring, in pixels.
        unreadable: Samples of the source that are known to be unreadable, and are left out.

    Raises:
        ValueError: If the shapes do not fit each other, or an index is out of range.
    """

    contents: Contents
    labels: Tensor
    ids: TextColumn
    index: Tensor
    image_size: int = DEFAULT_STREAMED_SIZE
    unreadable: tuple[UnreadableSample, ...] = ()

    def __post_init__(self) -> None:
        require_numbers(len(self.ids), self.labels, self.index, self.num_instances)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_instances(self) -> int:
        """Samples in the source, of all splits, readable or not, selected or not."""
        return len(self.contents)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that batches bring."""
        return 3, self.image_size, self.image_size

    def select(self, positions: Tensor) -> StreamedImages:
        """Take some samples; they keep their index in the data source.

        Args:
            positions: Positions within these samples, (m,), int64, in the order wanted.

        Returns:
            The m samples. ``num_instances`` and ``unreadable`` stay: they tell of the source.
        """
        return replace(
            self,
            labels=self.labels[positions],
            ids=self.ids.take(positions.numpy()),
            index=self.index[positions],
        )

    def with_labels(self, labels: Tensor) -> StreamedImages:
        """Give the same samples other labels.

        Args:
            labels: Class of each sample, (n,), int64.

        Raises:
            ValueError: If the number of labels differs from the number of samples.
        """
        return replace(self, labels=labels)


@dataclass(frozen=True, eq=False)
class StreamedDataset:
    """A data set whose images stay encoded; beside ``ImageDataset`` in all else.

    Attributes:
        name: Short name that can be a folder's name, such as ``imagenet-1k``.
        train: The training split.
        val: The validation split.
        class_names: Name of class 0, 1, ...
        fingerprint: SHA-256, in hex, of the ids, labels and encoded sizes of both splits, and of
            how a cache prepared them.
        source: Where they come from.
    """

    name: str
    train: StreamedImages
    val: StreamedImages
    class_names: tuple[str, ...]
    fingerprint: str
    source: Source


Split: TypeAlias = LabeledImages | StreamedImages
AnyDataset: TypeAlias = ImageDataset | StreamedDataset


def stream_dataset(
    name: str,
    *,
    image_column: str | None = None,
    label_column: str | None = None,
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    cache: Path | None = None,
    on_fetch: FetchProgress | None = None,
) -> StreamedDataset:
    """Open a labeled image data set whose images stay encoded until a batch needs them.

    Ids, labels, classes and the validation split are those of ``load_dataset``.

    Args:
        name: As of :func:`dataparams.sources.opening.open_source`, as are the next two; but no
            built-in data set, since these fit into memory.
        image_column: Which column of a table has the images; None to find it.
        label_column: Which column of a table has the labels; None to find it.
        val_frac: Share of every class to set aside for validation, above 0 and below 1, where the
            data set does not come split.
        seed: What that choice depends on.
        image_size: Height and width of the images that batches bring, in pixels; 224 by default.
        cache: A file of ``write_cache`` to read the images from, in place of the source.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.

    Raises:
        DataError: If nothing of that name is found, what is found cannot be read, or the cache is
            damaged or of another source.
        UserError: If an argument is out of its range.
    """
    require_arguments(val_frac, image_size)
    source, prepared = open_streamed(
        name,
        image_column=image_column,
        label_column=label_column,
        cache=cache,
        on_fetch=on_fetch,
    )
    return stream_images(source, prepared, val_frac=val_frac, seed=seed, image_size=image_size)


def open_streamed(
    name: str,
    *,
    image_column: str | None = None,
    label_column: str | None = None,
    cache: Path | None = None,
    on_fetch: FetchProgress | None = None,
) -> tuple[Source, str | None]:
    """Open a source whose contents are read one by one in any order.

    Args:
        name: As of :func:`stream_dataset`, as are the others.
        image_column: Which column of a table has the images; None to find it.
        label_column: Which column of a table has the labels; None to find it.
        cache: A file of ``write_cache`` to read the images from, in place of the source.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.

    Returns:
        The source; and what tells a cache from others, None where none is read.
    """
    if builtin_name(name) is not None:
        raise ArgumentError(
            f"{name} is built in and lies in memory whole; expected an image folder, Parquet, or a "
            'name on the Hugging Face hub to stream or to cache. Give `loader="memory"` for it.'
        )
    columns: dict[str, Any] = {"image_column": image_column, "label_column": label_column}
    if cache is None:
        return open_source(name, **columns, is_streamed=True, on_fetch=on_fetch), None
    prepared = open_cached(cache, name, **columns)
    return prepared.source, prepared.fingerprint


def stream_images(
    source: Source,
    prepared: str | None = None,
    *,
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
) -> StreamedDataset:
    """Split a source whose images stay encoded, as the loader into memory does.

    Args:
        source: All its samples.
        prepared: What tells the cache that it was read from, from others; None for no cache.
        val_frac: Share of every class to set aside where the source does not come split.
        seed: What that choice depends on.
        image_size: Height and width of the images that batches bring; 224 by default.

    Raises:
        DataError: If a split is left without samples.
    """
    require_image_source(source)
    splits = split_rows(source, val_frac, seed=seed)
    digest = hashlib.sha256((prepared or source.fingerprint()).encode())
    for rows in splits:
        digest.update(rows.numpy().data)
    size = image_size or DEFAULT_STREAMED_SIZE
    train, val = (_split(source, rows, size) for rows in splits)
    return StreamedDataset(source.name, train, val, source.class_names, digest.hexdigest(), source)


def _split(source: Source, rows: Tensor, image_size: int) -> StreamedImages:
    """The samples of some rows that are not known to be unreadable."""
    unreadable = []
    if source.unreadable:
        is_readable = torch.ones(len(rows), dtype=torch.bool)
        for position, row in enumerate(rows.tolist()):
            reason = source.unreadable.get(row)
            if reason is not None:
                is_readable[position] = False
                unreadable.append(UnreadableSample(row, source.ids[row], reason))
        if len(unreadable) == len(rows):
            raise DataError(
                f"None of the {len(rows)} images of a split of {source.name} is readable."
            )
        rows = rows[is_readable]
    return StreamedImages(
        contents=source.contents,
        labels=source.labels[rows],
        ids=source.ids.take(rows.numpy()),
        index=rows,
        image_size=image_size,
        unreadable=tuple(unreadable),
    )
