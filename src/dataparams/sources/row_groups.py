"""Reading a column of a Parquet file's row groups, few rows or all of them."""

from __future__ import annotations

import contextlib
import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import DataError
from dataparams.sources.arrow_types import arrow_array
from dataparams.sources.cells import cell_contents, cell_sizes
from dataparams.sources.kept_pieces import keep_pieces
from dataparams.sources.source import Contents, Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

_BUFFER_BYTES = 1 << 20
_BYTES_AT_ONCE = 8 << 20
_MOST_ROWS_AT_ONCE = 1024
BYTES_READ_WHOLE = 1 << 27
_MOST_ROWS_OF_BATCH = 1 << 16
_FAILURES = (pa.ArrowException, OSError, IndexError, KeyError)


class ParquetTable(NamedTuple):
    """A Parquet file of which only the metadata have been read.

    Attributes:
        path: Where it is.
        schema: Names and Arrow types of its columns, with metadata.
        group_rows: Number of rows of each row group.
    """

    path: Path
    schema: Any
    group_rows: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return sum(self.group_rows)

    def read(self, columns: Sequence[str]) -> Any:
        """Read whole columns that are no columns of images, as an Arrow table."""
        return read_columns(self.path, columns)


def shown_path(path: Path) -> str:
    """A path as it can be printed, also where its name is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_parquet(path: Path) -> ParquetTable:
    """Read the metadata of a Parquet file.

    Args:
        path: The file.

    Raises:
        DataError: If it is damaged, is no Parquet file, or cannot be read.
    """
    if not path.is_file():
        # A named pipe would be waited for.
        raise DataError(f"{shown_path(path)} cannot be read as Parquet: there is no file.")
    try:
        with _opened(path) as file:
            metadata = file.metadata
            groups = range(metadata.num_row_groups)
            counts = tuple(metadata.row_group(number).num_rows for number in groups)
            # Some programs write metadata beside the schema, not into it.
            about = {**(metadata.metadata or {}), **(file.schema_arrow.metadata or {})}
            return ParquetTable(path, file.schema_arrow.with_metadata(about), counts)
    except _FAILURES as error:
        raise _damaged(path, error) from error


def read_columns(path: Path, columns: Sequence[str]) -> Any:
    """Read whole columns that are no columns of images.

    Args:
        path: The file.
        columns: The columns' names.

    Returns:
        An Arrow table.

    Raises:
        DataError: If the file is damaged.
    """
    try:
        with _opened(path) as file:
            if _bytes_of(file.metadata, columns) <= BYTES_READ_WHOLE:
                return file.read(columns=list(columns)).select(list(columns))
    except _FAILURES as error:
        raise _damaged(path, error) from error
    kept = keep_pieces(_iterate_batches(path, columns), shown_path(path))
    return pa.Table.from_batches(kept).select(list(columns))


def _iterate_batches(path: Path, columns: Sequence[str]) -> Iterator[Any]:
    try:
        with _opened(path) as file:
            size = _bytes_of(file.metadata, columns) // max(1, file.metadata.num_rows)
            rows = max(1, min(_MOST_ROWS_OF_BATCH, _BYTES_AT_ONCE // max(1, size)))
            yield from file.iter_batches(rows, columns=list(columns), use_threads=False)
    except _FAILURES as error:
        raise _damaged(path, error) from error


def _bytes_of(metadata: Any, columns: Sequence[str]) -> int:
    """Bytes of columns in memory, about; what is stored as numbers of its values takes more."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = (group.column(place) for group in groups for place in range(group.num_columns))
    return sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in columns
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from pyarrow import parquet

    # A buffer keeps all of a row group, which may be the whole file, from being read at once; the
    # name is given as bytes since it may not be UTF-8.
    with (
        pa.OSFile(os.fsencode(path)) as stream,
        parquet.ParquetFile(stream, buffer_size=_BUFFER_BYTES) as file,
    ):
        yield file


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{shown_path(path)} cannot be read as Parquet: {_first_line(error)}.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__


class ParquetContents(Contents):
    """The images of Parquet files, whose rows are numbered on from file to file.

    Reading a row reads its row group up to there, and no other.

    Args:
        files: The files.
        column: Name of the column of images.
    """

    def __init__(self, files: Sequence[ParquetTable], column: str) -> None:
        self._paths = [file.path for file in files]
        self._column = column
        groups = [
            (number, group, count)
            for number, file in enumerate(files)
            for group, count in enumerate(file.group_rows)
            if count
        ]
        self._groups = np.array(groups, dtype=np.int64).reshape(-1, 3)
        self._starts = np.concatenate([[0], np.cumsum(self._groups[:, 2])])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; see :class:`dataparams.sources.source.Contents`."""
        contents: dict[int, Content | UnreadableContentError] = {}
        for found in self.sweep(rows):
            contents.update(zip(found.places, found.contents, strict=True))
        return [contents[place] for place in range(len(rows))]

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows, each row group once."""
        wanted = np.asarray(rows, dtype=np.int64)
        order = np.argsort(wanted, kind="stable")
        sought = wanted[order]
        groups = np.searchsorted(self._starts, sought, side="right") - 1
        bounds = np.flatnonzero(np.diff(groups, prepend=-1, append=-1)).tolist()
        for first, last in pairwise(bounds):
            group = int(groups[first])
            within = sought[first:last] - self._starts[group]
            yield from self._read_group(group, within, order[first:last])

    def _read_group(
        self, group: int, rows: NDArray[np.int64], places: NDArray[np.int64]
    ) -> Iterator[Found]:
        """Read some rows of a group, given in ascending order, up to where it is damaged."""
        path = self._paths[self._groups[group, 0]]
        folder = os.fspath(path.parent)
        start, done = 0, 0
        try:
            for cells in _iterate_cells(path, int(self._groups[group, 1]), self._column):
                stop = int(np.searchsorted(rows, start + len(cells)))
                some = rows[done:stop] - start
                start += len(cells)
                if len(some):
                    chosen = (
                        cells
                        if _is_all(some, len(cells))
                        else cells.take(arrow_array(some, pa.int64()))
                    )
                    yield Found(places[done:stop].tolist(), cell_contents(chosen, folder))
                    done = stop
                if done == len(rows):
                    return
            reason = "the file has fewer rows than it had"
        except _FAILURES as error:
            reason = f"the file of the table is damaged or gone ({_first_line(error)})"
        left = places[done:].tolist()
        yield Found(left, [UnreadableContentError(reason)] * len(left))

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image, (n,), -1 where there is only a path, or nothing.

        The files are gone through for it, a piece at a time.
        """
        sizes = np.full(len(self), -1, dtype=np.int64)
        for (number, group, _), start in zip(self._groups.tolist(), self._starts, strict=False):
            place = int(start)
            with contextlib.suppress(*_FAILURES):
                for cells in _iterate_cells(self._paths[number], group, self._column):
                    sizes[place : place + len(cells)] = cell_sizes(cells)
                    place += len(cells)
        return sizes


def _is_all(rows: NDArray[np.int64], count: int) -> bool:
    return len(rows) == count and bool((rows == np.arange(count)).all())


def _iterate_cells(path: Path, group: int, column: str) -> Iterator[Any]:
    """Read a column of a row group piece by piece, since a whole file can be one row group."""
    with _opened(path) as file:
        about = file.metadata.row_group(group)
        bytes_per_row = max(1, about.total_byte_size // max(1, about.num_rows))
        at_once = max(1, min(_MOST_ROWS_AT_ONCE, _BYTES_AT_ONCE // bytes_per_row))
        # Threads would read several columns at once, and cost time with one.
        for batch in file.iter_batches(
            at_once, row_groups=[group], columns=[column], use_threads=False
        ):
            yield batch.column(column)
