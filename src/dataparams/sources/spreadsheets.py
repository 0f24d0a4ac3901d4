"""Reading spreadsheets (.xlsx), the first sheet of which is a table."""

from __future__ import annotations

import logging
import zipfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from dataparams.errors import DataError
from dataparams.extras import missing_packages_named
from dataparams.sources.free_memory import free_memory, require_fitting
from dataparams.sources.header_row import is_title, title_found, unnamed
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path
from dataparams.sources.table_columns import list_names
from dataparams.sources.uncomputed_formulas import formulas_of, told_of_formulas
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MEMORY_PER_BYTE = 3
"""How much memory reading takes for a byte of what is packed into the file, about."""
_UNNAMED = "__UNNAMED__"


def read_spreadsheet(path: Path) -> MemoryTable:
    """Read the first sheet of a spreadsheet; its first row has the names of the columns.

    Args:
        path: The file, which is read whole: a sheet has 1,048,576 rows at most.

    Raises:
        DataError: If it is damaged or empty, does not fit into memory, or if a whole column is
            empty where formulas were never computed.
        MissingPackageError: If the package that reads it is not installed.
    """
    with missing_packages_named():
        import fastexcel  # type: ignore[import-not-found, unused-ignore]
    failures = (
        fastexcel.FastExcelError,
        pl.exceptions.PolarsError,
        zipfile.BadZipFile,
        OSError,
    )
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        advice = "Save it as CSV or Parquet, which are read piece by piece."
        require_fitting(_MEMORY_PER_BYTE * size, free_memory(), shown_path(path), advice)
        sheets = list(fastexcel.read_excel(path).sheet_names)
        # It tells each column that is empty.
        logging.getLogger("fastexcel").setLevel(logging.ERROR)
        table = pl.read_excel(
            path, sheet_id=1, engine="calamine", raise_if_empty=False, drop_empty_rows=False
        )
    except failures as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{shown_path(path)} cannot be read as a spreadsheet: {reason}. Save it as CSV instead."
        ) from error
    if not table.width:
        others = f" {_others(sheets)}" if len(sheets) > 1 else ""
        raise DataError(
            f"The first sheet of {shown_path(path)} is empty; expected a row of column names, and "
            f"a row per sample.{others}"
        )
    table = _named(_without_blank_end(table))
    is_filled = [column.null_count() < len(column) for column in table]
    if is_title(table.columns, is_filled):
        raise DataError(title_found(path, table.columns))
    formulas = formulas_of(path)
    told = told_of_formulas(shown_path(path), formulas)
    # One such cell, in a row of sums, does not empty a column.
    if told and 2 * formulas.uncomputed > len(table) and not all(is_filled):
        raise DataError(told)
    remarks = [told, _others(sheets) if len(sheets) > 1 else None]
    return MemoryTable(path, table.to_arrow(), tuple(filter(None, remarks)))


def _others(sheets: Sequence[str]) -> str:
    """A sentence on the sheets that are not read."""
    verb = "is" if len(sheets) == 2 else "are"
    return (
        f"Of {counted(len(sheets), 'sheet')} the first is read, {sheets[0]!r}; "
        f"{list_names(sheets[1:])} {verb} not: move the one that is meant to the front."
    )


def _without_blank_end(table: pl.DataFrame) -> pl.DataFrame:
    """The rows up to the last that has a value; others below were once formatted."""
    rows = table.select(pl.any_horizontal(pl.all().is_not_null()).arg_true()).to_series()
    return table.head(0 if rows.is_empty() else int(rows[-1]) + 1)


def _named(table: pl.DataFrame) -> pl.DataFrame:
    return table.rename(
        {
            name: unnamed(place)
            for place, name in enumerate(table.columns)
            if name.startswith(_UNNAMED)
        }
    )


class KeptPlaces(NamedTuple):
    """Where rows and columns of a table lie in its sheet, in which some may be empty.

    Attributes:
        columns: For each column by its name, how many lie before it in the sheet's filled part.
        rows: How many rows there are below that of names; the n-th of them is sample n.
    """

    columns: dict[str, int]
    rows: int


def kept_places(path: Path) -> KeptPlaces:
    """Where the rows and columns that :func:`read_spreadsheet` gives lie in the sheet.

    Args:
        path: A spreadsheet that can be read.
    """
    read = partial(
        pl.read_excel,
        path,
        sheet_id=1,
        engine="calamine",
        drop_empty_rows=False,
        read_options={"dtypes": "string"},
    )
    kept, every = read(), read(drop_empty_cols=False)
    places = {name: place for place, name in enumerate(every.columns)}
    names = zip(_named(kept).columns, kept.columns, strict=True)
    return KeptPlaces(
        {name: places[found] for name, found in names}, len(_without_blank_end(every))
    )
