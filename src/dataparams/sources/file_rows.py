"""Matching the rows of a file with samples of a source, by id, index or position."""

from __future__ import annotations

import difflib
import posixpath
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataparams.errors import DataError
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.sources.source import Source

ID_NAMES = ("id", "path", "file", "filename", "file_name", "image")
_INDEX_NAME = "index"
_WHOLE_NUMBER = re.compile(r"([+-]?\d{1,18})(?:\.0*)?", re.ASCII)
_SHOWN = 3
_COMPARED = 20_000


class NamedColumn(NamedTuple):
    """A column of a file.

    Attributes:
        name: As the file has it.
        values: Text of each row, "" where there is none.
    """

    name: str
    values: Sequence[str]

    @property
    def plain_name(self) -> str:
        """The name without case and surrounding spaces."""
        return self.name.strip().lower()


def find_rows(
    path: Path, columns: Sequence[NamedColumn], source: Source
) -> NDArray[np.int64] | None:
    """Find the sample that each row of a file names.

    Args:
        path: The file, for messages.
        columns: All its columns.
        source: The samples.

    Returns:
        Rows in the source, (n,); None where no column names samples, so that only the position
        says which is meant.

    Raises:
        DataError: If the source has not a sample that is named, or two columns name different ones.
    """
    told = _told_by_ids(path, [one for one in columns if one.plain_name in ID_NAMES], source)
    told += [
        (one, _parse_index(path, one, len(source)))
        for one in columns
        if one.plain_name == _INDEX_NAME
    ]
    if not told:
        return None
    first, rows = told[0]
    for column, others in told[1:]:
        differs = rows != others
        if differs.any():
            row = int(differs.argmax())
            raise DataError(
                f"{row_of(row, path)} contradicts itself: {first.name!r} "
                f"{first.values[row]!r} is the sample {source.ids[int(rows[row])]!r}, but "
                f"{column.name!r} {column.values[row]!r} is {source.ids[int(others[row])]!r}. "
                "Remove the column that is wrong."
            )
    return rows


def _told_by_ids(
    path: Path, columns: Sequence[NamedColumn], source: Source
) -> list[tuple[NamedColumn, NDArray[np.int64]]]:
    """The columns that hold ids of samples, and the rows that they tell; every id is known."""
    found = [(column, _find_ids(column.values, source)) for column in columns]
    # Beside names of files, an id may be of another's making.
    fitting = [(column, rows) for column, rows in found if (rows >= 0).any()]
    for column, rows in fitting or found:
        missing = [column.values[row] for row in np.flatnonzero(rows < 0).tolist()]
        if missing:
            raise DataError(_unknown_ids(path, column, missing, source))
    return fitting


def _find_ids(given: Sequence[str], source: Source) -> NDArray[np.int64]:
    """The row of each id in the source, (n,), -1 where there is none."""
    rows = source.ids.find(given)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        forgiven = [_as_id(given[place], source.place) for place in missing.tolist()]
        rows[missing] = source.ids.find(forgiven)
    if (rows >= 0).any():
        return rows
    names = [posixpath.basename(sample) for sample in source.ids]
    # A row of a table has no name: another's number 7 is not our train/7.
    if len(set(names)) < len(names) or not all(posixpath.splitext(name)[1] for name in names):
        return rows
    return TextColumn(names).find([posixpath.basename(_as_id(text, "")) for text in given])


def _as_id(text: str, place: str) -> str:
    """A path as sources write theirs, relative to where the source lies."""
    plain = posixpath.normpath(text.strip().replace("\\", "/"))
    return plain.removeprefix(f"{place.rstrip('/')}/")


def _unknown_ids(path: Path, column: NamedColumn, missing: Sequence[str], source: Source) -> str:
    first = missing[0]
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    shown = ", ".join(map(repr, missing[:_SHOWN])) + more
    nearest = _nearest_id(first, source.ids)
    hint = f"The nearest to {first!r} is {nearest!r}"
    if nearest is None:
        hint = f"Its ids are such as {source.ids[0]!r}"
    if whole_number(first) is not None:
        hint += f". Where rows are meant by their number, call the column {_INDEX_NAME!r}"
    return (
        f"{len(missing):,} of {len(column.values):,} values of the column {column.name!r} of "
        f"{path} are no ids of samples of {source.place}: {shown}. {hint}."
    )


def _nearest_id(given: str, ids: TextColumn) -> str | None:
    ending = "/" + posixpath.basename(_as_id(given, ""))
    same_file = next((sample for sample in ids if sample.endswith(ending)), None)
    # Comparing takes microseconds for each id, and there may be millions.
    return same_file or nearest_name(given, islice(ids, _COMPARED))


def _parse_index(path: Path, column: NamedColumn, count: int) -> NDArray[np.int64]:
    rows = np.empty(len(column.values), np.int64)
    for row, text in enumerate(column.values):
        index = whole_number(text)
        if index is None or not 0 <= index < count:
            raise DataError(
                f"{row_of(row, path)} has the index {text!r}; expected 0 ... {count - 1}, the "
                "row in the source."
            )
        rows[row] = index
    return rows


def require_once(path: Path, rows: NDArray[np.int64], given: Sequence[str], source: Source) -> None:
    """Refuse a sample that is named twice.

    With one label too: where another sample was meant, its label would be missing in silence.

    Args:
        path: The file, for messages.
        rows: Rows in the source that it names, (n,).
        given: Their labels, as the file has them.
        source: The samples.

    Raises:
        DataError: With the first two rows that name the same sample.
    """
    order = np.argsort(rows, kind="stable")
    repeats = np.flatnonzero(np.diff(rows[order]) == 0)
    if not len(repeats):
        return
    first, second = order[repeats[0] : repeats[0] + 2].tolist()
    labels = f"the labels {given[first]!r} and {given[second]!r}"
    if given[first] == given[second]:
        labels = f"the label {given[first]!r}"
    raise DataError(
        f"Rows {first} and {second} (the first is 0) of {path} both name the sample "
        f"{source.ids[int(rows[first])]!r}, with {labels}; expected each sample once."
    )


def require_no_other_order(path: Path, columns: Sequence[NamedColumn], source: Source) -> None:
    """Refuse matching by position if another column shows that the order differs.

    Such as the column without a name in which pandas writes the numbers of shuffled rows.

    Args:
        path: The file, for messages.
        columns: Those whose meaning is not known.
        source: The samples.

    Raises:
        DataError: With the column.
    """
    for column in columns:
        rows = _find_ids(column.values, source)
        numbers = [whole_number(text) for text in column.values]
        if (rows >= 0).all():
            name, is_other = ID_NAMES[0], bool((rows != np.arange(len(rows))).any())
        else:
            in_order = list(range(len(numbers)))
            name = _INDEX_NAME
            is_other = numbers != in_order and set(numbers) == set(in_order)
        if is_other:
            raise DataError(
                f"{path} would be read in the order of its rows, but its column {column.name!r} "
                f"has the samples in another order. Call that column {name!r}, or remove it."
            )


# --- words and numbers ----------------------------------------------------------------------------


def nearest_name(given: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest to an unknown one.

    Example:
        >>> nearest_name("hosre", ["cat", "horse"]), nearest_name("CAT", ["cat", "horse"])
        ('horse', 'cat')
    """
    names = list(known)
    folded = given.strip().casefold()
    same = next((name for name in names if name.strip().casefold() == folded), None)
    return same or next(iter(difflib.get_close_matches(given, names, n=1)), None)


def whole_number(text: str) -> int | None:
    """The number that a text is, if it has 64 bits; pandas writes 3 as 3.0 beside a missing one."""
    match = _WHOLE_NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


def row_of(row: int, path: Path) -> str:
    """A row of a file, for a message.

    Example:
        >>> from pathlib import Path
        >>> row_of(2, Path("labels.csv"))
        'Row 2 (the first is 0) of labels.csv'
    """
    return f"Row {row} (the first is 0) of {path}"
