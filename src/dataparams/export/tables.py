"""Plain tables of the samples: CSV (RFC 4180), and JSON Lines (https://jsonlines.org).

Texts and the cells of rows are beside our columns; images are not, and none is opened. Names of
classes stand in place of numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from dataparams.export.content_columns import content_columns
from dataparams.export.writing import csv_bytes
from dataparams.run.spreadsheet_cells import like_formula
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.export.writing import Export

_FIRST = ("index", "id", "label")


def write_csv(export: Export) -> None:
    """Write ``samples.csv``, a row per sample."""
    formulas: list[str] = []
    broken = 0

    def encode(rows: pl.DataFrame, cells: pl.DataFrame, is_first: bool) -> bytes:
        nonlocal broken
        if not formulas:
            formulas.extend(_like_formulas(cells))
        broken += _count_of_nul(cells)
        return csv_bytes(rows, header=is_first)

    _write(export, "samples.csv", encode)
    export.tell_of_formulas("samples.csv", formulas)
    if broken:
        export.notices.append(
            f"The character NUL is in {counted(broken, 'sample')} of samples.csv; many readers of "
            'CSV stop there, while those of `to="jsonl"` and `to="parquet"` do not.'
        )


def write_jsonl(export: Export) -> None:
    """Write ``samples.jsonl``, an object per sample and line; what is no number is null."""
    _write(export, "samples.jsonl", lambda rows, *_: json_lines(rows).encode())


def json_lines(frame: pl.DataFrame) -> str:
    """Rows as JSON objects, a line each; JSON knows neither NaN nor infinity."""
    floats = cs.float()
    finite = pl.when(floats.is_finite()).then(floats)
    return frame.with_columns(finite).write_ndjson()


def _like_formulas(cells: pl.DataFrame) -> list[str]:
    """The first name of a column, or else the first cell, that a spreadsheet would run."""
    texts = cells.select(cs.string())
    columns = (pl.Series(cells.columns, dtype=pl.String), *texts.get_columns())
    found = (column.filter(like_formula(column)) for column in columns)
    return next((some.head(1).to_list() for some in found if len(some)), [])


def _count_of_nul(cells: pl.DataFrame) -> int:
    """How many rows have the character NUL, which ends a file for some readers."""
    texts = cells.select(cs.string())
    if not texts.width:
        return 0
    has_nul = pl.any_horizontal(pl.all().str.contains("\0", literal=True))
    return int(texts.select(has_nul.fill_null(value=False).sum()).item())


def _write(
    export: Export, name: str, encode: Callable[[pl.DataFrame, pl.DataFrame, bool], bytes]
) -> None:
    columns = content_columns(export)
    export.notices += columns.notices
    temporary = export.destination.temporary()
    is_first = True
    with temporary.open("wb") as stream:
        for rows, cells in columns.pieces:
            known = export.samples.named(rows)
            table = pl.concat(
                [known.select(_FIRST), cells, known.select(pl.exclude(_FIRST))], how="horizontal"
            )
            stream.write(encode(table, cells, is_first))
            is_first = False
    if not columns.schema:
        export.count = len(export.samples)
    if export.count:
        export.destination.place(temporary, name)
