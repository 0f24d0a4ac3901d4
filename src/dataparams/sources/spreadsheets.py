"""Reading spreadsheets (.xlsx), the first sheet of which is a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.errors import DataError
from dataparams.extras import missing_packages_named
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from pathlib import Path


def read_spreadsheet(path: Path) -> MemoryTable:
    """Read the first sheet of a spreadsheet; its first row has the names of the columns.

    Args:
        path: The file.

    Raises:
        DataError: If it is damaged, or empty.
        MissingPackageError: If the package that reads it is not installed.
    """
    with missing_packages_named():
        import fastexcel  # type: ignore[import-not-found, unused-ignore]
    try:
        table = pl.read_excel(path, sheet_id=1, engine="calamine", raise_if_empty=False)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{shown_path(path)} cannot be read as a spreadsheet: {reason}. Save it as CSV instead."
        ) from error
    if not table.width:
        raise DataError(
            f"The first sheet of {shown_path(path)} is empty; expected a row of column names, and "
            "a row per sample."
        )
    return MemoryTable(path, table.to_arrow())
