"""Images of tables that the library ``datasets`` keeps as Arrow files, mapped from disk."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import DataError
from dataparams.sources.cells import cell_contents, cell_sizes
from dataparams.sources.hub.library import quiet_libraries
from dataparams.sources.row_groups import shown_path
from dataparams.sources.source import Contents, Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content, UnreadableContentError
    from dataparams.sources.row_groups import ParquetTable

_ROWS_AT_ONCE = 64


class MappedContents(Contents):
    """The images of a table of the library, any row of which can be read at any time.

    Args:
        table: A ``datasets.Dataset``.
        column: Name of the column of images.
        folder: What paths in the column are relative to.
    """

    def __init__(self, table: Any, column: str, folder: str = "") -> None:
        # As Arrow, images come as they are stored.
        self._table = table.select_columns([column]).with_format("arrow")
        self._column = column
        self._folder = folder

    def __len__(self) -> int:
        return len(self._table)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; see :class:`dataparams.sources.source.Contents`."""
        if not len(rows):
            return []
        column = self._table[np.asarray(rows).tolist()].column(self._column)
        return [
            content for chunk in column.chunks for content in cell_contents(chunk, self._folder)
        ]

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows, in the order in which they are stored."""
        wanted = np.asarray(rows, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        for start in range(0, len(order), _ROWS_AT_ONCE):
            places = order[start : start + _ROWS_AT_ONCE]
            yield Found(places.tolist(), self.read(wanted[places].tolist()))

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image, (n,), -1 where there is only a path, or nothing."""
        chunks = self._table.data.column(self._column).chunks
        return np.concatenate([np.empty(0, dtype=np.int64), *map(cell_sizes, chunks)])


def map_parquet(files: Sequence[ParquetTable], column: str) -> list[Contents]:
    """Have the library copy the images of Parquet files to where any row can be read at any time.

    The copy is kept in the library's cache, and made once.

    Args:
        files: The files.
        column: Name of the column of images.

    Returns:
        Their images, one after the other.

    Raises:
        DataError: If they cannot be read, or the copy not be written.
    """
    import datasets

    # Paths in a table are relative to its file, so each folder is a table of its own.
    groups: list[tuple[Path, list[ParquetTable]]] = []
    for file in files:
        if not groups or groups[-1][0] != file.path.parent:
            groups.append((file.path.parent, []))
        groups[-1][1].append(file)
    named = {
        f"part{number}": [glob.escape(str(file.path)) for file in some]
        for number, (_, some) in enumerate(groups)
    }
    try:
        with quiet_libraries():
            loaded: Mapping[str, Any] = datasets.load_dataset(
                "parquet", data_files=named, columns=[column]
            )
    except Exception as error:
        told = str(error.__cause__ or error).partition("\n")[0].rstrip(".")
        reason = told.encode(errors="backslashreplace").decode()
        raise DataError(
            f"The Parquet files in {shown_path(groups[0][0])} cannot be copied to the cache of "
            f"the library datasets: {reason}."
        ) from error
    tables: list[Contents] = []
    for part, (folder, some) in zip(named, groups, strict=True):
        expected = sum(file.num_rows for file in some)
        if len(loaded[part]) != expected:
            raise DataError(
                f"The copy of {shown_path(folder)} in the cache of the library datasets has "
                f"{len(loaded[part])} rows; expected {expected}. Remove that copy."
            )
        tables.append(MappedContents(loaded[part], column, os.fspath(folder)))
    return tables
