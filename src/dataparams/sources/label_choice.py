"""Choosing the column of a table that holds the labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.errors import DataError
from dataparams.sources.arrow_types import distinct_values, is_counted, numpy_array
from dataparams.sources.labels import plain_labels
from dataparams.sources.split_names import split_word
from dataparams.sources.table_columns import (
    first_named,
    plain_name,
    question,
    require_column,
    require_once,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dataparams.sources.table_columns import TableColumns

LABEL_NAMES = ("label", "labels", "class", "category", "target", "y")
"""What a column of labels is called, the surest first; also in a file of labels."""
_OTHER_LABEL_NAMES = (
    "fine_label", "class_name", "class_label", "label_name", "fine_labels", "digit", "cls",
    "classes", "categories", "targets", "category_name", "target_name", "label_text",
    "label_id", "class_id", "category_id", "target_id", "coarse_label", "coarse_labels",
)  # fmt: skip
_PLAIN_LABELS = tuple(map(plain_name, (*LABEL_NAMES, *_OTHER_LABEL_NAMES)))
_INDEX_NAMES = frozenset({"index", "id", "unnamed0", "indexlevel0", "idx", "rowid", "uuid", "guid"})
_SPLIT_NAMES = frozenset({"split", "subset", "partition", "set", "fold"})
_MOST_CLASSES = 1000


class ChosenLabel(NamedTuple):
    """The column of the labels.

    Attributes:
        column: Its name.
        class_names: What its numbers are called, where another column says so.
        notes: Which columns might have been meant instead; sentences.
    """

    column: str
    class_names: Mapping[int, str] | None
    notes: tuple[str, ...]


def choose_label(table: TableColumns, taken: Collection[str], given: str | None) -> ChosenLabel:
    """Choose the column of the labels.

    Args:
        table: The columns.
        taken: Columns that hold what is labeled.
        given: The one that the user names; None to find it.

    Raises:
        DataError: If it is not clear which is meant, or the one that was named is not there.
    """
    label, notes = _choose(table, taken, given)
    named = _related(table, taken, label)
    passed_over = [] if given is not None else _passed_over(table, label, named)
    return ChosenLabel(label, _names_of_numbers(table, label, named), (*notes, *passed_over))


def _choose(
    table: TableColumns, taken: Collection[str], given: str | None
) -> tuple[str, list[str]]:
    if given is not None:
        return require_column(table, given, "label_column"), []
    rest = [name for name in table.schema.names if name not in taken]
    possible = [n for n in rest if n not in table.index_columns and not _is_coordinate(table, n)]
    chosen = first_named(possible, _PLAIN_LABELS)
    if chosen is not None:
        return require_once(table, chosen), []
    profiles = {name: _profile(table, name) for name in dict.fromkeys(rest)}
    possible = [name for name, profile in profiles.items() if profile.may_be_labels]
    if len(possible) != 1 or is_of_ids(possible[0]):
        raise DataError(
            question("labels", "label_column", possible, table, set(taken), is_exact=True)
        )
    splits = [name for name, profile in profiles.items() if profile.tells_splits]
    return require_once(table, possible[0]), list(map(split_note, splits))


def _is_coordinate(table: TableColumns, name: str) -> bool:
    """Whether a column called y holds measures, beside an x."""
    if plain_name(name) != "y" or not table.is_once(name):
        return False
    kind = table.type_of(name)
    return is_counted(kind) and isinstance(plain_labels(table.read(name)), str)


class _Profile(NamedTuple):
    """Properties of a column's values."""

    may_be_labels: bool
    tells_splits: bool


def _profile(table: TableColumns, name: str) -> _Profile:
    kind = table.type_of(name) if table.is_once(name) else pa.null()
    if is_index(table, name) or not is_counted(kind):
        return _Profile(may_be_labels=False, tells_splits=False)
    values = plain_labels(table.read(name))
    if isinstance(values, str):
        return _Profile(may_be_labels=False, tells_splits=False)
    distinct = distinct_values(values, _MOST_CLASSES + 1).drop_null()
    splits = tells_splits(name, distinct)
    is_few = 2 <= len(distinct) <= min(_MOST_CLASSES, max(2, len(values) // 2))
    may_be = (is_few or name in table.declared) and not splits and not counts_rows(values)
    return _Profile(may_be, splits)


def split_note(name: str) -> str:
    """A sentence on a column that says which split each row is of."""
    return (
        f"The column {name!r} tells of splits, and is not looked at; give each split a file of its "
        "own, such as train.parquet and val.parquet."
    )


def may_tell_splits(name: str) -> bool:
    """Whether a column is called as one that says which split each row is of.

    Example:
        >>> may_tell_splits("Split"), may_tell_splits("image")
        (True, False)
    """
    return plain_name(name) in _SPLIT_NAMES


def tells_splits(name: str, distinct: Any) -> bool:
    """Whether a column says which split each row is of.

    Args:
        name: Its name.
        distinct: Its values, as an Arrow array.
    """
    if not may_tell_splits(name) or not pa.types.is_large_string(distinct.type):
        return False
    return all(split_word(value) for value in distinct.to_pylist())


def is_index(table: TableColumns, name: str) -> bool:
    """Whether a column is, by its name, a number or a name of each row."""
    return name in table.index_columns or plain_name(name) in _INDEX_NAMES


def counts_rows(values: Any) -> bool:
    """Whether the values are the rows' numbers."""
    if not pa.types.is_integer(values.type) or values.null_count or len(values) < 2:
        return False
    numbers = numpy_array(values)
    return bool((np.diff(numbers) == 1).all())


def is_of_ids(name: str) -> bool:
    """Whether a name says that its values are numbers of something else.

    Example:
        >>> is_of_ids("patient_id"), is_of_ids("patientId"), is_of_ids("humid")
        (True, True, False)
    """
    return re.search(r"(?:[\W_]id|Id|ID)$", name) is not None


# --- several columns of labels -------------------------------------------------------------------


def may_name_labels(name: str) -> bool:
    """Whether a column is called as columns of labels are."""
    return plain_name(name) in _PLAIN_LABELS


def _related(table: TableColumns, taken: Collection[str], label: str) -> dict[str, Any]:
    """The other columns with usual names of labels, in the form in which they are compared."""
    names = [
        name
        for name in dict.fromkeys(table.schema.names)
        if name not in (*taken, label, *table.index_columns)
        and may_name_labels(name)
        and table.is_once(name)
        and is_counted(table.type_of(name))
    ]
    plain = {name: plain_labels(table.read(name)) for name in names}
    return {name: values for name, values in plain.items() if not isinstance(values, str)}


def columns_like(table: TableColumns, taken: Collection[str], label: str) -> tuple[str, ...]:
    """The columns that name the same classes as the labels, each class by one value.

    Args:
        table: The columns.
        taken: Columns that hold what is labeled.
        label: The column of the labels.

    Example:
        >>> from dataparams.sources.table_columns import TableColumns
        >>> columns = {"label": [0, 1, 0], "name": ["cat", "dog", "cat"], "size": [3, 3, 4]}
        >>> every = pa.table(columns)
        >>> table = TableColumns(every.schema, lambda name: every[name], {})
        >>> columns_like(table, (), "label")
        ('name',)
    """
    labels = plain_labels(table.read(label))
    if isinstance(labels, str) or len(pc.unique(labels)) == len(labels):
        return ()
    names = [
        name
        for name in dict.fromkeys(table.schema.names)
        if name not in (*taken, label, *table.index_columns)
        and table.is_once(name)
        and is_counted(table.type_of(name))
    ]
    plain = {name: plain_labels(table.read(name)) for name in names}
    return tuple(
        name
        for name, values in plain.items()
        if not isinstance(values, str) and pairs_of(labels, values) is not None
    )


def _passed_over(table: TableColumns, label: str, others: Mapping[str, Any]) -> list[str]:
    """Say which columns of labels were not taken, unless they name the same classes."""
    if not others:
        return []
    taken = plain_labels(table.read(label))
    return [
        f"The labels are those of the column {label!r}; {name!r} "
        f"({len(pc.unique(values).drop_null())} values) was passed over. Give "
        f"`label_column={name}` to take it."
        for name, values in others.items()
        if isinstance(taken, str) or pairs_of(taken, values) is None
    ]


def _names_of_numbers(
    table: TableColumns, label: str, others: Mapping[str, Any]
) -> dict[int, str] | None:
    """The names of the classes that are numbers, from a column that names the same classes."""
    texts = [values for values in others.values() if pa.types.is_large_string(values.type)]
    if not texts or label in table.declared:
        return None
    taken = plain_labels(table.read(label))
    if isinstance(taken, str) or not pa.types.is_integer(taken.type):
        return None
    return next((pairs for pairs in (pairs_of(taken, text) for text in texts) if pairs), None)


def pairs_of(first: Any, second: Any) -> dict[Any, Any] | None:
    """The pairs of values of two columns; None unless each value has one partner.

    Args:
        first: An Arrow chunked array.
        second: Another, as long.

    Example:
        >>> pairs_of(pa.chunked_array([[0, 1, 0]]), pa.chunked_array([["cat", "dog", "cat"]]))
        {0: 'cat', 1: 'dog'}
        >>> pairs_of(pa.chunked_array([[0, 1]]), pa.chunked_array([["cat", "cat"]]))
    """
    both = pa.table({"first": first, "second": second}).drop_null()
    pairs = both.group_by(["first", "second"]).aggregate([])
    found = dict(zip(pairs["first"].to_pylist(), pairs["second"].to_pylist(), strict=True))
    is_one_to_one = len(found) == len(pairs) == len(set(found.values()))
    is_complete = len(found) == len(pc.unique(first).drop_null())
    return found if found and is_one_to_one and is_complete else None
