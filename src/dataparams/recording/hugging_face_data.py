"""What a training set of the Hugging Face Trainer tells: labels, class names, and what to show."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

INDEX = "index"
"""The key under which a batch carries the numbers of its samples."""

_LABELS = ("labels", "label", "label_ids")
_UNNAMED = "LABEL_"


class IndexedCollator:
    """A data collator whose batches keep the key ``index``, whatever the one inside knows.

    Args:
        collate: Makes a batch of samples without an index.

    Example:
        >>> collate = IndexedCollator(lambda samples: {"labels": [s["labels"] for s in samples]})
        >>> collate([{"labels": 1, "index": 7}, {"labels": 0, "index": 2}])
        {'labels': [1, 0], 'index': tensor([7, 2])}
    """

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        """Make a batch of samples that are mappings with the key ``index``."""
        if not all(isinstance(sample, Mapping) and INDEX in sample for sample in samples):
            raise ArgumentError(
                f"A sample of the training set is a {type(samples[0]).__name__}; expected a "
                "dictionary with the names of the model's arguments as keys."
            )
        index = torch.tensor([int(sample[INDEX]) for sample in samples])
        kept = [{key: sample[key] for key in sample if key != INDEX} for sample in samples]
        return {**self.collate(kept), INDEX: index}


def require_training_set(dataset: object) -> None:
    """Check that samples have numbers that stay the same from epoch to epoch.

    Raises:
        ArgumentError: If there is no training set, if it can only be iterated over, or if it has a
            column ``index`` already.
    """
    if dataset is None:
        raise ArgumentError("`trainer` has no `train_dataset`; expected one to record.")
    if isinstance(dataset, torch.utils.data.IterableDataset) or not (
        hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    ):
        raise ArgumentError(
            f"`train_dataset` is a {type(dataset).__name__}, which can only be iterated over, so "
            "that its samples have no number; expected one with __len__ and __getitem__. A set "
            "that was opened with streaming=True can be loaded without it."
        )
    if INDEX in (getattr(dataset, "column_names", None) or ()):
        raise ArgumentError(
            f"`train_dataset` has a column {INDEX!r} already; rename or remove it: the number of "
            "each sample travels under this name."
        )


def labels_of(dataset: Any) -> NDArray[np.int64]:
    """The label of each sample, (N,).

    Of a data set of the ``datasets`` package only the column of labels is read; of any other each
    sample is fetched once.

    Raises:
        ArgumentError: If there are none, or they are no whole numbers.
    """
    if _has_columns(dataset):
        name = next((name for name in _LABELS if name in dataset.column_names), None)
        values = None if name is None else list(_plain(dataset, [name])[name])
        known = ", ".join(dataset.column_names)
    else:
        first = dataset[0]
        name = next(
            (name for name in _LABELS if isinstance(first, Mapping) and name in first), None
        )
        values = None if name is None else [dataset[i][name] for i in range(len(dataset))]
        known = ", ".join(map(str, first)) if isinstance(first, Mapping) else type(first).__name__
    if values is None:
        raise ArgumentError(
            f"`train_dataset` has no labels; expected a column {', '.join(_LABELS[:-1])} or "
            f"{_LABELS[-1]}, and it has {known}."
        )
    labels = _as_array([value.item() if hasattr(value, "item") else value for value in values])
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ArgumentError(
            f"The column {name!r} of `train_dataset` holds {_kind_of(labels)}; expected one whole "
            "number per sample, the number of its class. Several labels per sample, and "
            "regression, are not supported."
        )
    return labels.astype(np.int64)


def class_names_of(model: Any, dataset: Any, labels: NDArray[np.int64]) -> tuple[str, ...]:
    """The names of the classes: those of the model's configuration, else those of the data set."""
    config = getattr(model, "config", None)
    names = getattr(config, "id2label", None) or {}
    of_model = tuple(str(names[number]) for number in sorted(names))
    if of_model and not all(name.startswith(_UNNAMED) for name in of_model):
        return of_model
    features = getattr(dataset, "features", None) or {}
    for column in _LABELS:
        of_data = tuple(getattr(features.get(column), "names", None) or ())
        if of_data and len(of_data) >= len(of_model):
            return of_data
    return of_model or tuple(str(number) for number in range(int(labels.max(initial=0)) + 1))


def samples_of(dataset: Any, decode: Callable[[Sequence[Any]], list[str]] | None) -> Any:
    """What is shown of the samples: texts, a table of several columns of texts, or images.

    Args:
        dataset: The training set.
        decode: Makes texts of token numbers, where no column holds the texts any more.

    Returns:
        A table of N rows, a list of N texts, the data set's column of images, or None where nothing
        can be shown.
    """
    if not _has_columns(dataset):
        return None
    features = dataset.features
    texts = [name for name in features if _is_text(features[name]) and name not in _LABELS]
    if texts:
        columns = _plain(dataset, texts)
        return pl.DataFrame({name: list(columns[name]) for name in texts})
    images = [name for name in features if type(features[name]).__name__ == "Image"]
    if images:
        return _plain(dataset, images[:1])
    if decode is not None and "input_ids" in features:
        return decode(list(_plain(dataset, ["input_ids"])["input_ids"]))
    return None


def _has_columns(dataset: object) -> bool:
    """Whether it is one of the ``datasets`` package, which is imported by then."""
    package = sys.modules.get("datasets")
    return package is not None and isinstance(dataset, package.Dataset)


def _plain(dataset: Any, columns: list[str]) -> Any:
    """The columns as they are stored, without a format or a transform."""
    return dataset.with_format(None).select_columns(columns)


def _is_text(feature: Any) -> bool:
    return getattr(feature, "dtype", None) in ("string", "large_string", "string_view")


def _as_array(values: list[Any]) -> NDArray[Any]:
    """The values, (N,) objects where they are lists of several lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.array([*values, None], dtype=object)[:-1]


def _kind_of(values: NDArray[Any]) -> str:
    if values.ndim != 1:
        return f"values of shape {values.shape[1:]}"
    kinds = {"f": "fractions", "U": "texts", "b": "truth values", "O": "lists, or missing values"}
    return kinds.get(values.dtype.kind, f"values of type {values.dtype}")
