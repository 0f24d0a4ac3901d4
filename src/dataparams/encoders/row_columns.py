"""What each column of a table holds: numbers, categories, dates, texts, or nothing that tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.contents.rows import Cell, Row

ColumnKind: TypeAlias = Literal["number", "category", "date", "text", "constant"]

MOST_CATEGORIES = 64
"""Of more different values a column is taken for texts."""
_NAMED = 8
_DATE = r"^[+-]?\d{4}-\d{2}-\d{2}([T ].*)?$"
_KINDS_IN_WORDS: dict[ColumnKind, str] = {
    "number": "numbers",
    "category": "categories",
    "date": "dates",
    "text": "texts",
    "constant": "left out, since all rows agree",
}


@dataclass(frozen=True, eq=False)
class RowColumn:
    """A column of a table, and what it was taken for.

    Attributes:
        name: Its name.
        kind: What it was taken for: of a category there are at most 64; a text is anything with
            more different values; of a constant, no value differs from another.
        values: Of each row, (n,): Float64 for numbers, Datetime for dates, else String; null where
            missing.
    """

    name: str
    kind: ColumnKind
    values: pl.Series


def column_of(name: str, cells: Sequence[Cell]) -> RowColumn:
    """Find out what a column holds, by its values alone.

    Args:
        name: Its name.
        cells: Its values, one of each row.

    Example:
        >>> column_of("price", [326, 334.5, None]).kind
        'number'
        >>> sold = column_of("sold", ["2024-05-01", None, "2024-06-02T10:30:00"])
        >>> sold.values.dt.hour().to_list()
        [0, None, 10]
        >>> column_of("color", ["E", "J", "E"]).kind, column_of("shop", [1, 1, 1]).kind
        ('category', 'constant')
    """
    present = [cell for cell in cells if cell is not None]
    if present and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in present
    ):
        numbers = pl.Series(name, list(map(_finite, cells)), dtype=pl.Float64)
        return RowColumn(name, "number" if numbers.n_unique() > 1 else "constant", numbers)
    words = pl.Series(
        name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String
    )
    if words.n_unique() <= 1:
        return RowColumn(name, "constant", words)
    dates = _dates(words)
    if dates is not None:
        return RowColumn(name, "date", dates)
    return RowColumn(name, "category" if words.n_unique() <= MOST_CATEGORIES else "text", words)


def columns_of(rows: Sequence[Row]) -> list[RowColumn]:
    """Find out what each column of a table holds.

    Args:
        rows: All rows, each with the same columns.
    """
    cells = zip(*(row.cells for row in rows), strict=True)
    return list(map(column_of, rows[0].columns, cells))


def columns_in_words(columns: Sequence[RowColumn]) -> str:
    """What the columns were taken for, as a sentence.

    Example:
        >>> columns_in_words([column_of("a", [1, 2]), column_of("b", ["x", "y"])])
        'Taken for numbers: a; for categories: b.'
    """
    told: list[str] = []
    for kind, words in _KINDS_IN_WORDS.items():
        names = [column.name for column in columns if column.kind == kind]
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            purpose = words if kind == "constant" else f"{'for' if told else 'Taken for'} {words}"
            told.append(f"{purpose}: {', '.join(names[:_NAMED])}{more}")
    return f"{'; '.join(told)}."


def _finite(cell: Cell) -> float | None:
    number = _as_float(cell)
    return number if number is not None and math.isfinite(number) else None


def _as_float(cell: Cell) -> float | None:
    try:
        return None if cell is None else float(cell)
    except OverflowError:
        return None


def _dates(words: pl.Series) -> pl.Series | None:
    """The same as dates, where all are dates as ISO 8601 writes them."""
    if not words.drop_nulls().str.contains(_DATE).all():
        return None
    day = words.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if day.null_count() > words.null_count():
        return None
    hour = words.str.slice(11, 2).cast(pl.Int64, strict=False).fill_null(0)
    minute = words.str.slice(14, 2).cast(pl.Int64, strict=False).fill_null(0)
    dates: pl.Series = (
        day.cast(pl.Datetime("us")) + pl.select(pl.duration(hours=hour, minutes=minute)).to_series()
    )
    return dates.alias(words.name)
