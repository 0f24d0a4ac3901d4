"""The files of tables at a path: their kinds, their splits, and whether their columns agree."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.arrow_types import describe_type, plain_values
from dataparams.sources.discarded import DISCARDED
from dataparams.sources.folder import is_image_file, walk_visible
from dataparams.sources.row_groups import ParquetTable, shown_path
from dataparams.sources.split_names import choose_splits, split_word
from dataparams.sources.table_columns import TableColumns, declared_classes, index_columns
from dataparams.sources.table_kinds import is_table_file, require_table_file, table_kind
from dataparams.sources.table_reading import read_table_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDENED = {"whole numbers": "numbers"}
_PARQUET = "Parquet"
_LISTS = {
    "changes.csv": b"index,id,old_label,new_label,action,who,when,why\n",
    "left_out.csv": b"id,reason\n",
}


class TableFile(Protocol):
    """A file that holds a table, of which names and types of the columns are known."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def schema(self) -> Any:
        """Names and Arrow types of its columns, with metadata."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""

    def read(self, columns: Sequence[str]) -> Any:
        """Read whole columns that are no columns of images, as an Arrow table."""


def has_tables(folder: Path) -> bool:
    """Whether a folder holds tables rather than images.

    Of Parquet files and images the first decides; other tables lie beside images often, such as
    lists of labels, and count where there are no images.
    """
    is_found = False
    for _, files in walk_visible(folder):
        if any(table_kind(name) == _PARQUET for name in files):
            return True
        if any(map(is_image_file, files)):
            return False
        is_found = is_found or any(map(is_table_file, files))
    return is_found


class ArrangedFiles(NamedTuple):
    """The tables of a path, none of them opened.

    Attributes:
        kind: What they are, such as ``Parquet``.
        splits: Files by the name of their split, in the order train, val, and further ones where
            all are wanted; one entry where there is only one split.
        unused: Files that are not used, by the split that their names tell of; "" for none.
        notes: What may be meant otherwise; sentences.
    """

    kind: str
    splits: dict[str, list[Path]]
    unused: dict[str, list[Path]]
    notes: tuple[str, ...] = ()


def arrange_files(path: Path, *, all_splits: bool = False) -> ArrangedFiles:
    """Arrange a file, or the files of the first kind of tables of a folder, by split.

    Args:
        path: The file or folder.
        all_splits: Whether all splits are wanted, ``test`` beside ``val``, too.

    Returns:
        The files; where no name tells of a training split, all of them are the one split.

    Raises:
        DataError: If there is no table, or a file is none.
    """
    if not path.is_dir():
        return ArrangedFiles(require_table_file(path), {"train": [path]}, {})
    files_there = (Path(root, name) for root, names in walk_visible(path) for name in names)
    found = [file for file in files_there if not _is_list_of_export(file)]
    kinds = [kind for kind in (table_kind(file.name) for file in found) if kind is not None]
    if not kinds:
        raise DataError(f"{shown_path(path)} holds no tables; expected .parquet or .csv files.")
    kind = _PARQUET if _PARQUET in kinds else max(kinds, key=kinds.count)
    files = [file for file in found if table_kind(file.name) == kind]
    by_split: dict[str, list[Path]] = {}
    for file in sorted(files, key=lambda f: f.relative_to(path).as_posix()):
        parts = [file.stem, *reversed(file.relative_to(path).parent.parts)]
        word = next(filter(None, map(split_word, parts)), None)
        by_split.setdefault(word or "", []).append(file)
    train, val = choose_splits(list(by_split))
    if train is None:
        every = [file for some in by_split.values() for file in some]
        words = " and ".join(repr(word) for word in by_split if word)
        note = (
            f"No file's name tells of a training split, so all {len(every)} files are taken as one "
            f"split, those of {words} among them."
        )
        return ArrangedFiles(kind, {"train": every}, {}, (note,) if words else ())
    wanted = [split for split in (train, val) if split is not None]
    if all_splits:
        wanted += [word for word in sorted(by_split) if word not in wanted and _may_judge(word)]
    splits = {split: by_split.pop(split) for split in wanted}
    return ArrangedFiles(kind, splits, by_split)


def _may_judge(word: str) -> bool:
    """Whether a word names a split that is for judging a model, and none to train on."""
    return choose_splits([word])[1] is not None


def _is_list_of_export(file: Path) -> bool:
    """Whether a file is a list that an export of ours puts beside a table, and holds no samples."""
    header = _LISTS.get(file.name)
    if header is None:
        return False
    with file.open("rb") as stream:
        return stream.read(len(header)) == header


class FilesBeside(NamedTuple):
    """The files of a folder that hold data, as it seems, and are of another kind."""

    tables: list[Path]
    images: list[Path]


def files_beside(path: Path, kind: str) -> FilesBeside:
    """Find the files beside tables of a kind that are tables of other kinds, or images.

    Args:
        path: A folder, or a file, beside which nothing counts.
        kind: The kind of the tables that are used.
    """
    beside = FilesBeside([], [])
    for root, names in walk_visible(path) if path.is_dir() else ():
        for name in names:
            if is_table_file(name) and table_kind(name) != kind:
                beside.tables.append(Path(root, name))
            elif is_image_file(name):
                beside.images.append(Path(root, name))
    return beside


def read_split_files(splits: Mapping[str, Sequence[Path]]) -> dict[str, list[TableFile]]:
    """Read the columns' names and types of the files of each split; files without rows are skipped.

    Args:
        splits: Files by split.

    Raises:
        DataError: If a file is damaged, which is named.
    """
    paths = [path for some in splits.values() for path in some]
    tables = iter(read_table_files(paths))
    read = {split: [next(tables) for _ in some] for split, some in splits.items()}
    return {split: [file for file in files if file.num_rows] for split, files in read.items()}


def parquet_tables(files: Sequence[TableFile]) -> list[ParquetTable] | None:
    """The same files, if they are Parquet files; None otherwise."""
    parquet = [file for file in files if isinstance(file, ParquetTable)]
    return parquet if len(parquet) == len(files) else None


# --- columns -------------------------------------------------------------------------------------


def require_same_columns(files: Sequence[TableFile], columns: Sequence[str]) -> None:
    """Raise DataError if files have some columns not in common, or of another type.

    Text and categories are the same, and so are numbers of any width.

    Args:
        files: The files, the first of which says what is expected.
        columns: Names of the columns that are used.
    """
    first = files[0]
    for file in files[1:]:
        for column in columns:
            _require_same_column(first, file, column)


def _require_same_column(first: TableFile, file: TableFile, column: str) -> None:
    if file.schema.names.count(column) != 1:
        raise DataError(
            f"{shown_path(file.path)} has no column {column!r}, which {first.path.name} has; its "
            f"columns are {', '.join(file.schema.names)}. Expected files of the same columns."
        )
    kinds = [describe_type(each.schema.field(column).type) for each in (first, file)]
    if len({_WIDENED.get(kind, kind) for kind in kinds} - {"nothing"}) > 1:
        raise DataError(
            f"{shown_path(file.path)} has {kinds[1]} in its column {column!r}; in "
            f"{first.path.name} it holds {kinds[0]}. Expected files of the same columns."
        )
    declared = [declared_in(each).get(column) for each in (first, file)]
    if None not in declared and declared[0] != declared[1]:
        raise DataError(
            f"{shown_path(file.path)} declares other classes for its column {column!r} than "
            f"{first.path.name} does, or in another order. Expected files of the same classes."
        )


def declared_in(file: TableFile) -> dict[str, tuple[str, ...]]:
    """Class names by column in the metadata that Hugging Face writes, if they are there."""
    try:
        features = json.loads((file.schema.metadata or {})[b"huggingface"])["info"]["features"]
        return declared_classes(features)
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def describe_files(files: Sequence[TableFile]) -> TableColumns:
    """Describe the columns of files, the first of which stands for all.

    The column that marks discarded rows is none of theirs.
    """

    @cache
    def read(column: str) -> Any:
        return read_column(files, column)

    declared: dict[str, tuple[str, ...]] = {}
    for file in reversed(files):
        declared |= declared_in(file)
    schema = files[0].schema
    own = pa.schema([one for one in schema if one.name != DISCARDED], metadata=schema.metadata)
    return TableColumns(own, read, declared, index_columns(schema))


def read_column(files: Sequence[TableFile], column: str) -> Any:
    """Read a column of files, one after the other, as an Arrow chunked array.

    Args:
        files: The files; without any, the column is empty.
        column: Its name.

    Raises:
        DataError: If a file is damaged, or has it not, or of another type.
    """
    if not files:
        return pa.chunked_array([], pa.null())
    require_same_columns(files, [column])
    return join_columns([file.read([column]).column(0) for file in files])


def join_columns(columns: Sequence[Any]) -> Any:
    """Put columns one after the other that differ in width, or in being categories."""
    plain = [plain_values(column) for column in columns]
    kinds = {str(column.type): column.type for column in plain}
    if len(kinds) > 1:
        merged = pa.unify_schemas(
            [pa.schema([("column", kind)]) for kind in kinds.values()], promote_options="permissive"
        )
        plain = [column.cast(merged.field("column").type) for column in plain]
    return pa.chunked_array(
        [chunk for column in plain for chunk in column.chunks], type=plain[0].type
    )
