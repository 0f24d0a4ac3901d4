"""Given labels as numbers of classes, and the classes' names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import ArgumentError
from dataparams.issues.given_arrays import as_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Labels of n samples.

    Attributes:
        numbers: (n,), 0 ... C - 1.
        class_names: Names of the C classes.
    """

    numbers: NDArray[np.int64]
    class_names: tuple[str, ...]


def label_values(labels: Any) -> NDArray[Any]:
    """Labels as an array of whole numbers or of texts, (n,).

    Raises:
        ArgumentError: If they are something else, some are missing, or there are fewer than two.

    Example:
        >>> label_values([1.0, 0.0]).tolist(), label_values(["cat", "dog"]).tolist()
        ([1, 0], ['cat', 'dog'])
    """
    if isinstance(labels, list | tuple) and any(isinstance(label, str) for label in labels):
        # NumPy would make a text of a label that is missing.
        labels = np.array(labels, dtype=object)
    values = as_array("labels", labels)
    if values.ndim == 2 and 1 in values.shape and values.size:
        values = values.ravel()
    if values.ndim != 1 or len(values) < 2:
        hint = ""
        if values.ndim == 2:
            hint = " Of one-hot labels give labels.argmax(axis=1); a sample has one class."
        raise ArgumentError(f"`labels` has shape {values.shape}; expected (samples,), two or more."
                            f"{hint}")  # fmt: skip
    if values.dtype.kind in "OT":
        return _of_objects(values)
    return values if values.dtype.kind == "U" else _whole_numbers(values)


def _whole_numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        _raise_missing(int(np.flatnonzero(~np.isfinite(values))[0]))
    is_whole = values.dtype.kind in "iub"
    if values.dtype.kind == "f":
        is_whole = bool((values == np.floor(values)).all())
    if not is_whole:
        raise ArgumentError(
            f"`labels` has dtype {values.dtype}; expected class numbers (integers) or names (text)."
        )
    return values.astype(np.int64)


def _of_objects(values: NDArray[Any]) -> NDArray[Any]:
    found = values.tolist()
    for row, value in enumerate(found):
        if value is None or (isinstance(value, float) and np.isnan(value)) or str(value) == "<NA>":
            _raise_missing(row)
        if not isinstance(value, str | int | np.integer):
            raise ArgumentError(
                f"`labels` has {value!r} in row {row}; expected class numbers or names, one for a "
                "sample."
            )
    if all(isinstance(value, str) for value in found):
        return np.array(found, dtype=np.str_)
    if any(isinstance(value, str) for value in found):
        raise ArgumentError("`labels` has numbers and texts; expected one of the two.")
    return np.array(found, dtype=np.int64)


def _raise_missing(row: int) -> None:
    raise ArgumentError(f"`labels` has no label in row {row}; leave out samples without one.")


def given_labels(
    values: NDArray[Any],
    class_names: Sequence[str] | None,
    num_columns: int | None,
    columns: Sequence[str] | None = None,
) -> GivenLabels:
    """Number the labels, and name the classes.

    Args:
        values: From :func:`label_values`.
        class_names: Names of the classes, as given, or None.
        num_columns: Number of columns of probabilities or logits; None where there are none.
        columns: Their names, where they are those of a table.

    Returns:
        The labels. Without ``class_names`` classes are in the order of the columns' names where
        these name all labels, else of their numbers, or alphabetical, as scikit-learn has them.

    Raises:
        ArgumentError: If a label is no class, there is one class, or columns do not fit.
    """
    is_text = values.dtype.kind == "U"
    names = _names(values, class_names, num_columns, columns)
    if len(set(names)) < len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise ArgumentError(f"`class_names` has {twice!r} twice; expected a name for each class.")
    if num_columns is not None and num_columns != len(names):
        raise ArgumentError(_why_columns(values, class_names, num_columns, names))
    if is_text:
        number = {name: k for k, name in enumerate(names)}
        unknown = next((word for word in values.tolist() if word not in number), None)
        if unknown is not None:
            raise ArgumentError(
                f"`labels` has {unknown!r}; expected the names in `class_names`: {_listed(names)}."
            )
        numbers = np.array([number[word] for word in values.tolist()], dtype=np.int64)
    else:
        numbers = values
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= len(names):
            raise ArgumentError(
                f"`labels` runs from {low} to {high}; expected 0 ... {len(names) - 1}, since there "
                f"are {len(names)} classes."
            )
    if len(names) < 2 or len(np.unique(numbers)) < 2:
        raise ArgumentError(
            f"All labels are {names[int(numbers[0])]!r}; expected labels of two or more classes, "
            "since a label is judged by whether another class fits better."
        )
    return GivenLabels(numbers, names)


def _names(
    values: NDArray[Any],
    class_names: Sequence[str] | None,
    num_columns: int | None,
    columns: Sequence[str] | None,
) -> tuple[str, ...]:
    if class_names is not None:
        if isinstance(class_names, str):
            raise ArgumentError(f"`class_names` is {class_names!r}; expected a list of names.")
        return tuple(map(str, class_names))
    if values.dtype.kind == "U":
        words = set(values.tolist())
        if columns is not None and words <= set(columns):
            return tuple(columns)
        return tuple(sorted(words))
    return tuple(map(str, range(num_columns or max(int(values.max()) + 1, 1))))


def _why_columns(
    values: NDArray[Any],
    class_names: Sequence[str] | None,
    num_columns: int,
    names: tuple[str, ...],
) -> str:
    if class_names is not None or values.dtype.kind != "U":
        return (
            f"`class_names` has {len(names)} names, but the predictions are of {num_columns} "
            "classes; expected a name for each column."
        )
    return (
        f"`labels` has {len(names)} names ({_listed(names)}), but the predictions are of "
        f"{num_columns} classes. Say with `class_names` which class each column is of, in their "
        "order; a class that no sample has is named as well."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
