"""Reading files of tables of any kind: names and types of their columns, then whole columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.broken_quotes import broken_quotes_note
from dataparams.sources.delimited import (
    Dialect,
    iterate_texts,
    read_dialect,
    with_longer_rows,
)
from dataparams.sources.free_memory import fitting_pieces
from dataparams.sources.header_row import (
    find_repeated_header,
    is_title,
    title_found,
    why_no_header,
)
from dataparams.sources.json_lines import read_json_lines
from dataparams.sources.kept_pieces import keep_pieces
from dataparams.sources.row_groups import read_parquet, shown_path
from dataparams.sources.spreadsheets import read_spreadsheet
from dataparams.sources.table_kinds import (
    DELIMITED,
    JSON_LINES,
    SPREADSHEET,
    require_table_file,
)
from dataparams.sources.written_values import (
    TEXTS,
    WrittenColumn,
    date_notes,
    parse_values,
    unread_column,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from dataparams.sources.memory_table import MemoryTable
    from dataparams.sources.row_groups import ParquetTable


@dataclass(frozen=True)
class DelimitedTable:
    """A table that is written as text, all of which was looked at once.

    Attributes:
        path: Where it is.
        dialect: How it writes its rows.
        written: How it writes the values of each column.
        num_rows: Number of rows.
        kept: What was read: pieces of all columns, as texts.
    """

    path: Path
    dialect: Dialect
    written: tuple[WrittenColumn, ...]
    num_rows: int
    kept: tuple[Any, ...]

    @property
    def schema(self) -> Any:
        """Names and Arrow types of its columns."""
        kinds = [one.kind.arrow if not one.is_empty else pa.null() for one in self.written]
        return pa.schema(list(zip(self.dialect.names, kinds, strict=True)))

    def read(self, columns: Sequence[str]) -> Any:
        """Read whole columns, as an Arrow table of their types; texts lie where they are kept."""
        return pa.table([self._column(name) for name in columns], names=list(columns))

    def _column(self, name: str) -> Any:
        place = self.dialect.names.index(name)
        kind = self.written[place].kind
        parsed: Iterator[Any] = (
            parse_values(piece.column(str(place)), kind) for piece in self.kept
        )
        if kind is not TEXTS:
            parsed = fitting_pieces(parsed, f"{shown_path(self.path)}: {name}")
        return pa.chunked_array(parsed, type=kind.arrow)

    def notes(self, columns: Collection[str]) -> list[str]:
        """Sentences on how some columns were read, where it may be meant otherwise."""
        named = list(zip(self.dialect.names, self.written, strict=True))
        notes = date_notes({name: one for name, one in named if name in columns})
        if not self.dialect.has_quotes:
            notes.append(
                f"The quotes in {shown_path(self.path)} are read as letters: with quotes around "
                "values its rows would differ in length."
            )
        texts = [name for name, one in named if name in columns and one.kind is TEXTS]
        told = (broken_quotes_note(name, self.read([name]).column(0)) for name in texts)
        return notes + [note for note in told if note is not None]


def read_table_files(paths: Sequence[Path]) -> list[ParquetTable | DelimitedTable | MemoryTable]:
    """Read names and types of the columns of files, whose types are one where they are text.

    Args:
        paths: The files.

    Raises:
        DataError: If a file is damaged or is no table.
    """
    tables = [_read(path) for path in paths]
    written: dict[str, WrittenColumn] = {}
    for table in tables:
        if isinstance(table, DelimitedTable):
            for name, one in zip(table.dialect.names, table.written, strict=True):
                written[name] = written[name].joined(one) if name in written else one
    return [
        replace(table, written=tuple(written[name] for name in table.dialect.names))
        if isinstance(table, DelimitedTable)
        else table
        for table in tables
    ]


def _read(path: Path) -> ParquetTable | DelimitedTable | MemoryTable:
    kind = require_table_file(path)
    if kind == DELIMITED:
        return _read_delimited(path)
    if kind == JSON_LINES:
        return read_json_lines(path)
    return read_spreadsheet(path) if kind == SPREADSHEET else read_parquet(path)


def _read_delimited(path: Path) -> DelimitedTable:
    """Look through a table that is text: how many rows, and how values are written."""
    dialect = read_dialect(path)
    return with_longer_rows(path, dialect, lambda fitting: _look_through(path, fitting))


def _look_through(path: Path, dialect: Dialect) -> DelimitedTable:
    kept = keep_pieces(iterate_texts(path, dialect), shown_path(path))
    unread = unread_column(has_decimal_commas=dialect.delimiter != ",")
    written = [unread] * len(dialect.names)
    for piece in kept:
        written = [one.narrowed(values) for one, values in zip(written, piece.columns, strict=True)]
    if kept:
        _require_header(path, dialect, written, kept[0])
    return DelimitedTable(
        path, dialect, tuple(written), sum(piece.num_rows for piece in kept), kept
    )


def _require_header(
    path: Path, dialect: Dialect, written: Sequence[WrittenColumn], first: Any
) -> None:
    repeated = find_repeated_header(dialect.names, first)
    if repeated is not None:
        raise DataError(
            f"Row {repeated} (the first below the names is 0) of {shown_path(path)} has the names "
            "of the columns once more, as where two files were put together; remove it."
        )
    if is_title(dialect.names, [not one.is_empty for one in written]):
        raise DataError(title_found(path, dialect.names))
    reason = why_no_header(dialect.names, [one.kind for one in written], first)
    if reason is not None:
        raise DataError(
            f"The first row of {shown_path(path)} seems to be data: {reason}. Expected the names "
            f"of the columns there, such as text{dialect.delimiter}label; add that row."
        )
