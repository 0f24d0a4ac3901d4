"""Labels as people have them: numbers or names of classes, in a list, an array or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_CLASSES = 1_000_000


def numbered_labels(
    labels: Any, class_names: Sequence[str] | None, argument: str = "labels"
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class numbers of labels, and the names of the classes.

    Args:
        labels: Class numbers 0 ... C-1 or names of classes, (n,): a list, an array, a tensor or a
            series.
        class_names: Names of class 0, 1, ...; None for the numbers themselves, or for the names
            among the labels in alphabetical order.
        argument: What the labels are called in messages.

    Raises:
        ArgumentError: If one is missing or names no class, or there are fewer than two classes.

    Example:
        >>> numbered_labels(["dog", "cat", "dog"], None)
        (array([1, 0, 1]), ('cat', 'dog'))
        >>> numbered_labels(torch.tensor([2, 0]), None)[1]
        ('0', '1', '2')
    """
    values = _array(labels, argument)
    names = None if class_names is None else tuple(map(str, class_names))
    if names is not None and len(set(names)) < len(names):
        raise ArgumentError("`class_names` has a name twice; expected each once.")
    if values.dtype.kind in "US":
        numbers, names = _of_names(values, names, argument)
    elif values.dtype.kind in "iub":
        numbers, names = _of_numbers(values.astype(np.int64), names, argument)
    else:
        raise ArgumentError(
            f"`{argument}` has values of {values.dtype}; expected class numbers (integers) or "
            "names of classes (text), one per sample, and none missing."
        )
    if len(names) < 2:
        raise ArgumentError(
            f"`{argument}` has a single class, {names[0]!r}; expected two or more, since a label "
            "is judged against the others."
        )
    return numbers, names


def _array(labels: Any, argument: str) -> NDArray[Any]:
    if isinstance(labels, torch.Tensor):
        labels = labels.detach().cpu().numpy()
    values = np.asarray(labels if hasattr(labels, "__array__") else list(labels))
    if values.ndim != 1 or not len(values):
        raise ArgumentError(
            f"`{argument}` has shape {values.shape}; expected (samples,), a label per sample."
        )
    if values.dtype.kind == "O" or values.dtype.kind == "T":
        are_texts = [isinstance(value, str) for value in values]
        if not all(are_texts):
            place = are_texts.index(False)
            raise ArgumentError(
                f"`{argument}` has {values[place]!r} for sample {place}; expected class numbers "
                "(integers) or names of classes (text), one per sample, and none missing."
            )
        values = values.astype(str)
    return values


def _of_names(
    values: NDArray[Any], names: tuple[str, ...] | None, argument: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    found, numbers = np.unique(values.astype(str), return_inverse=True)
    if names is None:
        return numbers.astype(np.int64), tuple(found.tolist())
    number = {name: place for place, name in enumerate(names)}
    unknown = [name for name in found.tolist() if name not in number]
    if unknown:
        raise ArgumentError(
            f"`{argument}` has {unknown[0]!r}; expected a name in `class_names`: "
            f"{', '.join(names[:10])}{', ...' if len(names) > 10 else ''}."
        )
    return np.array([number[name] for name in found.tolist()], dtype=np.int64)[numbers], names


def _of_numbers(
    values: NDArray[np.int64], names: tuple[str, ...] | None, argument: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    count = max(int(values.max()) + 1, 1) if names is None else len(names)
    if names is None and count > _MOST_CLASSES:
        raise ArgumentError(
            f"`{argument}` has {count - 1}; expected class numbers from 0, and no more classes "
            f"than {_MOST_CLASSES:,}. Are these labels?"
        )
    outside = np.flatnonzero((values < 0) | (values >= count))
    if len(outside):
        place = int(outside[0])
        why = "" if names is None else f", since `class_names` has {count}"
        raise ArgumentError(
            f"`{argument}` has {values[place]} for sample {place}; expected 0 ... {count - 1}{why}."
        )
    return values, names or tuple(map(str, range(count)))
