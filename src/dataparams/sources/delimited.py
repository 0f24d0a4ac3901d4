"""Reading tables that are text: rows with commas, semicolons or tabs between the columns (CSV)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from dataparams.errors import DataError
from dataparams.sources.encodings import TEXT_FAILURES, no_utf8, opened_as_utf8, require_text
from dataparams.sources.header_row import unnamed
from dataparams.sources.row_groups import shown_path
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_Result = TypeVar("_Result")
_DELIMITERS = (",", ";", "\t", "|")
_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 22, 1 << 30
_SHOWN_LETTERS = 60
_FEW, _MANY = 100, 1 << 16
_BYTES_OF_FEW = {f"f{place}": pa.binary() for place in range(_FEW)}
_BYTES = {f"f{place}": pa.binary() for place in range(_MANY)}


class Dialect(NamedTuple):
    """How a file writes its rows.

    Attributes:
        delimiter: What is between the columns.
        has_quotes: Whether quotes stand around values; else they are letters like others.
        escape: What stands before a quote within quotes, where it is not a second quote.
        block: Bytes that are read at once; no row is longer.
        names: What the first row holds: the names of the columns.
        skipped: Lines before that row, with which Excel says what the delimiter is.
    """

    delimiter: str
    has_quotes: bool
    escape: str | None
    block: int
    names: tuple[str, ...]
    skipped: int = 0


class _TooLongError(Exception):
    """A row is longer than what is read at once."""


def read_dialect(path: Path) -> Dialect:
    """Find out how a file writes its rows, from its beginning.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: If it is no text, empty, or its rows differ in length.
    """
    head = _read_head(path)
    extension = {".tsv": "\t", ".tab": "\t"}.get(path.suffix.lower())
    skipped = int(re.match(r"\ufeff?sep=.\r?\n", head) is not None)
    tried = [
        _try(path, Dialect(delimiter, True, None, _SMALLEST_BLOCK, (), skipped))
        for delimiter in _DELIMITERS
    ]
    usable = [one for one in tried if len(one.dialect.names) > 1] or tried[:1]
    best = min(
        usable,
        key=lambda one: (
            one.wrong_rows > 0,
            one.dialect.delimiter != extension,
            one.wrong_rows,
            -len(one.dialect.names),
        ),
    )
    # Where quotes are doubled, a single one ends its value.
    if re.search(rf'\\"[^"\r\n{re.escape(best.dialect.delimiter)}]', head):
        escaped = _try(path, best.dialect._replace(escape="\\"))
        best = best if escaped.wrong_rows else escaped
    if best.wrong_rows:
        unquoted = _try(path, best.dialect._replace(has_quotes=False))
        best = best if unquoted.wrong_rows or unquoted.is_quoted else unquoted
    return best.dialect


class _Tried(NamedTuple):
    """A file's beginning, read in one way.

    Attributes:
        dialect: The way.
        wrong_rows: How many rows have more or fewer columns than the first.
        is_quoted: Whether a value begins and ends with a quote.
    """

    dialect: Dialect
    wrong_rows: int
    is_quoted: bool


def _try(path: Path, dialect: Dialect) -> _Tried:
    """Read a file's beginning in one way."""
    return with_longer_rows(path, dialect, lambda fitting: _try_dialect(path, fitting))


def _try_dialect(path: Path, dialect: Dialect) -> _Tried:
    wrong: list[Any] = []
    batch = next(_iterate_bytes(path, dialect, None, wrong), None)
    if batch is not None and batch.num_columns > len(dialect.names) + _FEW:
        # Values were read by their types, as more columns were there than was thought.
        return _try_dialect(path, dialect._replace(names=("",) * batch.num_columns))
    if batch is None or not batch.num_rows:
        return _Tried(dialect, 0, is_quoted=False)
    cells = [batch.column(place)[0].as_py() or b"" for place in range(batch.num_columns)]
    if wrong_name := next((cell for cell in cells if not _is_utf8(cell)), None):
        raise no_utf8("The row of names", path, wrong_name.decode("utf-8", "backslashreplace"))
    names = tuple(
        cell.decode("utf-8", "replace").strip() or unnamed(place)
        for place, cell in enumerate(cells)
    )
    is_quoted = any(map(_has_quoted, batch.columns))
    return _Tried(dialect._replace(names=names), len(wrong), is_quoted)


def _has_quoted(values: Any) -> bool:
    ends = pc.and_(pc.starts_with(values, b'"'), pc.ends_with(values, b'"'))
    return bool(pc.any(pc.and_(ends, pc.greater(pc.binary_length(values), 1))).as_py())


def with_longer_rows(path: Path, dialect: Dialect, read: Callable[[Dialect], _Result]) -> _Result:
    """Read a file, again where a row is longer than what is read at once.

    Args:
        path: The file.
        dialect: How it writes its rows.
        read: Reads it.

    Raises:
        DataError: If a row is longer than can be.
    """
    try:
        return read(dialect)
    except _TooLongError:
        return with_longer_rows(path, _enlarged(path, dialect), read)


def _enlarged(path: Path, dialect: Dialect) -> Dialect:
    if dialect.block >= _LARGEST_BLOCK:
        raise DataError(
            f"{shown_path(path)} has a row of more than {_LARGEST_BLOCK >> 20} MB, as it seems; a "
            "quote that is never closed may be why."
        )
    return dialect._replace(block=dialect.block * 16)


def _read_head(path: Path) -> str:
    """The beginning of a file, which is text."""
    try:
        with opened_as_utf8(path) as stream:
            head: bytes = stream.read(1 << 16)
    except TEXT_FAILURES as error:
        raise _damaged(path, error) from error
    require_text(path, head)
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(
            f"{shown_path(path)} is empty; expected a row of column names, and a row per sample."
        )
    return head.decode("utf-8", "replace")


def iterate_texts(
    path: Path, dialect: Dialect, columns: Sequence[int] | None = None
) -> Iterator[Any]:
    """Read a file's rows piece by piece.

    Args:
        path: The file.
        dialect: How it writes them.
        columns: Places of the columns that are read; None for all.

    Yields:
        Arrow record batches of strings, null where there is none; without the row of names.

    Raises:
        DataError: If the file is damaged, a row has more or fewer columns, or a byte is no UTF-8;
            the row is named.
    """
    start = 0
    for batch in _iterate_bytes(path, dialect, columns, None):
        whole = batch if start else batch.slice(1)
        start = start or -1
        names = [str(place) for place in columns or range(whole.num_columns)]
        texts = [
            _decoded(path, dialect, values, max(start, 0), int(name))
            for name, values in zip(names, whole.columns, strict=True)
        ]
        start = max(start, 0) + whole.num_rows
        yield pa.record_batch(texts, names=names)


def _iterate_bytes(
    path: Path,
    dialect: Dialect,
    columns: Sequence[int] | None,
    wrong_rows: list[Any] | None,
) -> Iterator[Any]:
    """Read a file's rows, the first among them, as bytes; columns are named by their places.

    Args:
        path: The file.
        dialect: How it writes them.
        columns: Places of the columns that are read; None for all.
        wrong_rows: Takes the rows that have more or fewer columns; None refuses them.
    """
    refused: list[Any] = []

    def handle(row: Any) -> str:
        # What is raised here would be printed and lost.
        (refused if wrong_rows is None else wrong_rows).append(row)
        return "error" if wrong_rows is None else "skip"

    read = csv.ReadOptions(
        # One thread counts the rows.
        use_threads=False,
        block_size=dialect.block,
        autogenerate_column_names=True,
        skip_rows=dialect.skipped,
    )
    parse = csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char='"' if dialect.has_quotes else False,
        escape_char=dialect.escape or False,
        newlines_in_values=dialect.has_quotes,
        # Of a single column, a value that is missing is an empty line.
        ignore_empty_lines=len(dialect.names) != 1,
        invalid_row_handler=handle,
    )
    convert = csv.ConvertOptions(
        check_utf8=False,
        column_types=_BYTES if len(dialect.names) > _FEW else _BYTES_OF_FEW,
        null_values=[""],
        strings_can_be_null=True,
        include_columns=None if columns is None else [f"f{place}" for place in columns],
    )
    try:
        with (
            opened_as_utf8(path) as stream,
            csv.open_csv(
                stream, read_options=read, parse_options=parse, convert_options=convert
            ) as reader,
        ):
            yield from reader
    except TEXT_FAILURES as error:
        if "straddling" in str(error):
            raise _TooLongError from error
        if refused:
            raise _wrong_row(path, dialect, refused[0]) from error
        raise _damaged(path, error) from error


def _decoded(path: Path, dialect: Dialect, values: Any, start: int, place: int) -> Any:
    """Bytes as strings in UTF-8."""
    try:
        return values.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        row, cell = next(
            (row, cell) for row, cell in enumerate(values.to_pylist()) if not _is_utf8(cell)
        )
    shown = _shorten(cell.decode("utf-8", "backslashreplace"))
    where = f"Column {dialect.names[place]!r} in row {start + row} (the first below the names is 0)"
    raise no_utf8(where, path, shown)


def _is_utf8(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _wrong_row(path: Path, dialect: Dialect, row: Any) -> DataError:
    number = row.number - 2 - dialect.skipped
    hint = " A quote in it may be closed nowhere." if row.text.count('"') % 2 else ""
    if f'{dialect.delimiter} "' in row.text:
        hint = f" A quote around a value stands right after the {dialect.delimiter!r}: no space."
    return DataError(
        f"Row {number} (the first below the names is 0) of {shown_path(path)} has "
        f"{counted(row.actual_columns, 'column')}, and the row of names {row.expected_columns}: "
        f"{_shorten(row.text)!r}. Put texts that hold {dialect.delimiter!r} in quotes, and double "
        f"the quotes in them.{hint}"
    )


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return DataError(f"{shown_path(path)} cannot be read as a table: {reason}.")


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"
