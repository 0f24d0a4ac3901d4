"""Choosing the column of a table that holds the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from dataparams.errors import DataError
from dataparams.sources.arrow_types import describe_type, is_counted, is_text
from dataparams.sources.label_choice import is_index, is_of_ids, may_name_labels
from dataparams.sources.table_columns import (
    describe_columns,
    first_named,
    list_names,
    plain_name,
    require_column,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.sources.table_columns import TableColumns

TEXT_NAMES = (
    "text", "texts", "sentence", "utterance", "review", "review_text", "comment", "comment_text",
    "tweet", "message", "question", "query", "post", "body", "content", "document", "article",
    "passage", "prompt", "transcript", "abstract", "description", "sms", "email", "headline",
    "summary", "title", "subject",
)  # fmt: skip
"""What a column of texts is called, the surest first."""
_PLAIN_TEXTS = tuple(map(plain_name, TEXT_NAMES))
_LOOKED_AT = 10_000
_MOSTLY, _NAMED = 0.5, 0.05
_NAMED_LETTERS, _NAMED_WORDS = 12.0, 3.0
_LONG_WORDS = 4.0
_LONG_LETTERS = 30.0


def find_text_column(table: TableColumns, label: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Find the column of the texts: strings that are mostly distinct, and long or so named.

    Args:
        table: The columns.
        label: The column of the labels, if it is known.

    Returns:
        The column, None where there is none; and sentences on what might have been meant instead.

    Raises:
        DataError: If several could be it, or if the samples may as well be rows.
    """
    profiles = {name: _profile(table, name) for name in _texts(table, label)}
    named = first_named([n for n, one in profiles.items() if one.may_be_named], _PLAIN_TEXTS)
    if named is not None:
        return named, tuple(_passed_over(table, named, label))
    possible = [name for name, one in profiles.items() if one.is_long]
    if not possible:
        alone = [n for n, one in profiles.items() if one.is_distinct]
        is_alone = len(alone) == 1 and not _columns_beside(table, alone[0], label)
        return (alone[0] if is_alone else None), ()
    others = _columns_beside(table, possible[0], label)
    if len(possible) > 1 or others:
        raise DataError(_asked(table, possible))
    return possible[0], ()


def require_text_columns(table: TableColumns, given: str) -> tuple[str, ...]:
    """The columns of texts that the user names.

    Args:
        table: The columns.
        given: The name of one; or names of several with commas between, where no column is called
            that.

    Returns:
        Their names, each once, in the order in which they are given.

    Raises:
        DataError: If there is no such column, or it holds no texts.
    """
    parts = [part.strip() for part in given.split(",")]
    is_one = given in table.schema.names or not all(parts)
    names = (given,) if is_one else tuple(dict.fromkeys(parts))
    return tuple(_require_texts(table, name) for name in names)


def joined_note(columns: Sequence[str]) -> str:
    """A sentence on texts that lie in several columns.

    Example:
        >>> joined_note(["title", "body"])
        "A text is made of the columns 'title', 'body', in this order, each on a line of its own;
        what is empty is left out."
    """
    return (
        f"A text is made of the columns {list_names(columns)}, in this order, each on a line of "
        "its own; what is empty is left out."
    )


class _Profile(NamedTuple):
    """Properties of a column of strings.

    Attributes:
        may_be_named: Whether its strings may be texts where its name says so.
        is_long: Whether they are texts whatever its name.
        is_distinct: Whether they are texts where nothing else is there.
    """

    may_be_named: bool
    is_long: bool
    is_distinct: bool


def _texts(table: TableColumns, label: str | None) -> list[str]:
    return [
        name
        for name in dict.fromkeys(table.schema.names)
        if name != label
        and table.is_once(name)
        and is_text(table.type_of(name))
        and not is_index(table, name)
        and not may_name_labels(name)
    ]


def _profile(table: TableColumns, name: str) -> _Profile:
    # Arrow would bring all pieces of the column together first, in memory.
    column = pl.Series(pl.from_arrow(table.read(name)))
    some = np.unique(np.linspace(0, max(0, len(column) - 1), _LOOKED_AT).astype(np.int64))
    taken = column.gather(some) if len(column) else column
    texts = taken.cast(pl.String).drop_nulls()
    if not len(texts):
        return _Profile(may_be_named=False, is_long=False, is_distinct=False)
    distinct = texts.n_unique() / len(texts)
    is_distinct = distinct > _MOSTLY
    letters, words = _mean(texts.str.len_chars()), _mean(texts.str.count_matches(r"\S+"))
    return _Profile(
        distinct > (_NAMED if words >= _NAMED_WORDS else _MOSTLY) and letters >= _NAMED_LETTERS,
        is_distinct and (words >= _LONG_WORDS or letters >= _LONG_LETTERS) and words > 1,
        is_distinct,
    )


def _mean(counts: pl.Series) -> float:
    return float(counts.cast(pl.Float64).to_numpy().mean())


def _columns_beside(table: TableColumns, text: str, label: str | None) -> list[str]:
    """The other columns that may be of a row."""
    return [
        name
        for name in dict.fromkeys(table.schema.names)
        if name not in (text, label)
        and is_counted(table.schema.field(table.schema.names.index(name)).type)
        and not (is_index(table, name) or is_of_ids(name) or may_name_labels(name))
    ]


def _passed_over(table: TableColumns, text: str, label: str | None) -> list[str]:
    others = _columns_beside(table, text, label)
    if not others:
        return []
    verb = "is" if len(others) == 1 else "are"
    note = (
        f"The texts are those of the column {text!r}; {list_names(others)} {verb} not looked at. "
        "Give `text_column=NAME` to take another, or `row_columns=NAMES` (`*` for all) to take "
        "whole rows."
    )
    return [note]


def _asked(table: TableColumns, possible: list[str]) -> str:
    if len(possible) > 1:
        found = f"{list_names(possible)} could all be the texts"
    else:
        found = f"{possible[0]!r} could be texts, or one of several columns of rows"
    return (
        f"Are the samples texts, or rows of the table? It is not clear: {found}. Give "
        "`text_column=NAME` for texts, or `row_columns=NAMES` (`*` for all) for rows. The columns "
        f"are: {describe_columns(table, set(possible))}."
    )


def _require_texts(table: TableColumns, given: str) -> str:
    kind = table.type_of(require_column(table, given, "text_column"))
    if not is_text(kind):
        raise DataError(
            f"`text_column` is {given!r}, which holds {describe_type(kind)}; expected texts. "
            "Leave it out where a sample is a row of the table, or name another column."
        )
    return given
