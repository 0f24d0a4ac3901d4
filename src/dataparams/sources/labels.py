"""Turning a table's column of labels into class numbers, and finding rows without a label."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from dataparams.errors import DataError
from dataparams.sources.arrow_types import (
    arrow_array,
    describe_type,
    is_bytes,
    is_text,
    numpy_array,
    plain_values,
)
from dataparams.sources.label_shapes import why_no_classes, why_too_many
from dataparams.sources.source import LeftOut
from dataparams.sources.table_ids import row_ids
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

_SHOWN = 10
_NO_LABEL = "no label"
_EMPTY_LABEL = "empty label"


class TableLabels(NamedTuple):
    """The labeled rows of the splits of a table.

    Attributes:
        class_names: Name of class 0, 1, ...
        labels: Class of each labeled row by split, (n,) each, int64; splits without any are not
            among them.
        rows: Which rows of the split these are, (n,) each, ascending.
        left_out: Rows that have no label, and splits that have none.
        notes: What may be meant otherwise.
    """

    class_names: tuple[str, ...]
    labels: dict[str, Tensor]
    rows: dict[str, NDArray[np.int64]]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def plain_labels(column: Any) -> Any:
    """Bring a column into the form in which its values are compared as labels.

    Args:
        column: An Arrow chunked array of any type.

    Returns:
        The same as an array of large strings, 64-bit integers, booleans, or nulls, in which a NaN
        is null; or, in words that go on after "it holds", why these can be no labels.

    Example:
        >>> plain_labels(pa.chunked_array([[1.0, 2.0, None]])).to_pylist()
        [1, 2, None]
        >>> plain_labels(pa.chunked_array([[0.5, 2.0]]))
        'numbers that are not whole, such as 0.5, to be predicted (regression)'
    """
    column = plain_values(column)
    kind = column.type
    try:
        if is_text(kind) or is_bytes(kind):
            return column.cast(pa.large_string())
        if pa.types.is_integer(kind):
            return column.cast(pa.int64())
        if pa.types.is_boolean(kind) or pa.types.is_null(kind):
            return column
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _whole_numbers(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        return f"values that are no labels ({kind})"
    return describe_type(kind)


def _whole_numbers(column: Any) -> Any:
    numbers = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    is_whole = pc.fill_null(
        pc.and_(pc.is_finite(numbers), pc.equal(pc.floor(numbers), numbers)), True
    )
    if not pc.all(is_whole).as_py() and len(numbers):
        odd = numbers.filter(pc.invert(is_whole))[0].as_py()
        return f"numbers that are not whole, such as {odd:g}, to be predicted (regression)"
    return numbers.cast(pa.int64())


def number_labels(
    splits: Mapping[str, Any],
    *,
    column: str,
    declared: Sequence[str] | None = None,
    names: Mapping[int, str] | None = None,
) -> TableLabels:
    """Turn labels into class numbers, and set aside what has none.

    Args:
        splits: Arrow chunked arrays of the labels by name of the split, the training split first.
        column: The column's name, for messages.
        declared: Names of class 0, 1, ... where the data set declares them. None takes the
            distinct labels, sorted, as the classes.
        names: What the numbers are called, where another column says so.

    Raises:
        DataError: If the values can be no labels, more than half of a split has none, or there are
            fewer than two classes.

    Example:
        >>> found = number_labels({"train": pa.chunked_array([["dog", "", "cat"]])}, column="label")
        >>> found.class_names, found.labels["train"].tolist(), found.left_out[0].reason
        (('cat', 'dog'), [1, 0], 'empty label')
    """
    plain = {
        split: _require_plain(values, column, is_declared=declared is not None)
        for split, values in splits.items()
    }
    _require_one_kind(plain, column)
    signs = _has_signs(next(iter(plain.values()))) and declared is None
    labeled: dict[str, Any] = {}
    rows: dict[str, NDArray[np.int64]] = {}
    left_out: list[LeftOut] = []
    for split, values in plain.items():
        missing = _find_missing(values, signs=signs)
        is_missing = np.logical_or.reduce([np.zeros(len(values), dtype=bool), *missing.values()])
        if is_missing.all() and labeled:
            left_out.append(_unlabeled_split(split, len(values)))
            continue
        _require_most_labeled(split, is_missing, values, column)
        left_out += [_left_out_rows(split, reason, where) for reason, where in missing.items()]
        rows[split] = np.flatnonzero(~is_missing)
        labeled[split] = values.filter(arrow_array(~is_missing))
    _require_no_negative(labeled, rows, column, signs=signs)
    classes, class_names = _classes(list(labeled.values()), declared, names)
    _require_two(class_names, labeled, column)
    labels = {
        split: _look_up(split, values, rows[split], classes, column)
        for split, values in labeled.items()
    }
    return TableLabels(
        class_names,
        labels,
        rows,
        tuple(left_out),
        tuple(_names_alike(class_names, labels)),
    )


def _require_plain(values: Any, column: str, *, is_declared: bool) -> Any:
    plain = plain_labels(values)
    found = why_no_classes(values) or (plain if isinstance(plain, str) else None)
    if found is None and not is_declared:
        found = why_too_many(plain)
    if found is not None:
        raise DataError(
            f"The column {column!r} cannot be the labels: it holds {found}. Expected one class for "
            "each sample, as text, whole numbers, or true and false; give `label_column=NAME` to "
            "take another."
        )
    return plain


def _require_one_kind(splits: Mapping[str, Any], column: str) -> None:
    kinds = {
        split: describe_type(values.type)
        for split, values in splits.items()
        if not pa.types.is_null(values.type)
    }
    if len(set(kinds.values())) > 1:
        found = ", ".join(f"{kind} in {split!r}" for split, kind in kinds.items())
        raise DataError(f"The column {column!r} holds {found}; expected the same in both splits.")


def _has_signs(values: Any) -> bool:
    """Whether the classes are -1 and 1, so that -1 does not stand for a sample without a label."""
    if not pa.types.is_integer(values.type):
        return False
    return set(pc.unique(values).drop_null().to_pylist()) == {-1, 1}


def _find_missing(values: Any, *, signs: bool) -> dict[str, NDArray[np.bool_]]:
    """Where there is no label, by reason."""
    missing = {_NO_LABEL: _as_mask(pc.is_null(values))}
    if pa.types.is_large_string(values.type):
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(values)), 0)
        missing[_EMPTY_LABEL] = _as_mask(blank)
    if pa.types.is_integer(values.type) and not signs:
        missing[f"{_NO_LABEL} (-1)"] = _as_mask(pc.equal(values, -1))
    return {reason: where for reason, where in missing.items() if where.any()}


def _as_mask(values: Any) -> NDArray[np.bool_]:
    return np.asarray(numpy_array(pc.fill_null(values, False)), dtype=bool)


def _unlabeled_split(split: str, count: int) -> LeftOut:
    if not count:
        return LeftOut(f"the split {split!r}, which has no rows", (), 0)
    return LeftOut(f"the split {split!r}, which has no labels", (split,), count)


def _left_out_rows(split: str, reason: str, where: NDArray[np.bool_]) -> LeftOut:
    return LeftOut(reason, TextColumn(row_ids(split, np.flatnonzero(where))), int(where.sum()))


def _require_most_labeled(
    split: str, is_missing: NDArray[np.bool_], values: Any, column: str
) -> None:
    if not len(values):
        raise DataError(f"The split {split!r} has no rows.")
    if is_missing.all():
        raise DataError(
            f"None of the {len(values)} rows of the split {split!r} has a label in the column "
            f"{column!r}: it may be a test split whose labels are kept back. Leave it out, or give "
            "`label_column=NAME`."
        )
    if 2 * is_missing.sum() > len(values):
        first = int(is_missing.argmax())
        raise DataError(
            f"{int(is_missing.sum())} of {len(values)} rows of the split {split!r} have no label "
            f"in the column {column!r} (the first is {split}/{first}: {values[first].as_py()!r}); "
            "expected one for most of them. Label them, or give `label_column=NAME`."
        )


def _require_no_negative(
    labeled: Mapping[str, Any], rows: Mapping[str, NDArray[np.int64]], column: str, *, signs: bool
) -> None:
    for split, values in labeled.items():
        if signs or not pa.types.is_integer(values.type):
            continue
        is_negative = _as_mask(pc.less(values, 0))
        if is_negative.any():
            place = int(is_negative.argmax())
            raise DataError(
                f"The label of {split}/{rows[split][place]} in the column {column!r} is "
                f"{values[place].as_py()}; expected a class number, 0 or above."
            )


def _classes(
    columns: Sequence[Any], declared: Sequence[str] | None, names: Mapping[int, str] | None
) -> tuple[Any, tuple[str, ...]]:
    """The values that are the classes, in order, as an Arrow array; and their names."""
    kind = next((c.type for c in columns if not pa.types.is_null(c.type)), pa.null())
    if declared is not None and pa.types.is_integer(kind):
        return arrow_array(range(len(declared)), pa.int64()), tuple(declared)
    if declared is not None and pa.types.is_large_string(kind):
        return arrow_array(list(declared), pa.large_string()), tuple(declared)
    found = {value for column in columns for value in pc.unique(column).to_pylist()}
    values = sorted(found)
    if pa.types.is_boolean(kind):
        return arrow_array(values, kind), tuple(str(value).lower() for value in values)
    named = names or {}
    return arrow_array(values, kind), tuple(named.get(value, str(value)) for value in values)


def _require_two(class_names: Sequence[str], labeled: Mapping[str, Any], column: str) -> None:
    if len(class_names) < 2:
        count = sum(map(len, labeled.values()))
        found = ", ".join(map(repr, class_names))
        raise DataError(
            f"The column {column!r} holds only 1 class ({found} in all {count} rows); expected at "
            "least 2. Give `label_column=NAME` where another column holds the labels."
        )


def _look_up(split: str, values: Any, rows: NDArray[np.int64], classes: Any, column: str) -> Tensor:
    found = pc.index_in(values, value_set=classes)
    if found.null_count:
        place = int(_as_mask(pc.is_null(found)).argmax())
        expected = "one of them" if pa.types.is_large_string(classes.type) else "0 ... "
        if expected != "one of them":
            expected += str(len(classes) - 1)
        raise DataError(
            f"The label of {split}/{rows[place]} in the column {column!r} is "
            f"{values[place].as_py()!r}; the data set declares {len(classes)} classes, so expected "
            f"{expected}."
        )
    return torch.from_numpy(np.array(numpy_array(found), dtype=np.int64))


def _names_alike(names: Sequence[str], labels: Mapping[str, Tensor]) -> list[str]:
    """Sentences on classes whose names differ in case, spaces or punctuation alone."""
    counts = torch.bincount(torch.cat(list(labels.values())), minlength=len(names)).tolist()
    alike: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        alike.setdefault(plain, []).append(number)
    groups = [numbers for numbers in alike.values() if len(numbers) > 1]
    notes = [
        "Classes whose names differ only in case or spaces are kept apart: "
        f"{_join([f'{names[number]!r} ({counts[number]})' for number in numbers])}."
        for numbers in groups[:_SHOWN]
    ]
    if len(groups) > _SHOWN:
        notes.append(f"So do the names of {len(groups) - _SHOWN} more groups of classes.")
    return notes


def _join(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
