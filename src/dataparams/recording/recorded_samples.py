"""The samples of a recorded loop: their labels, their names, and what is kept of them."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.errors import ArgumentError
from dataparams.recording.kept_samples import kept_samples
from dataparams.recording.labels import numbered_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.recording.kept_samples import KeptSamples
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class RecordedSamples:
    """The samples of a loop.

    Attributes:
        labels: Class of each training sample, (N,).
        validation: Class of each validation sample, (M,).
        class_names: Name of class 0, 1, ...
        ids: Name of each training sample, (N,), none twice.
        kept: What is kept of them.
    """

    labels: NDArray[np.int64]
    validation: NDArray[np.int64]
    class_names: tuple[str, ...]
    ids: pl.Series
    kept: KeptSamples

    def table(self) -> pl.DataFrame:
        """The rows of ``samples.parquet``: training samples first, then those of validation."""
        count = len(self.labels)
        training = pl.DataFrame(
            {
                "index": np.arange(count),
                "id": self.ids,
                "label": self.labels,
                "content": self.kept.words,
            }
        ).with_columns(split=pl.lit("train"))
        places = np.arange(len(self.validation))
        validation = pl.DataFrame(
            {
                "index": count + places,
                "id": self.validation_ids(),
                "label": self.validation,
                "content": pl.Series([None] * len(places), dtype=pl.String),
            },
            schema_overrides={"index": pl.Int64, "label": pl.Int64},
        ).with_columns(split=pl.lit("val"))
        return pl.concat([training, validation]).select("index", "id", "label", "content", "split")

    def validation_ids(self) -> pl.Series:
        """Names of the validation samples, (M,)."""
        return numbered_ids("val", len(self.validation))

    def contents(self) -> pl.DataFrame | None:
        """The rows of ``contents.parquet``; None where nothing is kept."""
        if self.kept.kind is None:
            return None
        return pl.DataFrame({"id": self.ids}).hstack(self.kept.table)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of names of classes, ids, labels and contents.

        Pictures that a data set draws are no part of it: augmentation makes others each time.
        """
        digest = hashlib.sha256(json.dumps([self.class_names, len(self.labels)]).encode())
        for numbers in (self.labels, self.validation):
            digest.update(np.ascontiguousarray(numbers).data)
        is_drawn = self.kept.source.get("is_drawn", False)
        for texts in (self.ids, self.kept.words.clear() if is_drawn else self.kept.words):
            digest.update("\n".join(texts.fill_null("")).encode("utf-8", "replace"))
        return digest.hexdigest()


def numbered_ids(split: str, count: int) -> pl.Series:
    """The ids of samples that have no name: ``train/0`` and so on.

    Example:
        >>> numbered_ids("train", 2).to_list()
        ['train/0', 'train/1']
    """
    return pl.select((pl.lit(f"{split}/") + pl.int_range(count).cast(pl.String)).alias("id"))["id"]


def given_ids(ids: Sequence[str] | None, kept: KeptSamples, count: int) -> pl.Series:
    """The ids of n samples: those given, those that they have, or their numbers.

    Raises:
        ArgumentError: If they are not n texts, or one is there twice.
    """
    if ids is None:
        return numbered_ids("train", count) if kept.ids is None else kept.ids.alias("id")
    texts = pl.Series("id", [str(one) for one in ids], dtype=pl.String)
    if len(texts) != count:
        raise ArgumentError(f"`ids` has {len(texts)} names; expected {count}, one per sample.")
    if texts.n_unique() < count:
        twice = texts.filter(texts.is_duplicated())[0]
        raise ArgumentError(f"`ids` has {twice!r} twice; expected another name for each sample.")
    return texts


def recorded_samples(
    run: RunFolder,
    labels: Any,
    class_names: Sequence[str] | None,
    samples: Any,
    ids: Sequence[str] | None,
    validation: Any,
    *,
    is_anew: bool,
) -> RecordedSamples:
    """The samples by the arguments of :class:`dataparams.recording.recording.Recording`.

    Warns where nothing can be kept of samples that were given, or not what they seem to be.

    Raises:
        ArgumentError: If they do not fit each other.
    """
    numbers, names = numbered_labels(labels, class_names)
    held_out = numbers[:0]
    if validation is not None:
        held_out, _ = numbered_labels(validation, names, "validation")
    kept = kept_samples(samples, numbers, names, run.path, is_anew=is_anew)
    if kept.kind != "image" and kept.notice is not None:
        warnings.warn(kept.notice, stacklevel=4)
    return RecordedSamples(numbers, held_out, names, given_ids(ids, kept, len(numbers)), kept)
