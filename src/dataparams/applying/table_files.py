"""Changing labels in the files of a table: each is written anew beside itself, and renamed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.applying.compressed_writing import read_decompressed, write_compressed_like
from dataparams.applying.delimited_cells import edited_delimited
from dataparams.applying.edits import TableEdits
from dataparams.applying.journal import copy_flushed, copy_rights, digest_of_file, flush_folder
from dataparams.applying.json_values import edited_json
from dataparams.applying.label_arrays import edited_array
from dataparams.applying.parquet_columns import write_edited_parquet
from dataparams.applying.spreadsheet_cells import spreadsheet_notes, write_edited_spreadsheet
from dataparams.errors import DataError, RunError
from dataparams.run.safe_files import explained_refusals
from dataparams.sources.discarded import DISCARDED
from dataparams.sources.labels import plain_labels
from dataparams.sources.labels_alone import is_label_array, read_label_file
from dataparams.sources.row_groups import ParquetTable
from dataparams.sources.table_files import read_column
from dataparams.sources.table_ids import rows_of_ids
from dataparams.sources.table_kinds import (
    JSON_LINES,
    SPREADSHEET,
    require_table_file,
    table_kind,
)
from dataparams.sources.table_reading import DelimitedTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from dataparams.sources.source import Source
    from dataparams.sources.table_files import TableFile
    from dataparams.sources.tables import LabelColumns

_STAGED = ".dataparams-apply."
_COPIES = 2


@dataclass(frozen=True)
class WantedLabel:
    """A row that is to have another label, or to be marked.

    Attributes:
        id: Its id, ``<split>/<row>``.
        new_class: Its new class; None to mark it as discarded.
        was_discarded: Whether it is marked now.
    """

    id: str
    new_class: str | None
    was_discarded: bool


@dataclass(frozen=True)
class FileEdit:
    """A file of a table, and what changes in it.

    Attributes:
        table: The file.
        edits: What changes.
    """

    table: TableFile
    edits: TableEdits

    @property
    def path(self) -> Path:
        """The file itself, where a link leads to it."""
        return self.table.path.resolve()


def plan_edits(
    source: Source, columns: LabelColumns, wanted: Iterable[WantedLabel]
) -> list[FileEdit]:
    """Find the files and rows in which labels are to be changed.

    Args:
        source: The data as they are.
        columns: Where the labels are written.
        wanted: The rows, and their new classes.

    Raises:
        DataError: If a row is not there.
    """
    wanted = list(wanted)
    counts = {split: sum(f.num_rows for f in files) for split, files in columns.files.items()}
    rows = rows_of_ids([one.id for one in wanted], counts)
    if (rows < 0).any():
        first = wanted[int((rows < 0).argmax())].id
        raise DataError(f"{source.place} has no row {first}; nothing was changed.")
    classes = np.full(sum(counts.values()), None, dtype=object)
    names = np.array(source.class_names, dtype=object)
    classes[rows_of_ids(source.ids, counts)] = names[source.labels.numpy()]
    every = [file for files in columns.files.values() for file in files]
    written = (columns.label, *columns.copies)
    new = {one.new_class for one in wanted if one.new_class is not None}
    values = {name: _values(name, every, classes, columns, new) for name in written}
    found, start = [], 0
    for file in every:
        inside = range(start, start + file.num_rows)
        found_rows = zip(rows.tolist(), wanted, strict=True)
        here = [(row - start, one) for row, one in found_rows if row in inside]
        if here:
            edits = TableEdits(
                columns=written,
                classes=classes[start : inside.stop].tolist(),
                labels={row: one.new_class for row, one in here if one.new_class is not None},
                discarded={
                    row: one.new_class is None
                    for row, one in here
                    if one.was_discarded or one.new_class is None
                },
                values=values,
                mark=DISCARDED,
            )
            found.append(FileEdit(file, edits))
        start = inside.stop
    return found


def notes_on_files(edits: Sequence[FileEdit]) -> list[str]:
    """Sentences on what is to happen to files beside their labels.

    Raises:
        DataError: If a file must not be changed.
    """
    paths = [edit.path for edit in edits if table_kind(edit.path.name) == SPREADSHEET]
    return [note for path in paths for note in spreadsheet_notes(path)]


def stage(edit: FileEdit) -> dict[str, Any]:
    """Write a file with its changes beside the file itself, which stays as it is.

    Returns:
        What a journal needs: ``staged``, ``before`` and ``after`` (digests), ``size``.

    Raises:
        DataError: If it cannot be changed without changing more than labels.
        RunError: If there is no room, or the folder cannot be written to.
    """
    path, staged = edit.path, staged_file(edit.path)
    before = digest_of_file(path)
    _require_room(path)
    with explained_refusals(staged):
        try:
            _write_edited(edit, path, staged)
            copy_rights(path, staged)
            os.utime(staged)
            _require_labels(edit, staged)
            _require_digest(path, before)
            return {"before": before, "after": digest_of_file(staged)}
        except BaseException:
            staged.unlink(missing_ok=True)
            raise


def staged_file(path: Path) -> Path:
    """Where a file with changes waits beside the file: hidden, and of the same kind by its name.

    Example:
        >>> from pathlib import Path
        >>> staged_file(Path("/data/train.csv.gz")).name
        '.dataparams-apply.train.csv.gz'
    """
    return path.with_name(f"{_STAGED}{path.name}")


def replace_files(files: Sequence[Mapping[str, Any]], paths: Sequence[Path]) -> None:
    """Put files with changes in the place of those that they were made from.

    Args:
        files: What :func:`stage` said of each.
        paths: Where each lies.

    Raises:
        RunError: If one is neither as it was nor as it is to be; none is changed then.
    """
    states = [_state(known, path) for known, path in zip(files, paths, strict=True)]
    for known, path, state in zip(files, paths, states, strict=True):
        staged = staged_file(path)
        if state == "before" and not _has_digest(staged, known["after"]):
            raise RunError(
                f"{staged}, the changed table, is gone or damaged; nothing was changed in {path}. "
                "Give `undo=True`, then apply once more."
            )
    for path, state in zip(paths, states, strict=True):
        if state == "before":
            with explained_refusals(path):
                staged_file(path).replace(path)
                flush_folder(path.parent)
        else:
            staged_file(path).unlink(missing_ok=True)


def require_restorable(
    files: Sequence[Mapping[str, Any]], paths: Sequence[Path], kept: Sequence[Path]
) -> None:
    """Check that files can be put back as they were.

    Args:
        files: What :func:`stage` said of each.
        paths: Where each lies.
        kept: A copy of each as it was.

    Raises:
        RunError: If one was changed by somebody since, or a copy is damaged.
    """
    for known, path, copy in zip(files, paths, kept, strict=True):
        if _state(known, path) == "after" and not _has_digest(copy, known["before"]):
            raise RunError(f"{copy}, the table as it was, is gone or damaged; nothing was changed.")


def restore_files(
    files: Sequence[Mapping[str, Any]], paths: Sequence[Path], kept: Sequence[Path]
) -> None:
    """Put files back as they were; see :func:`require_restorable`.

    Raises:
        RunError: If one cannot be written; those before it are as they were.
    """
    for known, path, copy in zip(files, paths, kept, strict=True):
        staged = staged_file(path)
        with explained_refusals(path):
            if _state(known, path) == "after":
                copy_flushed(copy, staged)
                staged.replace(path)
                flush_folder(path.parent)
            staged.unlink(missing_ok=True)


def _state(known: Mapping[str, Any], path: Path) -> str:
    digest = digest_of_file(path) if path.is_file() else None
    for state in ("before", "after"):
        if digest == known[state]:
            return state
    found = "is gone" if digest is None else "was changed by somebody else since"
    raise RunError(
        f"{path} {found}; expected it as dataparams apply found it or left it. Nothing was "
        "changed. Put back the file as it was, then give the same command."
    )


def _require_digest(path: Path, digest: str) -> None:
    if not _has_digest(path, digest):
        raise RunError(f"{path} is being changed by somebody else; nothing was changed.")


def _has_digest(file: Path, digest: str) -> bool:
    return file.is_file() and digest_of_file(file) == digest


def _require_room(path: Path) -> None:
    needed = _COPIES * path.stat().st_size
    if shutil.disk_usage(path.parent).free < needed:
        raise RunError(
            f"There is no room for {needed:,} bytes beside {path}, for a copy with the changes. "
            "Nothing was changed. Make room, then give the same command."
        )


def _write_edited(edit: FileEdit, path: Path, staged: Path) -> None:
    if isinstance(edit.table, ParquetTable):
        write_edited_parquet(path, staged, edit.edits)
    elif is_label_array(edit.table.path):
        staged.write_bytes(edited_array(path, edit.edits))
    elif isinstance(edit.table, DelimitedTable):
        data = edited_delimited(path, read_decompressed(path), edit.table.dialect, edit.edits)
        write_compressed_like(path, staged, data)
    elif require_table_file(edit.table.path) == JSON_LINES:
        write_compressed_like(path, staged, edited_json(path, read_decompressed(path), edit.edits))
    else:
        write_edited_spreadsheet(path, staged, edit.edits)
    with staged.open("rb+") as stream:
        os.fsync(stream.fileno())


def _values(
    column: str,
    files: Sequence[TableFile],
    classes: Any,
    columns: LabelColumns,
    new: Collection[str],
) -> dict[str, object]:
    """How each class is written in a column, as a value; some may not be known."""
    cells = read_column(files, column)
    first: dict[str, int] = {}
    for row, name in enumerate(classes):
        if name is not None:
            first.setdefault(name, row)
    known = {name: cells[row].as_py() for name, row in first.items()}
    if column != columns.label:
        return known
    is_number = all(isinstance(value, int) for value in known.values())
    for number, name in enumerate(columns.declared):
        known.setdefault(name, number if is_number else name)
    if all(value == name for name, value in known.items()):
        # Where labels are names, that of a class which has no sample yet is its own.
        known |= {name: name for name in new if name not in known}
    return known


def _require_labels(edit: FileEdit, staged: Path) -> None:
    """Raise DataError unless the labels of a written file are those wanted, row by row."""
    label, edits = edit.edits.columns[0], edit.edits
    table = read_label_file(staged)
    before, after = _words(edit.table, label), _words(table, label)
    class_of = {str(value): name for name, value in edits.values.get(label, {}).items()}
    class_of |= {
        word: name for word, name in zip(before, edits.classes, strict=True) if name is not None
    }
    is_same = len(before) == len(after) == table.num_rows and all(
        class_of.get(new, new) == edits.labels[row] if row in edits.labels else new == old
        for row, (old, new) in enumerate(zip(before, after, strict=True))
    )
    if not is_same:
        raise DataError(
            f"{edit.path} does not read as it should once its labels are changed; nothing was "
            "changed. `dataparams export` writes a new table with the corrections."
        )


def _words(table: TableFile, column: str) -> list[str]:
    """The labels in a file as they are compared, which do not depend on its other rows."""
    return list(map(str, plain_labels(table.read([column]).column(0)).to_pylist()))
