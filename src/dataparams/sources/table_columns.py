"""The columns of a table before any content is read, and questions about them."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.errors import DataError
from dataparams.sources.arrow_types import (
    describe_type,
    distinct_values,
    holds_pictures,
    is_counted,
    plain_values,
)
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SHOWN = 20
_MOST_COUNTED = 100_000


class TableColumns(NamedTuple):
    """A table's columns, described before any image is read.

    Attributes:
        schema: Names and Arrow types.
        read: Reads all values of a column, of the splits that are used one after the other, as an
            Arrow chunked array; it is called for no column of images.
        declared: Names of the classes by the columns that declare them.
        index_columns: Columns that were the index of a table of pandas.
    """

    schema: Any
    read: Callable[[str], Any]
    declared: Mapping[str, tuple[str, ...]]
    index_columns: frozenset[str] = frozenset()

    def type_of(self, name: str) -> Any:
        """The Arrow type of a column."""
        return self.schema.field(name).type

    def is_once(self, name: str) -> bool:
        """Whether there is one column of this name, and not several."""
        return bool(self.schema.names.count(name) == 1)


def declared_classes(features: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Find the columns that declare classes, in the description that Hugging Face writes.

    Example:
        >>> declared_classes({"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}})
        {'label': ('cat', 'dog')}
    """
    names = {
        column: feature.get("names")
        for column, feature in features.items()
        if isinstance(feature, dict)
    }
    return {
        column: tuple(map(str, known))
        for column, known in names.items()
        if isinstance(known, list) and known
    }


def index_columns(schema: Any) -> frozenset[str]:
    """Find the columns that were the index of a table of pandas, by the schema's metadata."""
    try:
        known = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, TypeError, ValueError):
        return frozenset()
    return frozenset(name for name in known if isinstance(name, str))


# --- names ---------------------------------------------------------------------------------------


def plain_name(name: str) -> str:
    """A column's name without case and separators.

    Example:
        >>> plain_name(" Class-Name_")
        'classname'
    """
    return re.sub(r"[\W_]+", "", name.lower())


def first_named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column with the best of some plain names."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(plain_name(column), column)
    return next((by_name[name] for name in names if name in by_name), None)


def require_column(table: TableColumns, name: str, argument: str) -> str:
    """Find a column that the user names.

    Raises:
        DataError: If there is none, or several.
    """
    columns = table.schema.names
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
        by_plain = first_named(columns, (plain_name(name),))
        nearest = by_plain or (near[0] if near else None)
        hint = "" if nearest is None else f" Did you mean {nearest!r}?"
        more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
        raise DataError(
            f"`{argument}` is {name!r}, and there is no such column.{hint} The columns are: "
            f"{', '.join(columns[:_SHOWN])}{more}."
        )
    return require_once(table, name)


def require_once(table: TableColumns, name: str) -> str:
    """Check that there are not several columns of a name; gives the name.

    Raises:
        DataError: If there are.
    """
    count = table.schema.names.count(name)
    if count > 1:
        raise DataError(f"The table has {count} columns called {name!r}; expected one. Rename one.")
    return name


def list_names(names: Sequence[str]) -> str:
    """Names of columns, for a message.

    Example:
        >>> list_names(["carat", "cut"])
        "'carat', 'cut'"
    """
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


# --- what is asked -------------------------------------------------------------------------------


def question(
    purpose: str,
    argument: str,
    possible: Sequence[str],
    table: TableColumns,
    uncounted: set[str],
    *,
    is_exact: bool = False,
) -> str:
    """The error message that asks for a column and lists them.

    Args:
        purpose: What is sought, such as ``labels``.
        argument: Which argument says it.
        possible: The columns that may be it.
        table: All columns.
        uncounted: Columns whose values are not read for it.
        is_exact: Whether a single column is in doubt as well.
    """
    if not possible:
        found = f"no column has values that can be {purpose}"
    elif len(possible) == 1 and is_exact:
        found = f"{possible[0]!r} could be it, and could be something else"
    else:
        found = f"{list_names(possible)} could all be it"
    return (
        f"Which column holds the {purpose}? It is not clear: {found}. Give `{argument}=NAME`. "
        f"The columns are: {describe_columns(table, uncounted)}."
    )


def describe_columns(table: TableColumns, uncounted: set[str]) -> str:
    """The columns with their types and numbers of values, for a message.

    Args:
        table: The columns.
        uncounted: Those whose values are not read for it.
    """
    described = [
        _describe(table, place, name, with_count=name not in uncounted)
        for place, name in enumerate(table.schema.names[:_SHOWN])
    ]
    more = len(table.schema.names) - _SHOWN
    if more > 0:
        described.append(f"and {more} more")
    return ", ".join(described)


def _describe(table: TableColumns, place: int, name: str, *, with_count: bool) -> str:
    kind = table.schema.field(place).type
    words = "images" if holds_pictures(kind) else describe_type(kind)
    if with_count and is_counted(kind) and table.is_once(name):
        values = distinct_values(plain_values(table.read(name)), _MOST_COUNTED + 1).drop_null()
        more = "more than " if len(values) > _MOST_COUNTED else ""
        words += f", {more}{counted(min(len(values), _MOST_COUNTED), 'value')}"
    return f"{name} ({words})"
