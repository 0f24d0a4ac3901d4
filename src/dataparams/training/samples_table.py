"""The table of a run's samples: what identifies each, its label, and the truth if it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from dataparams.batches import StreamedDataset
from dataparams.contents.images import require_image
from dataparams.sources.arrays import ArrayContents
from dataparams.sources.cache import CacheContents
from dataparams.sources.identity import size_words
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from dataparams.batches import AnyDataset, LabeledImages
    from dataparams.sources.noise import CorruptedLabels


def samples_table(
    dataset: AnyDataset,
    labels: Tensor,
    truth: CorruptedLabels | None,
    words: tuple[pl.Series, pl.Series],
) -> pl.DataFrame:
    """The rows of ``samples.parquet``: both splits, the training split first.

    Args:
        dataset: The data set as it was loaded.
        labels: Class of each sample of the training split; some may have been changed.
        truth: The labels of the training split before and after, where some were made wrong.
        words: Of each split what :func:`words_of_dataset` gives.
    """
    tables = []
    for split, name, given, contents in (
        (dataset.train, "train", labels, words[0]),
        (dataset.val, "val", dataset.val.labels, words[1]),
    ):
        columns: dict[str, object] = {
            "index": split.index.numpy(),
            "id": _texts(split.ids),
            "label": given.numpy(),
        }
        if truth is not None:
            is_train = name == "train"
            wrong = truth.is_corrupted if is_train else torch.zeros(len(split), dtype=torch.bool)
            columns["true_label"] = (truth.true_labels if is_train else given).numpy()
            columns["is_corrupted"] = wrong.numpy()
        columns["content"] = contents
        tables.append(pl.DataFrame(columns).with_columns(split=pl.lit(name)))
    return pl.concat(tables)


def _texts(texts: Sequence[str]) -> pl.Series:
    # Of a million samples no object is made for each.
    if isinstance(texts, TextColumn):
        return pl.Series(pl.from_arrow(texts.arrow))
    return pl.Series(texts, dtype=pl.String)


def words_of_dataset(dataset: AnyDataset) -> tuple[pl.Series, pl.Series]:
    """What tells the contents of the samples of both splits from others.

    Digests where all contents were read, sizes where they are read one by one; nothing of images
    that a cache has made smaller.
    """
    if isinstance(dataset, StreamedDataset):
        sizes = dataset.source.contents.sizes()
        if isinstance(dataset.source.contents, CacheContents):
            sizes = np.full_like(sizes, -1)
        return (
            size_words(sizes[dataset.train.index.numpy()]),
            size_words(sizes[dataset.val.index.numpy()]),
        )
    return _digests(dataset.train), _digests(dataset.val)


def _digests(split: LabeledImages) -> pl.Series:
    if split.digests:
        return pl.Series(split.digests, dtype=pl.String)
    # These were never encoded, and are as large as they were: their pixels are their contents.
    contents = ArrayContents([split.images]).read(range(len(split)))
    return pl.Series([require_image(one).digest() for one in contents], dtype=pl.String)
