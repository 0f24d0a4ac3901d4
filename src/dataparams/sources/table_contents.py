"""Contents of rows of tables, chosen by number or by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.contents.content import UnreadableContentError
from dataparams.sources.arrow_types import arrow_array, numpy_array
from dataparams.sources.source import Contents, Found
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

_ROW_ID = r"^(?P<split>.*)/(?P<row>0|[1-9][0-9]{0,15})$"


class TableContents(Contents):
    """Contents of some rows of tables.

    Args:
        tables: The tables, whose rows are counted on from one to the next.
        rows: Which of these rows, in the order wanted, -1 for none; None takes all.
    """

    def __init__(self, tables: Sequence[Contents], rows: NDArray[np.int64] | None = None) -> None:
        self._tables = list(tables)
        self._starts = np.concatenate([[0], np.cumsum([len(table) for table in tables])])
        self._rows = rows

    def __len__(self) -> int:
        return int(self._starts[-1]) if self._rows is None else len(self._rows)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; see :class:`dataparams.sources.source.Contents`."""
        contents: dict[int, Content | UnreadableContentError] = {}
        for table, wanted, places in self._by_table(rows):
            contents.update(zip(places.tolist(), table.read(wanted.tolist()), strict=True))
        nothing = UnreadableContentError("the source has no row of this id")
        return [contents.get(place, nothing) for place in range(len(rows))]

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows, in the order in which they are stored."""
        numbers = self._numbers(rows)
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            nothing = UnreadableContentError("the source has no row of this id")
            yield Found(missing, [nothing] * len(missing))
        for table, wanted, places in self._by_table(rows):
            for found in table.sweep(wanted):  # type: ignore[arg-type]
                yield Found(places[np.asarray(found.places)].tolist(), found.contents)

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each content as it is stored, (n,), -1 where there is none."""
        sizes = np.concatenate([*(table.sizes() for table in self._tables), [-1]])
        if self._rows is None:
            return sizes[:-1].astype(np.int64)
        # -1, where there is no row, takes the last.
        return sizes[self._rows].astype(np.int64)

    def _numbers(self, rows: Sequence[int]) -> NDArray[np.int64]:
        wanted = np.asarray(rows, dtype=np.int64)
        return wanted if self._rows is None else self._rows[wanted]

    def _by_table(
        self, rows: Sequence[int]
    ) -> Iterator[tuple[Contents, NDArray[np.int64], NDArray[np.int64]]]:
        """Rows of each table, counted from its first, and their places among those wanted."""
        numbers = self._numbers(rows)
        owners = np.searchsorted(self._starts, numbers, side="right") - 1
        for owner, table in enumerate(self._tables):
            places = np.flatnonzero((owners == owner) & (numbers >= 0))
            if len(places):
                yield table, numbers[places] - self._starts[owner], places


def find_rows(ids: Sequence[str], splits: Mapping[str, int]) -> NDArray[np.int64]:
    """Find the rows of tables that ids ``<split>/<row>`` mean.

    Args:
        ids: The ids, which may come from a stranger.
        splits: Number of rows of each split; rows are counted on from one to the next.

    Returns:
        The row of each, (n,), -1 where there is none.

    Example:
        >>> find_rows(["val/1", "train/2", "train/3", "train/01"], {"train": 3, "val": 2}).tolist()
        [4, 2, -1, -1]
    """
    parts = pc.extract_regex(_as_arrow(ids), _ROW_ID)
    names, texts = (pc.struct_field(parts, field) for field in ("split", "row"))
    numbers = numpy_array(pc.fill_null(texts.cast(pa.int64()), -1))
    rows = np.full(len(numbers), -1, dtype=np.int64)
    start = 0
    for split, count in splits.items():
        is_named = pc.fill_null(pc.equal(names, pa.scalar(split, pa.large_string())), False)
        is_here = numpy_array(is_named) & (numbers >= 0) & (numbers < count)
        rows[is_here] = start + numbers[is_here]
        start += count
    return rows


def _as_arrow(ids: Sequence[str]) -> Any:
    if isinstance(ids, TextColumn):
        return ids.arrow
    try:
        return arrow_array(ids, pa.large_string())
    except UnicodeEncodeError:
        safe = [name.encode(errors="replace").decode() for name in ids]
        return arrow_array(safe, pa.large_string())
