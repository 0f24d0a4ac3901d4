"""Opening a file of a table, or a folder of such, as a source of images, texts or rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.errors import DataError
from dataparams.sources.arrow_types import is_text
from dataparams.sources.cells import ImageContents
from dataparams.sources.columns import ANY_COLUMNS, choose_columns, choose_contents
from dataparams.sources.discarded import DISCARDED, WHY, is_marked
from dataparams.sources.folder import as_folder_name
from dataparams.sources.label_choice import columns_like
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import ParquetContents, shown_path
from dataparams.sources.source import Contents, JoinedContents, LeftOut, SelectedContents, Source
from dataparams.sources.split_column import find_split_column, without_column
from dataparams.sources.table_files import (
    arrange_files,
    describe_files,
    files_beside,
    parquet_tables,
    read_column,
    read_split_files,
    require_same_columns,
)
from dataparams.sources.table_ids import rows_of_ids
from dataparams.sources.table_kinds import PARQUET, table_kind, without_extension
from dataparams.sources.table_reading import DelimitedTable, read_table_files
from dataparams.sources.table_source import open_contents_of, table_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from dataparams.sources.columns import ChosenColumns, WantedColumns
    from dataparams.sources.table_columns import TableColumns
    from dataparams.sources.table_files import ArrangedFiles, TableFile

_NEEDED = 2
_QUICKLY_READ = 1 << 25
"""Bytes of a table that is text."""


def open_tables(
    path: Path,
    wanted: WantedColumns = ANY_COLUMNS,
    *,
    mapped: bool = False,
    all_splits: bool = False,
) -> Source:
    """Open a table in a file, or the tables in the files of a folder, as a source.

    A sample is an image, a text or a row. Images are a column of structs with ``bytes`` and
    ``path``, of bytes, of paths relative to the file, or of lists of numbers; none is read. Texts
    and rows are read. Files whose name, or folder's name, contains a word such as ``train``,
    ``val`` or ``test`` are the split; class names come from the metadata that Hugging Face writes,
    from a second column that names the same classes, or are the distinct labels.

    Args:
        path: The file or folder.
        wanted: Which columns the user names.
        mapped: Whether any row is to be read at any time, also of Parquet files whose row groups
            are large: the library ``datasets`` then keeps a copy of the images.
        all_splits: Whether all splits with labels are wanted, beside one to train on and one to
            validate on; and those that a column tells of, where files tell of none.

    Returns:
        The source, with ids ``<split>/<row>``.

    Raises:
        DataError: If files are damaged or differ, it is not clear which columns are meant, or
            labels are not usable.
    """
    arranged = arrange_files(path, all_splits=all_splits)
    splits, unlabeled = _labeled_splits(_read_splits(path, arranged.splits), wanted.label)
    splits, unlike = _alike_splits(splits)
    every = _all_files(splits)
    _require_several_columns(every[0])
    table = describe_files(every)
    split_column = _split_column(arranged, table, wanted, all_splits=all_splits)
    columns = choose_columns(without_column(table, split_column), wanted)
    require_same_columns(every, [*columns.contents.columns, columns.label])
    holds_paths = columns.contents.kind == "image" and is_text(
        table.type_of(columns.contents.columns[0])
    )
    opened = {split: FilesOfSplit(files, mapped) for split, files in splits.items()}
    name = path.resolve().name
    return table_source(
        kind=f"folder of {arranged.kind} files" if path.is_dir() else f"{arranged.kind} file",
        place=os.fspath(path.resolve()),
        name=as_folder_name(name if path.is_dir() else without_extension(name)),
        table=table,
        columns=columns,
        splits=opened,
        marked={split: is_marked(files) for split, files in splits.items()},
        left_out=(
            *unlabeled,
            *unlike,
            *_unused_files(path, arranged.unused, splits),
            *_files_of_other_kinds(path, arranged.kind, holds_paths=holds_paths),
        ),
        notes=(*arranged.notes, *_reading_notes(every, columns)),
        split_column=split_column,
    )


def open_table_contents(
    path: Path, wanted: WantedColumns = ANY_COLUMNS, *, all_splits: bool = False
) -> Callable[[Sequence[str]], Contents]:
    """Open the contents of rows of tables by their ids; no label is read where columns are named.

    Args:
        path: As of ``open_tables``.
        wanted: Which columns the user, or the run, names.
        all_splits: As of ``open_tables``.

    Returns:
        What gives the contents of ids ``<split>/<row>``, row i of which is that of the i-th.

    Raises:
        DataError: If files are damaged, or it is not clear which column is meant.
    """
    splits = _read_splits(path, arrange_files(path, all_splits=all_splits).splits)
    splits = _alike_splits(splits)[0]
    chosen = choose_contents(describe_files(_all_files(splits)), wanted)
    require_same_columns(_all_files(splits), chosen.columns)
    counts = {split: sum(file.num_rows for file in some) for split, some in splits.items()}
    contents = JoinedContents(
        [open_contents_of(FilesOfSplit(files), chosen) for files in splits.values()]
    )
    return lambda ids: SelectedContents(contents, rows_of_ids(ids, counts))


class LabelColumns(NamedTuple):
    """Where the labels of a source of tables are written.

    Attributes:
        files: The files of each split, one after the other; the rows of a split are counted on from
            one to the next.
        label: The column of the labels.
        copies: Other columns that name the same classes, each in its own way.
        declared: Name of class 0, 1, ... where the files declare them; else nothing.
    """

    files: Mapping[str, Sequence[TableFile]]
    label: str
    copies: tuple[str, ...]
    declared: tuple[str, ...]


def open_label_columns(
    path: Path, wanted: WantedColumns = ANY_COLUMNS, *, all_splits: bool = False
) -> LabelColumns:
    """Find where the labels of tables are written.

    Args:
        path: As of ``open_tables``.
        wanted: Which columns the user, or the run, names.
        all_splits: As of ``open_tables``.

    Raises:
        DataError: As of ``open_tables``.
    """
    arranged = arrange_files(path, all_splits=all_splits)
    splits, _ = _labeled_splits(_read_splits(path, arranged.splits), wanted.label)
    splits, _ = _alike_splits(splits)
    table = describe_files(_all_files(splits))
    split_column = _split_column(arranged, table, wanted, all_splits=all_splits)
    columns = choose_columns(without_column(table, split_column), wanted)
    label, taken = columns.label, columns.contents.columns
    declared = table.declared.get(label, ())
    return LabelColumns(splits, label, columns_like(table, taken, label), declared)


class FilesOfSplit(NamedTuple):
    """The files of a split.

    Attributes:
        files: The files, one after the other.
        mapped: As of ``open_tables``.
    """

    files: Sequence[TableFile]
    mapped: bool = False

    def read(self, column: str) -> Any:
        """Read a column, as an Arrow chunked array."""
        return read_column(self.files, column)

    def open_images(self, column: str) -> Contents:
        """Open a column of images, of which none is read."""
        parquet = parquet_tables(self.files)
        if parquet is None:
            return JoinedContents(
                [
                    ImageContents(file.read([column]).column(0), os.fspath(file.path.parent))
                    for file in self.files
                ]
            )
        if not self.mapped:
            return ParquetContents(parquet, column)
        from dataparams.sources.mapped import map_parquet

        return JoinedContents(map_parquet(parquet, column))


def _read_splits(path: Path, splits: Mapping[str, Sequence[Path]]) -> dict[str, list[TableFile]]:
    files = read_split_files(splits)
    first = next(iter(files))
    if not files[first] and not path.is_dir():
        raise DataError(
            f"{shown_path(path)} has no rows below the names of its columns; expected one per "
            "sample."
        )
    if not files[first]:
        raise DataError(f"{shown_path(path)}: the split {first!r} has no rows.")
    return files


def _require_several_columns(file: TableFile) -> None:
    names = file.schema.names
    if len(names) == 1:
        raise DataError(
            f"{shown_path(file.path)} has one column, called {names[0]!r}. Expected columns for "
            "samples and labels; in a text file with commas, semicolons or tabs between them, and "
            "their names in the first row."
        )


def _labeled_splits(
    splits: Mapping[str, list[TableFile]], label: str | None
) -> tuple[dict[str, list[TableFile]], list[LeftOut]]:
    """The splits that have the column of the labels, and those whose labels are kept back."""
    first, *others = splits
    kept, left_out = {first: splits[first]}, []
    for split in others:
        names = {name for file in splits[split] for name in file.schema.names}
        missing = set(splits[first][0].schema.names) - names - {DISCARDED}
        is_unlabeled = label in missing if label is not None else len(missing) == 1
        if names and is_unlabeled:
            rows = sum(file.num_rows for file in splits[split])
            reason = f"the split {split!r}, which has no column {label or missing.pop()!r}"
            left_out.append(LeftOut(reason, (split,), rows))
        else:
            kept[split] = splits[split]
    return kept, left_out


def _split_column(
    arranged: ArrangedFiles, table: TableColumns, wanted: WantedColumns, *, all_splits: bool
) -> str | None:
    """The column that says of which split a row is, where one table has all of them."""
    if not all_splits or len(arranged.splits) != 1 or "*" in wanted.row:
        return None
    return find_split_column(table, wanted)


def _alike_splits(
    splits: Mapping[str, list[TableFile]],
) -> tuple[dict[str, list[TableFile]], list[LeftOut]]:
    """The splits, but for further ones whose columns are others than those of the first."""
    names = list(splits)
    kept, left_out = {name: splits[name] for name in names[:_NEEDED]}, []
    first = splits[names[0]][0]
    # One file may have marks of what was discarded, and others not yet.
    names_of_first = [name for name in first.schema.names if name not in (DISCARDED, WHY)]
    for name in names[_NEEDED:]:
        files = splits[name]
        try:
            require_same_columns([first, *files], names_of_first)
        except DataError:
            rows = sum(file.num_rows for file in files)
            left_out.append(LeftOut(f"the split {name!r}, which has other columns", (name,), rows))
        else:
            kept[name] = files
    return kept, left_out


def _reading_notes(files: Sequence[TableFile], columns: ChosenColumns) -> list[str]:
    """Sentences on tables that may be meant otherwise than they are read."""
    told = [file for file in files if isinstance(file, DelimitedTable | MemoryTable)]
    notes = [note for file in told for note in file.notes(columns.contents.columns)]
    return list(dict.fromkeys(notes))


def _all_files(splits: Mapping[str, Sequence[TableFile]]) -> list[TableFile]:
    return [file for some in splits.values() for file in some]


def _unused_files(
    path: Path, unused: Mapping[str, Sequence[Path]], used: Iterable[str]
) -> list[LeftOut]:
    """Count the rows of the files that are of no split that is used."""
    left_out = []
    for word, files in unused.items():
        if word:
            reason = f"row of the split {word!r}, beside {' and '.join(map(repr, used))}"
        else:
            reason = "row of a file whose name tells of no split, beside those that do"
        names = [_shown_below(file, path) for file in files]
        left_out.append(LeftOut(reason, names, sum(map(_count_rows, files))))
    return left_out


def _count_rows(file: Path) -> int:
    """Number of rows of a file; 0 where it cannot be read, or not soon, since it is not used."""
    is_quick = table_kind(file.name) == PARQUET or file.stat().st_size < _QUICKLY_READ
    try:
        return read_table_files([file])[0].num_rows if is_quick else 0
    except DataError:
        return 0


def _files_of_other_kinds(path: Path, kind: str, *, holds_paths: bool) -> list[LeftOut]:
    """Count the other files; images are not left out where rows hold their paths."""
    beside = files_beside(path, kind)
    found = {f"table of another kind, beside {kind}": beside.tables}
    if not holds_paths:
        found[f"image file beside {kind}, which is read in its place"] = beside.images
    return [
        LeftOut(reason, [_shown_below(file, path) for file in files], len(files))
        for reason, files in found.items()
        if files
    ]


def _shown_below(file: Path, path: Path) -> str:
    return os.fsencode(file.relative_to(path)).decode(errors="replace")
