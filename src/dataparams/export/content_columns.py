"""What samples hold, as columns of a table beside ours: a text, or the cells of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.contents.rows import Row
from dataparams.contents.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dataparams.contents.content import Content
    from dataparams.contents.rows import Cell
    from dataparams.export.writing import Export

    Piece = tuple[Sequence[int], pl.DataFrame]
    """Rows of the table of samples, and as many rows of what they hold."""

TEXT = "text"
"""The column of texts, whatever it is called in the data."""
OF_DATA = "data_"
"""What is put in front of the name of a column that is one of ours."""

_ROWS_AT_ONCE = 100_000
_CELLS_AT_ONCE = 10_000
_LETTERS_AT_ONCE = 1 << 24


@dataclass(frozen=True, eq=False)
class ContentColumns:
    """What samples hold, read a few at a time.

    Attributes:
        schema: The columns by their exported names, with their types; none where samples are
            images, or nothing was kept of them.
        pieces: All samples, in order; those that cannot be read are left out.
        notices: Sentences for the user.
    """

    schema: dict[str, pl.DataType]
    pieces: Iterator[Piece]
    notices: tuple[str, ...] = ()


def content_columns(export: Export) -> ContentColumns:
    """What the samples of an export hold, as columns; no picture is opened for it.

    Texts are read as they are written. Rows are read all before, since the type of a column may
    depend on the last of them.

    Args:
        export: What is exported; samples that cannot be read are added to those left out.
    """
    samples = export.samples
    if samples.kind == "text":
        return ContentColumns({TEXT: pl.String()}, _texts(export.contents()))
    if samples.kind != "row":
        return ContentColumns({}, _nothing(len(samples)))
    rows, cells = _rows(export.contents())
    ours = set(samples.told)
    names = dict(zip(cells.columns, names_beside(cells.columns, ours), strict=True))
    cells = cells.rename(names)
    notices = (*_renamed(names), *_leaking(ours))
    return ContentColumns(dict(cells.schema), _slices(rows, cells), notices)


def names_beside(columns: Sequence[str], ours: Collection[str]) -> list[str]:
    """Names of the data's columns in a table that has ours too, whose names stay.

    Args:
        columns: The data's columns, each once.
        ours: The columns that the table has.

    Example:
        >>> names_beside(["carat", "label", "data_label"], ["index", "id", "label"])
        ['carat', 'data_data_label', 'data_label']
    """
    taken = {*columns, *ours}
    names = []
    for column in columns:
        name = column
        while name in taken and (name in ours or name != column):
            name = f"{OF_DATA}{name}"
        taken.add(name)
        names.append(name)
    return names


def _renamed(names: Mapping[str, str]) -> tuple[str, ...]:
    """A notice about the columns that have another name than in the data."""
    told = ", ".join(
        f"{before!r} is exported as {now!r}" for before, now in names.items() if before != now
    )
    return (f"Columns of the data that are named like ours: {told}.",) if told else ()


def _leaking(ours: Collection[str]) -> tuple[str, ...]:
    """A notice where our columns give the label away to what would be trained on the table."""
    if "suspicion" not in ours:
        return ()
    words = (
        "The columns of the analysis stand beside those of the data, and tell of the label; for a "
        "table to train on, leave them out: `analysis=False`."
    )
    return (words,)


def _nothing(count: int) -> Iterator[Piece]:
    for start in range(0, count, _ROWS_AT_ONCE):
        rows = range(start, min(start + _ROWS_AT_ONCE, count))
        yield rows, pl.DataFrame(height=len(rows))


def _texts(pieces: Iterator[tuple[Sequence[int], Sequence[Content]]]) -> Iterator[Piece]:
    rows: list[int] = []
    texts: list[str] = []
    letters = 0
    for some, contents in pieces:
        for row, content in zip(some, contents, strict=True):
            if isinstance(content, Text):
                rows.append(row)
                texts.append(content.text)
                letters += len(content.text)
        if letters > _LETTERS_AT_ONCE or len(rows) > _CELLS_AT_ONCE:
            yield rows, _column_of_texts(texts)
            rows, texts, letters = [], [], 0
    if rows:
        yield rows, _column_of_texts(texts)


def _column_of_texts(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({TEXT: pl.Series(texts, dtype=pl.String)})


def _rows(
    pieces: Iterator[tuple[Sequence[int], Sequence[Content]]],
) -> tuple[list[int], pl.DataFrame]:
    """All rows that can be read, and their cells."""
    numbers: list[int] = []
    tables: list[pl.DataFrame] = []
    waiting: list[Row] = []
    for some, contents in pieces:
        for number, content in zip(some, contents, strict=True):
            if isinstance(content, Row):
                numbers.append(number)
                waiting.append(content)
        if len(waiting) > _CELLS_AT_ONCE:
            tables.append(_table_of(waiting))
            waiting = []
    tables.append(_table_of(waiting))
    joined = pl.concat(tables, how="diagonal_relaxed")
    without_type = [name for name, kind in joined.schema.items() if kind == pl.Null]
    return numbers, joined.with_columns(pl.col(without_type).cast(pl.String))


def _table_of(rows: Sequence[Row]) -> pl.DataFrame:
    columns = dict.fromkeys(name for row in rows for name in row.columns)
    cells = [dict(row.items()) for row in rows]
    return pl.DataFrame([_column(name, [row.get(name) for row in cells]) for name in columns])


def _column(name: str, cells: Sequence[Cell]) -> pl.Series:
    """Cells as a column of the narrowest type that holds them all: what differs becomes text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return pl.Series(name, cells, dtype=pl.Null)
    if kinds == {bool}:
        return pl.Series(name, cells, dtype=pl.Boolean)
    if kinds == {int} and all(cell is None or -(2**63) <= cell < 2**63 for cell in cells):  # type: ignore[operator]
        return pl.Series(name, cells, dtype=pl.Int64)
    if kinds <= {int, float} and float in kinds:
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells])
    words: list[Any] = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(name, words, dtype=pl.String)


def _slices(rows: list[int], cells: pl.DataFrame) -> Iterator[Piece]:
    for start in range(0, len(rows), _CELLS_AT_ONCE):
        yield rows[start : start + _CELLS_AT_ONCE], cells[start : start + _CELLS_AT_ONCE]
