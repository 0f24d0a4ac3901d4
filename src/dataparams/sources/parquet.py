"""The Parquet files of a path: their splits, and whether their columns agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.arrow_types import describe_type, plain_values
from dataparams.sources.columns import TableColumns, declared_classes, index_columns
from dataparams.sources.folder import is_image_file, walk_visible
from dataparams.sources.row_groups import TableFile, read_column, read_table_file, shown_path
from dataparams.sources.split_names import choose_splits, split_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXTENSIONS = (".parquet", ".pq", ".parq")
_MAGIC = b"PAR1"
_OTHER_TABLES = {
    ".csv": "comma-separated values (CSV)",
    ".tsv": "tab-separated values (TSV)",
    ".json": "JSON",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".arrow": "an Arrow table",
    ".feather": "an Arrow table",
    ".xlsx": "a spreadsheet",
}
_WIDENED = {"whole numbers": "numbers"}


def has_parquet(folder: Path) -> bool:
    """Whether a folder holds Parquet files rather than images; the first of either decides."""
    for _, files in walk_visible(folder):
        if any(map(is_parquet_file, files)):
            return True
        if any(map(is_image_file, files)):
            return False
    return False


class ArrangedFiles(NamedTuple):
    """The Parquet files of a path, none of them opened.

    Attributes:
        splits: Files by the name of their split, in the order train, val; one entry where there
            is only one split.
        unused: Files that are not used, by the split that their names tell of; "" for none.
        notes: What may be meant otherwise; sentences.
    """

    splits: dict[str, list[Path]]
    unused: dict[str, list[Path]]
    notes: tuple[str, ...] = ()


def arrange_files(path: Path) -> ArrangedFiles:
    """Arrange a Parquet file, or the Parquet files of a folder, by split.

    Args:
        path: The file or folder.

    Returns:
        The files; where no name tells of a training split, all of them are the one split.

    Raises:
        DataError: If there is no Parquet file.
    """
    if not path.is_dir():
        return ArrangedFiles({"train": [path]}, {})
    files = [
        Path(root, name)
        for root, names in walk_visible(path)
        for name in names
        if is_parquet_file(name)
    ]
    if not files:
        raise DataError(f"{shown_path(path)} holds no Parquet files; expected .parquet files.")
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
        return ArrangedFiles({"train": every}, {}, (note,) if words else ())
    splits = {split: by_split.pop(split) for split in (train, val) if split is not None}
    return ArrangedFiles(splits, by_split)


def is_parquet_file(name: str) -> bool:
    """Whether a file's name is that of a Parquet file.

    Example:
        >>> is_parquet_file("train.PARQUET"), is_parquet_file("train.pq"), is_parquet_file("a.csv")
        (True, True, False)
    """
    return name.lower().endswith(_EXTENSIONS)


class FilesBeside(NamedTuple):
    """The files of a folder that hold data, as it seems, and are not Parquet."""

    tables: list[Path]
    images: list[Path]


def files_beside(path: Path) -> FilesBeside:
    """Find the files beside Parquet that hold tables of other kinds, or may hold some, or images.

    Args:
        path: A folder, or a Parquet file, beside which nothing counts.
    """
    beside = FilesBeside([], [])
    for root, names in walk_visible(path) if path.is_dir() else ():
        for name in names:
            if name.lower().endswith(tuple(_OTHER_TABLES)):
                beside.tables.append(Path(root, name))
            elif is_image_file(name):
                beside.images.append(Path(root, name))
    return beside


def require_parquet(path: Path) -> None:
    """Raise DataError if a file is no Parquet file.

    Args:
        path: A file, or a folder, which passes.
    """
    if path.is_dir() or not path.is_file() or is_parquet_file(path.name):
        return
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) == _MAGIC:
            return
    kind = _OTHER_TABLES.get(path.suffix.lower())
    found = f"holds {kind}, which is not supported yet" if kind else "is no Parquet file"
    raise DataError(
        f"{shown_path(path)} {found}; expected an image folder (<class>/<image>), a .parquet "
        "file or a folder of .parquet files. "
        "(Polars and pandas write one by write_parquet and to_parquet.)"
    )


def read_split_files(splits: Mapping[str, Sequence[Path]]) -> dict[str, list[TableFile]]:
    """Read the schemas of the files of each split; files without rows are skipped.

    Args:
        splits: Files by split.

    Raises:
        DataError: If a file is damaged, which is named.
    """
    read = {split: [read_table_file(file) for file in files] for split, files in splits.items()}
    return {split: [file for file in files if file.num_rows] for split, files in read.items()}


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


def describe_columns(files: Sequence[TableFile]) -> TableColumns:
    """Describe the columns of files, the first of which stands for all."""
    read: dict[str, Any] = {}

    def read_all(column: str) -> Any:
        if column not in read:
            require_same_columns(files, [column])
            read[column] = join_columns([read_column(file.path, column) for file in files])
        return read[column]

    declared: dict[str, tuple[str, ...]] = {}
    for file in reversed(files):
        declared |= declared_in(file)
    schema = files[0].schema
    return TableColumns(schema, read_all, declared, index_columns(schema))


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
