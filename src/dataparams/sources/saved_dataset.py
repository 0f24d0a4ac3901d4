"""A folder that ``save_to_disk`` of the library ``datasets`` wrote, opened as a source."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from dataparams.errors import DataError
from dataparams.sources.columns import ANY_COLUMNS, choose_columns, choose_contents
from dataparams.sources.folder import as_folder_name
from dataparams.sources.library_tables import LibrarySplit, describe_library_tables
from dataparams.sources.row_groups import shown_path
from dataparams.sources.source import JoinedContents, LeftOut, SelectedContents
from dataparams.sources.split_names import choose_splits
from dataparams.sources.table_ids import rows_of_ids
from dataparams.sources.table_source import open_contents_of, table_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dataparams.sources.columns import WantedColumns
    from dataparams.sources.source import Contents, Source

_STATE = "state.json"
_OF_ONE = ("dataset_info.json", _STATE)
_OF_SEVERAL = "dataset_dict.json"


def is_saved_dataset(folder: Path) -> bool:
    """Whether ``save_to_disk`` wrote a folder, by the names of the files in it."""
    is_one = all((folder / name).is_file() for name in _OF_ONE)
    return is_one or (folder / _OF_SEVERAL).is_file()


def open_saved_dataset(
    path: Path, wanted: WantedColumns = ANY_COLUMNS, *, all_splits: bool = False
) -> Source:
    """Open a folder of ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk``.

    Nothing is copied: the files are mapped from disk, and any row can be read at any time.

    Args:
        path: The folder.
        wanted: Which columns the user names.
        all_splits: Whether all splits are wanted, beside one to train on and one to validate on.

    Returns:
        The source, with ids ``<split>/<row>``.

    Raises:
        DataError: If a file is damaged or missing, it is not clear which columns are meant, or
            labels are not usable.
    """
    every = _read_tables(path)
    splits = {name: every[name] for name in _chosen(path, every, all_splits=all_splits)}
    table = describe_library_tables(splits)
    return table_source(
        kind="data set saved by the library datasets",
        place=os.fspath(path.resolve()),
        name=as_folder_name(path.resolve().name),
        table=table,
        columns=choose_columns(table, wanted),
        splits={name: LibrarySplit(each, str(path)) for name, each in splits.items()},
        left_out=_left_out(every, splits),
    )


def open_saved_contents(
    path: Path, wanted: WantedColumns = ANY_COLUMNS, *, all_splits: bool = False
) -> Callable[[Sequence[str]], Contents]:
    """Open the contents of rows of such a folder by their ids.

    Args:
        path: The folder.
        wanted: Which columns the user, or the run, names.
        all_splits: As of :func:`open_saved_dataset`.

    Returns:
        What gives the contents of ids ``<split>/<row>``, row i of which is that of the i-th.

    Raises:
        DataError: If a file is damaged or missing, or it is not clear which column is meant.
    """
    every = _read_tables(path)
    splits = {name: every[name] for name in _chosen(path, every, all_splits=all_splits)}
    chosen = choose_contents(describe_library_tables(splits), wanted)
    counts = {name: len(each) for name, each in splits.items()}
    contents = JoinedContents(
        [open_contents_of(LibrarySplit(each, str(path)), chosen) for each in splits.values()]
    )
    return lambda ids: SelectedContents(contents, rows_of_ids(ids, counts))


def _read_tables(path: Path) -> dict[str, Any]:
    """The tables (``datasets.Dataset``) by the name of their split; a single one is ``train``.

    Raises:
        DataError: If they cannot be read, or nothing is in them.
    """
    from dataparams.sources.hub.library import quiet_libraries

    try:
        with quiet_libraries():
            tables = {name: _read_table(folder) for name, folder in _folders(path).items()}
    except Exception as error:
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(
            f"{shown_path(path)} was saved by the library datasets, as the names in it tell, and "
            f"cannot be read: {reason}. Expected a folder as save_to_disk leaves it, with all of "
            "its files; save it again."
        ) from error
    filled = {name: table for name, table in tables.items() if table is not None and len(table)}
    if not filled:
        raise DataError(f"{shown_path(path)} is a data set without rows; expected samples in it.")
    return filled


def _folders(path: Path) -> dict[str, Path]:
    """Where each split lies."""
    if not (path / _OF_SEVERAL).is_file():
        return {"train": path}
    names = json.loads((path / _OF_SEVERAL).read_text(encoding="utf-8"))["splits"]
    return {str(name): path / str(name) for name in names}


def _read_table(folder: Path) -> Any:
    """One ``datasets.Dataset``; None of a table without rows, which the library cannot load."""
    import datasets

    state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    return datasets.Dataset.load_from_disk(str(folder)) if state["_data_files"] else None


def _chosen(path: Path, every: Mapping[str, Any], *, all_splits: bool) -> list[str]:
    """The names of the splits that are used, training first."""
    names = list(every)
    train, val = choose_splits(names)
    if train is None and len(names) > 1:
        raise DataError(
            f"{shown_path(path)} has the splits {', '.join(map(repr, names))}; expected one of "
            "them to be 'train'."
        )
    first = [name for name in (train or names[0], val if train else None) if name is not None]
    return [*first, *(name for name in names if name not in first)] if all_splits else first


def _left_out(every: Mapping[str, Any], used: Mapping[str, Any]) -> list[LeftOut]:
    beside = " and ".join(map(repr, used))
    return [
        LeftOut(f"row of the split {name!r}, beside {beside}", (name,), len(table))
        for name, table in every.items()
        if name not in used
    ]
