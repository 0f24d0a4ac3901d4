"""Tables of files that are read once, all columns together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class MemoryTable(NamedTuple):
    """A table in memory, or mapped from disk.

    Attributes:
        path: The file that it was read from.
        table: All columns, as an Arrow table.
    """

    path: Path
    table: Any

    @property
    def schema(self) -> Any:
        """Names and Arrow types of its columns."""
        return self.table.schema

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def read(self, columns: Sequence[str]) -> Any:
        """Some columns, as an Arrow table."""
        return self.table.select(list(columns))
