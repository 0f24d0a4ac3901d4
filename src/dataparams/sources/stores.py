"""Encoded images by row, read when they are needed; a store can be handed to other processes."""

from __future__ import annotations

import os
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.image_files import EncodedImage
    from dataparams.sources.text_column import TextColumn

Encoded: TypeAlias = "bytes | memoryview | UnreadableContentError"
"""An encoded image, or why there is none."""


class ImageStore(Protocol):
    """Encoded images by row."""

    def __len__(self) -> int:
        """Number of rows."""

    def read(self, rows: Sequence[int]) -> list[Encoded]:
        """Read the encoded images of some rows; what is missing has its reason in its place."""

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each encoded image, (n,), -1 where there is none; reads none of them."""


class ImageTable(Protocol):
    """A table with a column of encoded images, such as a split of a hub's data set."""

    def __len__(self) -> int:
        """Number of rows."""

    def read(self, rows: Sequence[int]) -> list[EncodedImage]:
        """Read the cells of some rows."""

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each cell, (n,), -1 where there is none."""


class FileStore:
    """Image files below a folder.

    Args:
        folder: The folder.
        names: Their paths relative to it.

    Example:
        >>> from pathlib import Path
        >>> from dataparams.sources.text_column import TextColumn
        >>> store = FileStore(Path("nowhere"), TextColumn(["cat/1.jpg"]))
        >>> len(store), store.sizes().tolist(), store.read([0])
        (1, [-1], [UnreadableContentError('the file is missing')])
    """

    def __init__(self, folder: Path, names: TextColumn) -> None:
        self._folder = os.fspath(folder.resolve())
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def read(self, rows: Sequence[int]) -> list[Encoded]:
        """Read some files."""
        return [_read(f"{self._folder}/{self._names[row]}") for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each file, -1 for those that are missing."""
        sizes = (_file_size(f"{self._folder}/{name}") for name in self._names)
        return np.fromiter(sizes, np.int64, len(self))


class TableStore:
    """Rows of tables, counted on from one to the next.

    Args:
        tables: The tables.
    """

    def __init__(self, tables: Sequence[ImageTable]) -> None:
        self._tables = list(tables)
        self._starts = [0, *accumulate(map(len, tables))]

    def __len__(self) -> int:
        return self._starts[-1]

    def read(self, rows: Sequence[int]) -> list[Encoded]:
        """Read some rows, each table's at once."""
        found: dict[int, Encoded] = {}
        by_table: dict[int, list[int]] = {}
        for row in rows:
            by_table.setdefault(bisect_right(self._starts, row) - 1, []).append(row)
        for number, some in by_table.items():
            start = self._starts[number]
            cells = self._tables[number].read([row - start for row in some])
            found |= {row: _contents(cell) for row, cell in zip(some, cells, strict=True)}
        return [found[row] for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each cell, -1 where there is none."""
        return np.concatenate([table.sizes() for table in self._tables])


def _contents(cell: EncodedImage) -> Encoded:
    if cell is None:
        return UnreadableContentError("there is no image")
    return cell if isinstance(cell, bytes) else _read(cell)


def _read(path: str | Path) -> Encoded:
    try:
        return read_file(path)
    except UnreadableContentError as error:
        return error


def _file_size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - as above
    except (OSError, ValueError):
        return -1
