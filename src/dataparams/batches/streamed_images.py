"""Labeled images that stay encoded until a batch needs them: for data larger than memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from dataparams.batches.labeled_images import ImageDataset, LabeledImages, UnreadableSample
from dataparams.errors import DataError
from dataparams.sources.splits import split_by_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from dataparams.sources.stores import ImageStore
    from dataparams.sources.text_column import TextColumn

DEFAULT_STREAMED_SIZE = 224


@dataclass(frozen=True, eq=False)
class StreamedImages:
    """One split of a data source whose images stay encoded; beside ``LabeledImages`` in all else.

    Which images are unreadable is known only when a batch has tried, but for those that a cache
    left out; an unreadable one keeps its index either way.

    Attributes:
        store: The encoded images.
        rows: Row of each sample in the store, (n,), int64.
        labels: Class of each sample as given, (n,), int64.
        ids: Path or ``split/row`` of each sample, n of them.
        index: Position of each sample in the data source, (n,), int64,
            ``0 ... num_instances - 1``. A selection keeps it.
        num_instances: Samples in the source, readable or not, selected or not.
        image_size: Height and width of the images that batches bring, in pixels.
        unreadable: Samples of the source that are known to be unreadable, and are left out.

    Raises:
        ValueError: If the shapes do not fit each other, or an index is out of range.
    """

    store: ImageStore
    rows: Tensor
    labels: Tensor
    ids: TextColumn
    index: Tensor
    num_instances: int
    image_size: int = DEFAULT_STREAMED_SIZE
    unreadable: tuple[UnreadableSample, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.ids)
        for name in ("rows", "labels", "index"):
            values: Tensor = getattr(self, name)
            if values.shape != (count,):
                raise ValueError(
                    f"{name} has shape {tuple(values.shape)}; expected ({count},), one for each id."
                )
        if not count:
            return
        for name, limit in (("index", self.num_instances), ("rows", len(self.store))):
            values = getattr(self, name)
            if not 0 <= int(values.min()) <= int(values.max()) < limit:
                raise ValueError(
                    f"{name} runs from {int(values.min())} to {int(values.max())}; "
                    f"expected 0 ... {limit - 1}."
                )

    def __len__(self) -> int:
        return len(self.ids)

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
            rows=self.rows[positions],
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
        val: The validation split, with an index of its own.
        class_names: Name of class 0, 1, ...
        fingerprint: SHA-256, in hex, of the ids, labels and encoded sizes of both splits, and of
            how a cache prepared them.
    """

    name: str
    train: StreamedImages
    val: StreamedImages
    class_names: tuple[str, ...]
    fingerprint: str


Split: TypeAlias = LabeledImages | StreamedImages
AnyDataset: TypeAlias = ImageDataset | StreamedDataset


@dataclass(frozen=True, eq=False)
class EncodedSource:
    """All encoded images of a data source, before they are split.

    Attributes:
        name: Short name that can be a folder's name.
        class_names: Name of class 0, 1, ...
        ids: Path or ``split/row`` of each row, n of them.
        labels: Class of each row, (n,), int64.
        train_rows: Number of rows of the training split, which come first; None where the source
            does not come split.
        store: The encoded images.
        unreadable: Why a row has no image, by row, where that is known already.
    """

    name: str
    class_names: tuple[str, ...]
    ids: TextColumn
    labels: Tensor
    train_rows: int | None
    store: ImageStore
    unreadable: Mapping[int, str]

    def fingerprint(self) -> str:
        """SHA-256, in hex, of ids, labels, encoded sizes and class names; reads no image."""
        digest = hashlib.sha256()
        known = [self.class_names, len(self.ids), self.train_rows]
        digest.update(json.dumps(known).encode())
        lengths, letters = self.ids.contents()
        digest.update(lengths.data)
        digest.update(letters)
        digest.update(self.labels.contiguous().numpy().data)
        digest.update(np.ascontiguousarray(self.store.sizes()).data)
        return digest.hexdigest()


def split_source(
    source: EncodedSource, fingerprint: str, *, val_frac: float, seed: int, image_size: int
) -> StreamedDataset:
    """Split a data source as the loader into memory does.

    Args:
        source: All its samples.
        fingerprint: Of the source and of how it was prepared.
        val_frac: Share of every class to set aside where the source does not come split.
        seed: What that choice depends on.
        image_size: Height and width of the images that batches bring.

    Raises:
        DataError: If a split is left without samples.
    """
    if source.train_rows is None:
        train, val = split_by_class(source.labels, val_frac, seed=seed)
    else:
        rows = torch.arange(len(source.ids))
        train, val = rows[: source.train_rows], rows[source.train_rows :]
    digest = hashlib.sha256(fingerprint.encode())
    for rows in (train, val):
        digest.update(rows.numpy().data)
    return StreamedDataset(
        source.name,
        _split(source, train, image_size),
        _split(source, val, image_size),
        source.class_names,
        digest.hexdigest(),
    )


def _split(source: EncodedSource, rows: Tensor, image_size: int) -> StreamedImages:
    """The samples of some rows; their index counts the unreadable ones too."""
    is_readable = torch.ones(len(rows), dtype=torch.bool)
    unreadable = []
    if source.unreadable:
        for position, row in enumerate(rows.tolist()):
            reason = source.unreadable.get(row)
            if reason is not None:
                is_readable[position] = False
                unreadable.append(UnreadableSample(position, source.ids[row], reason))
    index = is_readable.nonzero().squeeze(1)
    if not len(index):
        raise DataError(f"None of the {len(rows)} images of a split of {source.name} is readable.")
    return StreamedImages(
        store=source.store,
        rows=rows[index],
        labels=source.labels[rows[index]],
        ids=source.ids.take(rows[index].numpy()),
        index=index,
        num_instances=len(rows),
        image_size=image_size,
        unreadable=tuple(unreadable),
    )
