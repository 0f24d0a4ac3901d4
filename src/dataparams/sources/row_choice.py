"""Choosing the columns of a table that belong to a row, where a sample is a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from dataparams.errors import DataError
from dataparams.sources.arrow_types import describe_type, is_counted, plain_values
from dataparams.sources.label_choice import (
    counts_rows,
    is_index,
    is_of_ids,
    split_note,
    tells_splits,
)
from dataparams.sources.label_leaks import why_it_tells
from dataparams.sources.labels import plain_labels
from dataparams.sources.table_columns import describe_columns, list_names, require_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataparams.sources.table_columns import TableColumns


def choose_row_columns(
    table: TableColumns, label: str, given: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the columns of a row: all that hold values, but for those that identify it.

    Left out are numbers and names of rows, and what gives the label away.

    Args:
        table: The columns.
        label: The column of the labels.
        given: The ones that the user names; ``*`` for all but the labels; nothing to choose.

    Returns:
        The columns, in the order of the table; and sentences on what was left out.

    Raises:
        DataError: If one that was named is not there, or none is left.
    """
    if "*" in given:
        # What no row can hold is left out here as well.
        kept, notes = _with_values(table, label)
        return _require_some(table, kept), tuple(notes)
    if given:
        return _require_named(table, given), ()
    values, notes = _with_values(table, label)
    labels = plain_labels(table.read(label))
    reasons = {name: _why_left_out(table, name, labels) for name in values}
    kept = [name for name, reason in reasons.items() if reason is None]
    left_out = {name: reason for name, reason in reasons.items() if reason is not None}
    return _require_some(table, kept), (*notes, *_notes(left_out))


def _require_named(table: TableColumns, given: Sequence[str]) -> tuple[str, ...]:
    for name in given:
        require_column(table, name, "row_columns")
        kind = table.type_of(name)
        if not is_counted(kind):
            raise DataError(
                f"`row_columns` has {name!r}, which holds {describe_type(kind)}; expected numbers, "
                "texts, dates, or true and false."
            )
    return tuple(dict.fromkeys(given))


def _with_values(table: TableColumns, label: str) -> tuple[list[str], list[str]]:
    """The columns that hold values such as a row can have, and sentences on the others."""
    rest = [name for name in dict.fromkeys(table.schema.names) if name != label]
    kept = [name for name in rest if table.is_once(name) and is_counted(table.type_of(name))]
    twice = [name for name in rest if not table.is_once(name)]
    if twice:
        raise DataError(
            f"The table has several columns of the name {list_names(twice)}; expected names that "
            "differ. Rename them, or give `row_columns=NAMES` without them."
        )
    others = [name for name in rest if name not in kept]
    told = [f"{name!r} ({describe_type(table.type_of(name))})" for name in others]
    verb = "is" if len(others) == 1 else "are"
    return kept, [f"No part of a row {verb} {', '.join(told)}."] if others else []


def _why_left_out(table: TableColumns, name: str, labels: Any) -> str | None:
    """Why a column does not belong to a row, in words that go on after its name; or None."""
    values = plain_values(table.read(name))
    distinct = pc.unique(values).drop_null()
    if not len(distinct):
        return "is empty"
    telling = why_it_tells(name, values, labels)
    if telling is not None:
        return telling
    if is_index(table, name):
        return "numbers or names the rows"
    if pa.types.is_integer(values.type) and counts_rows(values):
        return "numbers the rows"
    if tells_splits(name, distinct.cast(pa.large_string()) if _is_text(values) else distinct):
        return "tells of splits"
    is_key = len(distinct) == len(values) > 1
    if is_key and (is_of_ids(name) or _are_keys(distinct)):
        return "names each row"
    return None


def _is_text(values: Any) -> bool:
    return describe_type(values.type) == "text"


def _are_keys(distinct: Any) -> bool:
    """Whether distinct values are words of letters and digits, such as ``A-1043``."""
    if describe_type(distinct.type) != "text":
        return False
    has_digit = pc.match_substring_regex(distinct, r"^\S*[0-9]\S*$")
    has_letter = pc.match_substring_regex(distinct, r"\pL")
    return bool(pc.all(has_digit).as_py()) and bool(pc.any(has_letter).as_py())


def _notes(left_out: Mapping[str, str]) -> list[str]:
    """Sentences on the columns that were left out, and how to keep them."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    notes: list[str] = []
    for reason, names in by_reason.items():
        if reason == "tells of splits":
            notes += map(split_note, names)
            continue
        subject = "The column" if len(names) == 1 else "Each of the columns"
        pronoun = "it is" if len(names) == 1 else "they are"
        notes.append(f"{subject} {list_names(names)} {reason}: {pronoun} left out of the rows.")
    if notes:
        keep = "`row_columns=NAMES` (`*` for all) says which columns belong to a row"
        notes[-1] += f" To keep what was left out: {keep}."
    return notes


def _require_some(table: TableColumns, kept: Sequence[str]) -> tuple[str, ...]:
    if not kept:
        raise DataError(
            "Which columns hold what is labeled? It is not clear: no column has values that can "
            "be images or texts, and none is left for rows. Give `image_column=NAME`, "
            "`text_column=NAME` or `row_columns=NAMES` (`*` for all). The columns are: "
            f"{describe_columns(table, set(table.schema.names))}."
        )
    return tuple(kept)
