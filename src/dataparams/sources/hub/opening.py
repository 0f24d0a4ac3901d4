"""Opening a data set of the Hugging Face hub as a source of images, texts or rows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.sources.columns import ANY_COLUMNS, choose_columns, choose_contents
from dataparams.sources.hub.names import hub_repository, short_hub_name
from dataparams.sources.hub.tables import open_hub_splits
from dataparams.sources.mapped import MappedContents
from dataparams.sources.source import JoinedContents, LeftOut, SelectedContents
from dataparams.sources.table_columns import TableColumns
from dataparams.sources.table_ids import rows_of_ids
from dataparams.sources.table_source import open_contents_of, table_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dataparams.sources.columns import WantedColumns
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.source import Contents, Source


def open_hub(
    name: str,
    wanted: WantedColumns = ANY_COLUMNS,
    *,
    on_fetch: FetchProgress | None = None,
) -> Source:
    """Open a data set of the Hugging Face hub, or what an earlier opening left in its cache.

    Args:
        name: ``owner/name`` or ``name``.
        wanted: Which columns the user names.
        on_fetch: See ``open_hub_splits``.

    Returns:
        The source, with ids ``<split>/<row>``; any row can be read at any time.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, it is not clear which columns are meant, or labels are
            not usable.
    """
    splits = open_hub_splits(name, on_fetch=on_fetch)
    table = _describe(splits.tables)
    return table_source(
        kind="data set of the Hugging Face hub",
        place=hub_repository(name),
        name=short_hub_name(name),
        table=table,
        columns=choose_columns(table, wanted),
        splits={split: HubSplit(each) for split, each in splits.tables.items()},
        left_out=_unused(splits.unused, splits.tables),
    )


def open_hub_contents(
    name: str, wanted: WantedColumns = ANY_COLUMNS
) -> Callable[[Sequence[str]], Contents]:
    """Open the contents of rows of a data set of the hub by their ids.

    Args:
        name: ``owner/name`` or ``name``.
        wanted: Which columns the user, or the run, names.

    Returns:
        What gives the contents of ids ``<split>/<row>``, row i of which is that of the i-th.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, or it is not clear which column is meant.
    """
    tables = open_hub_splits(name).tables
    chosen = choose_contents(_describe(tables), wanted)
    counts = {split: len(table) for split, table in tables.items()}
    contents = JoinedContents(
        [open_contents_of(HubSplit(each), chosen) for each in tables.values()]
    )
    return lambda ids: SelectedContents(contents, rows_of_ids(ids, counts))


class HubSplit(NamedTuple):
    """A split of a data set of the hub.

    Attributes:
        table: A ``datasets.Dataset``.
    """

    table: Any

    def read(self, column: str) -> Any:
        """Read a column, as an Arrow chunked array."""
        return self.table.select_columns([column]).with_format("arrow")[:].column(column)

    def open_images(self, column: str) -> Contents:
        """Open a column of images, of which none is read."""
        return MappedContents(self.table, column)


def _describe(tables: Mapping[str, Any]) -> TableColumns:
    """Describe the columns, which the library requires to be the same in all splits."""
    import pyarrow as pa

    first = next(iter(tables.values()))
    declared = {
        column: tuple(map(str, feature.names))
        for column, feature in first.features.items()
        if getattr(feature, "names", None)
    }

    @cache
    def read(column: str) -> Any:
        columns = [HubSplit(table).read(column) for table in tables.values()]
        return pa.chunked_array([chunk for each in columns for chunk in each.chunks])

    return TableColumns(first.features.arrow_schema, read, declared)


def _unused(unused: Mapping[str, int | None], used: Mapping[str, Any]) -> list[LeftOut]:
    beside = " and ".join(map(repr, used))
    return [
        LeftOut(
            f"row of the split {split!r}, beside {beside}"
            + ("" if count is not None else " (the hub does not tell of how many rows)"),
            (split,),
            count or 0,
        )
        for split, count in unused.items()
    ]
