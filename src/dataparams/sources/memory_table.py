"""Tables of files that are read once, all columns together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path


class MemoryTable(NamedTuple):
    """A table in memory, or mapped from disk.

    Attributes:
        path: The file that it was read from.
        table: All columns, as an Arrow table.
        remarks: What was not read; sentences.
    """

    path: Path
    table: Any
    remarks: tuple[str, ...] = ()

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

    def notes(self, _: Collection[str]) -> list[str]:
        """Sentences on what may be meant otherwise."""
        return list(self.remarks)
