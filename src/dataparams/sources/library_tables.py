"""Tables of the library ``datasets``: their columns described, and read as Arrow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.sources.mapped import MappedContents
from dataparams.sources.table_columns import TableColumns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataparams.sources.source import Contents


class LibrarySplit(NamedTuple):
    """A split of a data set.

    Attributes:
        table: A ``datasets.Dataset``.
        folder: What paths of images in it are relative to.
    """

    table: Any
    folder: str = ""

    def read(self, column: str) -> Any:
        """Read a column, as an Arrow chunked array."""
        return self.table.select_columns([column]).with_format("arrow")[:].column(column)

    def open_images(self, column: str) -> Contents:
        """Open a column of images, of which none is read."""
        return MappedContents(self.table, column, self.folder)


def describe_library_tables(tables: Mapping[str, Any]) -> TableColumns:
    """Describe the columns of tables, which the library requires to be the same in all splits.

    Args:
        tables: Tables (``datasets.Dataset``) by the name of their split.
    """
    import pyarrow as pa

    first = next(iter(tables.values()))
    declared = {
        column: tuple(map(str, feature.names))
        for column, feature in first.features.items()
        if getattr(feature, "names", None)
    }

    @cache
    def read(column: str) -> Any:
        columns = [LibrarySplit(table).read(column) for table in tables.values()]
        return pa.chunked_array([chunk for each in columns for chunk in each.chunks])

    return TableColumns(first.features.arrow_schema, read, declared)
