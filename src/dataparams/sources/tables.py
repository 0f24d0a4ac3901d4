"""Opening a Parquet file, or a folder of such, as a source of labeled images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch

from dataparams.errors import DataError
from dataparams.sources.arrow_types import is_text
from dataparams.sources.columns import choose_columns, choose_image_column
from dataparams.sources.folder import as_folder_name
from dataparams.sources.labels import number_labels
from dataparams.sources.parquet import (
    arrange_files,
    describe_columns,
    files_beside,
    is_parquet_file,
    join_columns,
    read_split_files,
    require_parquet,
    require_same_columns,
)
from dataparams.sources.row_groups import ParquetContents, read_column, read_table_file, shown_path
from dataparams.sources.source import JoinedContents, LeftOut, SelectedContents, Source
from dataparams.sources.table_ids import row_ids, rows_of_ids
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dataparams.sources.columns import ChosenColumns
    from dataparams.sources.labels import TableLabels
    from dataparams.sources.row_groups import TableFile
    from dataparams.sources.source import Contents


def open_tables(
    path: Path,
    *,
    image_column: str | None = None,
    label_column: str | None = None,
    mapped: bool = False,
) -> Source:
    """Open a Parquet file, or the Parquet files of a folder, as a source; no image is read.

    Needed are a column of images (a struct with ``bytes`` and ``path``, bytes, paths relative to
    the file, or lists of numbers) and a column of labels (text, whole numbers, or true and false).
    Files whose name, or folder's name, contains a word such as ``train``, ``val`` or ``test`` are
    the split; class names come from the metadata that Hugging Face writes, from a second column
    that names the same classes, or are the distinct labels.

    Args:
        path: The file or folder.
        image_column: The column of the images; None chooses it by name and type.
        label_column: Likewise of the labels.
        mapped: Whether any row is to be read at any time, also of files whose row groups are
            large: the library ``datasets`` then keeps a copy of the images.

    Returns:
        The source, with ids ``<split>/<row>``.

    Raises:
        DataError: If files are damaged or differ, it is not clear which columns are meant, or
            labels are not usable.
    """
    require_parquet(path)
    arranged = arrange_files(path)
    files = read_split_files(arranged.splits)
    every = [file for some in files.values() for file in some]
    if not files[next(iter(files))]:
        raise DataError(f"{shown_path(path)}: the split {next(iter(files))!r} has no rows.")
    table = describe_columns(every)
    columns = choose_columns(table, image_column, label_column)
    require_same_columns(every, [columns.image, columns.label])
    labels = number_labels(
        {split: _labels_of(some, columns.label) for split, some in files.items()},
        column=columns.label,
        declared=table.declared.get(columns.label),
        names=columns.class_names,
    )
    kept = {split: files[split] for split in labels.labels}
    kind = table.schema.field(columns.image).type
    return table_source(
        kind="folder of Parquet files" if path.is_dir() else "Parquet file",
        place=os.fspath(path.resolve()),
        name=as_folder_name(_without_extension(path.resolve().name)),
        columns=columns,
        labels=labels,
        contents=_open_contents(kept, columns.image, mapped=mapped),
        left_out=(
            *_unused_files(path, arranged.unused, kept),
            *_files_of_other_kinds(path, holds_paths=is_text(kind)),
        ),
        notes=arranged.notes,
    )


def open_table_contents(
    path: Path, *, image_column: str | None = None
) -> Callable[[Sequence[str]], Contents]:
    """Open the contents of rows of Parquet files by their ids; no label is read.

    Args:
        path: As of ``open_tables``.
        image_column: The column of the images; None chooses it by name and type.

    Returns:
        What gives the contents of ids ``<split>/<row>``, row i of which is that of the i-th.

    Raises:
        DataError: If files are damaged, or it is not clear which column is meant.
    """
    require_parquet(path)
    files = read_split_files(arrange_files(path).splits)
    every = [file for some in files.values() for file in some]
    if not every:
        raise DataError(f"{shown_path(path)} has no rows.")
    column = choose_image_column(describe_columns(every), image_column)
    require_same_columns(every, [column])
    counts = {split: sum(file.num_rows for file in some) for split, some in files.items()}
    contents = JoinedContents(list(_open_contents(files, column).values()))
    return lambda ids: SelectedContents(contents, rows_of_ids(ids, counts))


def table_source(
    *,
    kind: str,
    place: str,
    name: str,
    columns: ChosenColumns,
    labels: TableLabels,
    contents: Mapping[str, Contents],
    left_out: Sequence[LeftOut],
    notes: Sequence[str] = (),
) -> Source:
    """Make a source of the labeled rows of tables.

    Args:
        kind: What it is, in words.
        place: Where it is.
        name: Short name.
        columns: Which columns were taken for what.
        labels: The labels.
        contents: All rows of each split that has labels.
        left_out: What is there beside the splits.
        notes: Whatever else was understood.
    """
    rows, start = [], 0
    for split, table in contents.items():
        rows.append(labels.rows[split] + start)
        start += len(table)
    chosen, joined = np.concatenate(rows), JoinedContents(list(contents.values()))
    ids = [row_ids(split, some) for split, some in labels.rows.items()]
    sizes = [len(some) for some in labels.labels.values()]
    return Source(
        kind=kind,
        place=place,
        name=name,
        class_names=labels.class_names,
        ids=TextColumn(pa.chunked_array(ids)),
        labels=torch.cat(list(labels.labels.values())),
        train_rows=None if len(sizes) == 1 else sizes[0],
        contents=joined if len(chosen) == len(joined) else SelectedContents(joined, chosen),
        split_names=tuple(labels.labels),
        columns={"image": columns.image, "label": columns.label},
        left_out=(*labels.left_out, *left_out),
        notes=(*columns.notes, *labels.notes, *notes),
    )


def _labels_of(files: Sequence[TableFile], column: str) -> Any:
    if not files:
        return pa.chunked_array([], pa.null())
    return join_columns([read_column(file.path, column) for file in files])


def _open_contents(
    files: Mapping[str, Sequence[TableFile]], column: str, *, mapped: bool = False
) -> dict[str, Contents]:
    if not mapped:
        return {split: ParquetContents(some, column) for split, some in files.items()}
    from dataparams.sources.mapped import map_parquet

    return {split: JoinedContents(map_parquet(some, column)) for split, some in files.items()}


def _without_extension(name: str) -> str:
    return Path(name).stem if is_parquet_file(name) else name


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
    """Number of rows of a file; 0 where it cannot be read, since it is not used."""
    try:
        return read_table_file(file).num_rows
    except DataError:
        return 0


def _files_of_other_kinds(path: Path, *, holds_paths: bool) -> list[LeftOut]:
    """Count the files that are not Parquet; images are not left out where rows hold their paths."""
    beside = files_beside(path)
    found = {"file of a kind of table that is not supported yet, beside Parquet": beside.tables}
    if not holds_paths:
        found["image file beside Parquet, which is read in its place"] = beside.images
    return [
        LeftOut(reason, [_shown_below(file, path) for file in files], len(files))
        for reason, files in found.items()
        if files
    ]


def _shown_below(file: Path, path: Path) -> str:
    return os.fsencode(file.relative_to(path)).decode(errors="replace")
