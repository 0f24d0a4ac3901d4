"""Labels of samples whose contents are not known, such as the rows of a file of features."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import DataError
from dataparams.sources.arrow_types import arrow_array
from dataparams.sources.discarded import is_marked
from dataparams.sources.folder import as_folder_name
from dataparams.sources.label_choice import ChosenLabel, choose_label, columns_like
from dataparams.sources.labels import number_labels
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path
from dataparams.sources.source import Contents, Source
from dataparams.sources.table_columns import require_column
from dataparams.sources.table_files import describe_files
from dataparams.sources.table_ids import row_ids, rows_of_ids
from dataparams.sources.table_kinds import without_extension
from dataparams.sources.table_reading import read_table_files
from dataparams.sources.table_source import without_discarded
from dataparams.sources.tables import LabelColumns
from dataparams.sources.text_column import TextColumn
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.sources.table_columns import TableColumns
    from dataparams.sources.table_files import TableFile

_SPLIT = "train"
_UNKNOWN = UnreadableContentError("nothing was kept to show")


class UnknownContents(Contents):
    """What is there of samples of which only labels are known: nothing.

    Args:
        count: Number of samples.

    Example:
        >>> contents = UnknownContents(2)
        >>> contents.kind, str(contents.read([1])[0]), contents.sizes().tolist()
        (None, 'nothing was kept to show', [-1, -1])
    """

    kind = None

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Give the reason that there is none, for each."""
        return [_UNKNOWN] * len(rows)

    def sizes(self) -> NDArray[np.int64]:
        """-1 for each, (n,)."""
        return np.full(self._count, -1, dtype=np.int64)


def open_labels(path: Path, label_column: str | None = None, *, count: int | None = None) -> Source:
    """Open a file of labels as a source whose contents are not known.

    Args:
        path: ``.npy`` with a whole number, a truth or a text for each sample; or a table (CSV, JSON
            lines, a spreadsheet, Parquet) with a row for each.
        label_column: Which column of a table has the labels; None to find it.
        count: How many rows there are to be, such as of features; None where it is not known.

    Returns:
        The source, with ids ``train/<row>``; rows without a label are left out of it.

    Raises:
        DataError: If the file cannot be read, it is not clear which column is meant, labels are
            not usable, or there are more or fewer than ``count``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "y.npy")
        ...     np.save(path, np.array([0, 2, 1, 2]))
        ...     source = open_labels(path, count=4)
        >>> source.class_names, source.ids[3], source.contents.kind
        (('0', '1', '2'), 'train/3', None)
    """
    if not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        raise DataError(f"The file of labels {shown_path(path)} {found}.")
    file = read_label_file(path)
    table = describe_files([file])
    column, names, notes = _choose(table, label_column)
    values = table.read(column)
    if count is not None and len(values) != count:
        raise DataError(
            f"{shown_path(path)} has {counted(len(values), 'label')}; expected {count:,}, one for "
            "each row of features."
        )
    labels = number_labels(
        {_SPLIT: values}, column=column, declared=table.declared.get(column), names=names
    )
    labels = without_discarded(labels, {_SPLIT: is_marked([file])})
    rows = labels.rows[_SPLIT]
    return Source(
        kind="file of labels",
        place=os.fspath(path.resolve()),
        name=as_folder_name(without_extension(path.resolve().name)),
        class_names=labels.class_names,
        ids=TextColumn(row_ids(_SPLIT, rows)),
        labels=labels.labels[_SPLIT],
        train_rows=None,
        contents=UnknownContents(len(rows)),
        split_names=(_SPLIT,),
        columns={} if is_label_array(path) else {"label": column},
        left_out=labels.left_out,
        notes=(*notes, *labels.notes),
    )


def open_label_file_columns(path: Path, label_column: str | None = None) -> LabelColumns:
    """Find where the labels of a file of labels are written.

    Args:
        path: As of :func:`open_labels`.
        label_column: Likewise.

    Raises:
        DataError: As of :func:`open_labels`.
    """
    file = read_label_file(path)
    table = describe_files([file])
    column = _choose(table, label_column).column
    copies = columns_like(table, (), column)
    return LabelColumns({_SPLIT: [file]}, column, copies, table.declared.get(column, ()))


def labeled_rows(source: Source, count: int) -> NDArray[np.int64]:
    """The rows of features that the samples of a source of labels are.

    Args:
        source: As of :func:`open_labels`.
        count: Number of rows of features.

    Returns:
        The row of each sample, (n,), ascending.
    """
    return rows_of_ids(source.ids, {_SPLIT: count})


def is_label_array(path: Path) -> bool:
    """Whether a file of labels is an array rather than a table, by its name."""
    return path.suffix.lower() == ".npy"


def read_label_file(path: Path) -> TableFile:
    """Read a file of labels; an array is a table of one column.

    Raises:
        DataError: If it cannot be read.
    """
    return _read_npy(path) if is_label_array(path) else read_table_files([path])[0]


def _choose(table: TableColumns, given: str | None) -> ChosenLabel:
    names = table.schema.names
    if given is None and len(names) == 1:
        return ChosenLabel(names[0], None, ())
    if given is not None:
        require_column(table, given, "label_column")
    return choose_label(table, (), given)


def _read_npy(path: Path) -> MemoryTable:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{shown_path(path)} cannot be read as a NumPy file: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iubU":
        found = getattr(array, "dtype", "several arrays")
        raise DataError(
            f"{shown_path(path)} holds {found}; expected one array of whole numbers, truths or "
            "texts: the class of each sample."
        )
    if array.ndim != 1:
        raise DataError(
            f"{shown_path(path)} has shape {array.shape}; expected (n,), a label for each sample."
        )
    values = pa.chunked_array([arrow_array(array if array.dtype.kind != "U" else array.tolist())])
    return MemoryTable(path, pa.table({"label": values}))
