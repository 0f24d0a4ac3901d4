"""Opening a data set of the Hugging Face hub as a source of images, texts or rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataparams.sources.columns import ANY_COLUMNS, choose_columns, choose_contents
from dataparams.sources.hub.names import hub_repository, short_hub_name
from dataparams.sources.hub.tables import open_hub_splits
from dataparams.sources.library_tables import LibrarySplit, describe_library_tables
from dataparams.sources.source import JoinedContents, LeftOut, SelectedContents
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
    all_splits: bool = False,
    on_fetch: FetchProgress | None = None,
) -> Source:
    """Open a data set of the Hugging Face hub, or what an earlier opening left in its cache.

    Args:
        name: ``owner/name`` or ``name``.
        wanted: Which columns the user names.
        all_splits: Whether all splits with labels are wanted, ``test`` beside ``validation``, too.
        on_fetch: See ``open_hub_splits``.

    Returns:
        The source, with ids ``<split>/<row>``; any row can be read at any time.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, it is not clear which columns are meant, or labels are
            not usable.
    """
    splits = open_hub_splits(name, all_splits=all_splits, on_fetch=on_fetch)
    table = describe_library_tables(splits.tables)
    return table_source(
        kind="data set of the Hugging Face hub",
        place=hub_repository(name),
        name=short_hub_name(name),
        table=table,
        columns=choose_columns(table, wanted),
        splits={split: LibrarySplit(each) for split, each in splits.tables.items()},
        left_out=_unused(splits.unused, splits.tables),
    )


def open_hub_contents(
    name: str, wanted: WantedColumns = ANY_COLUMNS, *, all_splits: bool = False
) -> Callable[[Sequence[str]], Contents]:
    """Open the contents of rows of a data set of the hub by their ids.

    Args:
        name: ``owner/name`` or ``name``.
        wanted: Which columns the user, or the run, names.
        all_splits: As of :func:`open_hub`.

    Returns:
        What gives the contents of ids ``<split>/<row>``, row i of which is that of the i-th.

    Raises:
        NotOnHubError: If the data set is unknown or the hub cannot be reached.
        DataError: If the hub refuses it, or it is not clear which column is meant.
    """
    tables = open_hub_splits(name, all_splits=all_splits).tables
    chosen = choose_contents(describe_library_tables(tables), wanted)
    counts = {split: len(table) for split, table in tables.items()}
    contents = JoinedContents(
        [open_contents_of(LibrarySplit(each), chosen) for each in tables.values()]
    )
    return lambda ids: SelectedContents(contents, rows_of_ids(ids, counts))


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
