"""Reading a table of labeled images: which columns, and what the labels mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.batches.decoding import SplitRows
from dataparams.errors import DataError
from dataparams.sources.splits import split_by_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

IMAGE_COLUMNS = ("image", "img", "images", "picture", "photo", "jpg", "png", "bytes", "content")
PATH_COLUMNS = ("image_path", "file_name", "filename", "file", "path", "filepath")
LABEL_COLUMNS = (
    "label", "labels", "fine_label", "class", "target", "category", "class_name", "class_label",
    "label_name", "fine_labels", "digit", "cls", "y",
)  # fmt: skip
_VALIDATION_SPLITS = ("val", "valid", "validation", "dev", "test", "testing")
_TRAINING_SPLITS = ("train", "training")
_SPLIT_WORD = re.compile(
    r"(?:^|[^a-z])(training|train|validation|valid|val|dev|testing|test)(?=[^a-z]|set|$)"
)


def choose_column(
    purpose: str, preferred: Sequence[str], candidates: Sequence[str], columns: Sequence[str]
) -> str:
    """Choose a column by its name, or because it is the only one of its type.

    Args:
        purpose: What the column is to hold, for the message.
        preferred: Usual names, the best first.
        candidates: Columns whose type is right.
        columns: All columns, for the message.

    Returns:
        The column's name.

    Raises:
        DataError: If no column fits, or several do and none has a usual name.

    Example:
        >>> choose_column("labels", LABEL_COLUMNS, ["age", "label"], ["age", "label", "img"])
        'label'
    """
    for name in preferred:
        for candidate in candidates:
            if candidate.lower() == name:
                return candidate
    if len(candidates) == 1:
        return candidates[0]
    found = f"{', '.join(candidates)} could all be it" if candidates else "no column can be it"
    raise DataError(
        f"Which column holds the {purpose}? {found[0].upper()}{found[1:]} (columns: "
        f"{', '.join(columns)}). Name it {' or '.join(map(repr, preferred[:3]))}."
    )


def split_word(name: str) -> str | None:
    """Find the split that a file's or folder's name tells of.

    Args:
        name: Such as ``train-00000-of-00002``.

    Returns:
        The word as it is written there in lower case, or None.

    Example:
        >>> split_word("train-00000-of-00002"), split_word("my_Validation"), split_word("values")
        ('train', 'validation', None)
    """
    match = _SPLIT_WORD.search(name.lower())
    return match.group(1) if match else None


def choose_splits(names: Sequence[str]) -> tuple[str | None, str | None]:
    """Choose the training and the validation split among the names of splits.

    Args:
        names: Names as they are written, in any case.

    Returns:
        The two names, each None where there is none; validation goes before test.

    Example:
        >>> choose_splits(["test", "Train", "val"])
        ('Train', 'val')
    """
    by_name = {name.lower(): name for name in names}
    train = next((by_name[word] for word in _TRAINING_SPLITS if word in by_name), None)
    val = next((by_name[word] for word in _VALIDATION_SPLITS if word in by_name), None)
    return train, val


def encode_labels(
    splits: Mapping[str, pl.Series], class_names: Sequence[str] | None
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Turn a column of labels per split into class numbers.

    Args:
        splits: Labels by name of the split, integers or strings.
        class_names: Names of class 0, 1, ... where the data set declares them. None takes the
            distinct labels, sorted, as the classes.

    Returns:
        Class numbers by name of the split, each (n,), int64; and the names of the classes.

    Raises:
        DataError: If a label is missing, negative or not one of the classes, with its row; or if
            there are fewer than two classes.

    Example:
        >>> import polars as pl
        >>> encode_labels({"train": pl.Series(["dog", "cat", "dog"])}, None)
        ({'train': tensor([1, 0, 1])}, ('cat', 'dog'))
    """
    import polars as pl

    for split, labels in splits.items():
        _require_labels(split, labels)
    is_numbers = all(labels.dtype.is_integer() for labels in splits.values())
    if class_names is not None and is_numbers:
        encoded = {
            split: _require_range(split, labels, len(class_names))
            for split, labels in splits.items()
        }
        names = tuple(class_names)
    else:
        kind = pl.Int64 if is_numbers else pl.String
        columns = {split: labels.cast(kind) for split, labels in splits.items()}
        values = class_names or pl.concat(list(columns.values())).unique().sort().to_list()
        number = {value: position for position, value in enumerate(values)}
        encoded = {split: _look_up(split, labels, number) for split, labels in columns.items()}
        names = tuple(map(str, values))
    if len(names) < 2:
        raise DataError(
            f"The labels name only {len(names)} class ({', '.join(names)}); expected at least 2."
        )
    return encoded, names


def _look_up(split: str, labels: pl.Series, number: Mapping[object, int]) -> Tensor:
    found = [number.get(label, -1) for label in labels]
    if -1 in found:
        row = found.index(-1)
        raise DataError(
            f"The label of {split}/{row} is {labels[row]!r}, which is none of the "
            f"{len(number)} classes that the data set declares."
        )
    return torch.tensor(found, dtype=torch.int64)


def _require_labels(split: str, labels: pl.Series) -> None:
    if labels.null_count():
        raise DataError(
            f"The label of {split}/{labels.is_null().arg_max()} is missing (null), as are "
            f"{labels.null_count()} of {len(labels)} labels. Remove these rows, or label them."
        )
    if not labels.dtype.is_integer():
        return
    is_negative = labels < 0
    if is_negative.all() and (labels == -1).all() and len(labels):
        raise DataError(
            f"All {len(labels)} labels of the split {split!r} are -1: it is an unlabeled test "
            "split. Leave it out; a share of the training samples then serves for validation."
        )
    if is_negative.any():
        row = is_negative.arg_max()
        raise DataError(
            f"The label of {split}/{row} is {labels[row or 0]}; expected a class number, 0 or "
            "above. (-1 often stands for an unlabeled sample: remove it, or label it.)"
        )


def _require_range(split: str, labels: pl.Series, num_classes: int) -> Tensor:
    is_outside = labels >= num_classes
    if is_outside.any():
        row = is_outside.arg_max()
        raise DataError(
            f"The label of {split}/{row} is {labels[row or 0]}; expected 0 ... {num_classes - 1}, "
            f"since the data set declares {num_classes} classes."
        )
    return torch.tensor(labels.to_list(), dtype=torch.int64)


def arrange_splits(
    labels: Mapping[str, Tensor], *, val_frac: float, seed: int
) -> tuple[SplitRows, SplitRows]:
    """Arrange labeled rows as a training and a validation split.

    Args:
        labels: Class numbers by name of the split, in the order in which the rows are read: one
            entry is split by ``val_frac``, two are the training and the validation split.
        val_frac: Share of every class to set aside where there is one entry.
        seed: What that choice depends on.

    Returns:
        The two splits, with ids ``<name>/<row>``.

    Raises:
        DataError: If a split is empty.
    """
    require_rows(labels)
    if len(labels) == 1:
        ((name, classes),) = labels.items()
        first, second = split_by_class(classes, val_frac, seed=seed)
        return _rows(name, classes, first, first), _rows(name, classes, second, second)
    (train_name, train), (val_name, val) = labels.items()
    first, second = torch.arange(len(train)), torch.arange(len(val))
    return (
        _rows(train_name, train, first, first),
        _rows(val_name, val, second, second + len(train)),
    )


def require_rows(labels: Mapping[str, Tensor]) -> None:
    """Raise DataError if a split is empty.

    Args:
        labels: Class numbers by name of the split.
    """
    for split, classes in labels.items():
        if not len(classes):
            raise DataError(f"The split {split!r} has no rows.")


def _rows(name: str, classes: Tensor, numbers: Tensor, rows: Tensor) -> SplitRows:
    return SplitRows(
        tuple(f"{name}/{number}" for number in numbers.tolist()), classes[numbers], rows
    )
