r"""Changing cells of a table that is text (CSV) where they stand, every other byte kept.

The rows are found as Arrow's reader finds them (quotes count at the beginning of a cell; ``\r``,
``\n`` and ``\r\n`` end a row), and held against what it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dataparams.applying.edits import TableEdits, spelled_classes
from dataparams.errors import DataError
from dataparams.sources.delimited import Dialect, iterate_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class DelimitedRow:
    """Where a row stands among the bytes of a file.

    Attributes:
        cells: Beginning and end of each cell that was sought.
        end: Where its last cell ends.
    """

    cells: tuple[tuple[int, int], ...]
    end: int


def edited_delimited(path: Path, data: bytes, dialect: Dialect, edits: TableEdits) -> bytes:
    """The bytes of a file with some of its cells changed.

    Args:
        path: The file, for messages, and to hold what was found against what is read.
        data: All of it, decompressed.
        dialect: How it writes its rows.
        edits: What changes; a column of marks that is not there goes to the end of each row.

    Raises:
        DataError: If the rows cannot be told as they are read, or a class cannot be written.
    """
    names = [*edits.columns, *([edits.mark] if edits.mark in dialect.names else [])]
    places = [dialect.names.index(name) for name in names]
    header, *rows = iterate_rows(data, dialect, places)
    _require_as_read(path, data, dialect, rows, places)
    pieces: list[tuple[int, int, bytes]] = []
    for number, name in enumerate(edits.columns):
        raw = [data[start:end] for start, end in (row.cells[number] for row in rows)]
        write = partial(_cell_of_value, dialect=dialect, others=raw)
        cells = spelled_classes(path, name, edits, raw, write)
        pieces += [
            (*rows[row].cells[number], cells[class_name])
            for row, class_name in edits.labels.items()
        ]
    if edits.discarded and edits.mark in dialect.names:
        pieces += [
            (*rows[row].cells[-1], _truth(is_discarded))
            for row, is_discarded in edits.discarded.items()
        ]
    elif edits.discarded:
        delimiter = dialect.delimiter.encode()
        pieces.append((header.end, header.end, delimiter + edits.mark.encode()))
        pieces += [
            (row.end, row.end, delimiter + _truth(edits.discarded.get(number, False)))
            for number, row in enumerate(rows)
        ]
    return replaced(data, pieces)


def iterate_rows(data: bytes, dialect: Dialect, places: Sequence[int]) -> Iterator[DelimitedRow]:
    r"""Find the rows among the bytes of a file, the row of names first.

    Args:
        data: All of the file.
        dialect: How it writes its rows.
        places: Which cells of a row are sought.

    Raises:
        DataError: If a row has more or fewer cells than there are names.

    Example:
        >>> dialect = Dialect(",", True, None, 1 << 22, ("text", "label"))
        >>> data = b'text,label\r\n"a, b",cat\r\n'
        >>> rows = iterate_rows(data, dialect, [1])
        >>> [data[start:end] for row in rows for start, end in row.cells]
        [b'label', b'cat']
    """
    position = len(_BOM) if data.startswith(_BOM) else 0
    for _ in range(dialect.skipped):
        position = _end_of(_LINE, data, position)
    pattern, count = _row_pattern(dialect, places), len(dialect.names)
    order = sorted(set(places))
    groups = [order.index(place) + 2 for place in places]
    while position < len(data):
        blank = _LINE_END.match(data, position)
        if blank is not None and count != 1:
            position = blank.end()
            continue
        found = pattern.match(data, position)
        if found is None:
            raise DataError(
                f"The row at byte {position:,} has more or fewer than {count} columns; nothing was "
                "changed."
            )
        yield DelimitedRow(tuple(found.span(group) for group in groups), found.end(1))
        position = found.end()


def cell_of(text: str, dialect: Dialect, others: Sequence[bytes] = ()) -> bytes:
    """A text as a cell: in quotes where it needs them, or most other cells have them.

    Args:
        text: The text.
        dialect: How the file writes its rows.
        others: Cells of the same column.

    Raises:
        DataError: If the file has no quotes, and the text cannot be written without.

    Example:
        >>> dialect = Dialect(";", True, None, 1 << 22, ("text", "label"))
        >>> cell_of("a;b", dialect), cell_of("cat", dialect), cell_of("cat", dialect, [b'"dog"'])
        (b'"a;b"', b'cat', b'"cat"')
    """
    is_special = re.search(rf'["\r\n{re.escape(dialect.delimiter)}]', text) is not None
    is_special = is_special or text != text.strip() or text == dialect.escape
    if is_special and not dialect.has_quotes:
        raise DataError(
            f"{text!r} cannot be written without quotes, which the file does not have; rename the "
            "class, or save the file with quotes."
        )
    are_quoted = sum(cell.startswith(b'"') for cell in others) * 2 > len(others)
    if not is_special and not (dialect.has_quotes and are_quoted):
        return text.encode()
    escape = dialect.escape
    inner = text if escape is None else text.replace(escape, escape * 2)
    return f'"{inner.replace(chr(34), (escape or chr(34)) + chr(34))}"'.encode()


def _cell_of_value(value: object, dialect: Dialect, others: Sequence[bytes]) -> bytes:
    return cell_of(str(value), dialect, others)


def replaced(data: bytes, pieces: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Bytes with some of their parts replaced.

    Args:
        data: The bytes.
        pieces: Beginning and end of each part, and what is to be there; none overlaps another.

    Example:
        >>> replaced(b"a,cat,b", [(2, 5, b"dog")])
        b'a,dog,b'
    """
    parts, position = [], 0
    for start, end, new in sorted(pieces, key=lambda piece: piece[:2]):
        parts += [data[position:start], new]
        position = end
    return b"".join([*parts, data[position:]])


def _row_pattern(dialect: Dialect, places: Sequence[int]) -> re.Pattern[bytes]:
    """A pattern of one row: group 1 is all its cells, the others are those sought, in order."""
    sought = set(places)
    cell = _cell_pattern(dialect)
    cells = [f"({cell})" if place in sought else cell for place in range(len(dialect.names))]
    row = re.escape(dialect.delimiter).join(cells)
    return re.compile(f"({row})(?:\\r\\n|\\r|\\n|\\Z)".encode(), re.DOTALL)


def _cell_pattern(dialect: Dialect) -> str:
    """A pattern of one cell; each of its parts is told by its first byte, so it never goes back."""
    stop, escape = rf"{re.escape(dialect.delimiter)}\r\n", dialect.escape
    if escape is None:
        plain, inside = rf"[^{stop}]*", r'[^"]*(?:""[^"]*)*'
    else:
        mark = re.escape(escape)
        plain = rf"[^{stop}{mark}]*(?:{mark}.[^{stop}{mark}]*)*"
        inside = rf'[^"{mark}]*(?:(?:""|{mark}.)[^"{mark}]*)*'
    return rf'(?:"{inside}"{plain}|(?!"){plain})' if dialect.has_quotes else plain


def _end_of(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    found = pattern.match(data, position)
    return len(data) if found is None else found.end()


def _truth(is_discarded: bool) -> bytes:
    return b"true" if is_discarded else b"false"


def _require_as_read(
    path: Path, data: bytes, dialect: Dialect, rows: Sequence[DelimitedRow], places: Sequence[int]
) -> None:
    """Raise DataError unless the cells found are those that are read as the table."""
    read = (batch.column(0).to_pylist() for batch in iterate_texts(path, dialect, places[:1]))
    values = [value for some in read for value in some]
    found = [_text_of(data[slice(*row.cells[0])], dialect) for row in rows]
    if found != values:
        raise DataError(
            f"The cells of {path} cannot be told one by one as they are read; nothing was changed. "
            "Save it as plain CSV with commas and quotes, audit that, and apply the corrections."
        )


def _text_of(cell: bytes, dialect: Dialect) -> str | None:
    """What a cell says."""
    text, escape = cell.decode(), dialect.escape
    if dialect.has_quotes and text.startswith('"'):
        inner = _without_quotes(text, escape)
    else:
        inner = text if escape is None else re.sub(rf"{re.escape(escape)}(.)", r"\1", text)
    return inner or None


def _without_quotes(text: str, escape: str | None) -> str:
    mark = "(?!)" if escape is None else re.escape(escape)
    parts, position = [], 1
    for found in re.finditer(rf'""|{mark}(.)|"', text[1:], re.DOTALL):
        start, end = found.start() + 1, found.end() + 1
        parts.append(text[position:start])
        position = end
        if found[0] == '"':
            break
        parts.append(found[1] if found[0] != '""' else '"')
    return "".join([*parts, text[position:]])
