"""Changing columns of a Parquet file: schema, metadata, row groups and compression stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from dataparams.applying.edits import TableEdits, spelled_classes
from dataparams.errors import DataError
from dataparams.sources.arrow_types import arrow_array, plain_values

if TYPE_CHECKING:
    from pathlib import Path

_ARROW_SCHEMA = b"ARROW:schema"


def write_edited_parquet(path: Path, target: Path, edits: TableEdits) -> None:
    """Write a Parquet file again with some values of its columns changed.

    Columns that change keep their type: a new label is a copy of the value of another row. Each row
    group is read, changed and written by itself.

    Args:
        path: The file.
        target: Where to write.
        edits: What changes; a column of marks that is not there becomes the last.

    Raises:
        DataError: If a class cannot be written, or the file does not read back as it was.
    """
    with parquet.ParquetFile(path) as file:
        chosen = {name: _chosen_rows(path, file, name, edits) for name in edits.columns}
        schema = _schema(file, edits)
        start = 0
        with parquet.ParquetWriter(target, schema, **_settings(file)) as writer:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                rows = range(start, start + len(table))
                start = rows.stop
                edited = _edited(table, rows, chosen, edits).cast(schema)
                # A group of no rows would be lost otherwise.
                writer.write_table(edited, row_group_size=max(1, len(edited)))
    _require_same_elsewhere(path, target, edits)


def _chosen_rows(path: Path, file: Any, name: str, edits: TableEdits) -> tuple[dict[int, int], Any]:
    """For each row that changes the place of its new value, and the column of all such values."""
    column = file.read([name]).column(0)
    values = plain_values(column)
    extra: list[object] = []

    def add(value: object) -> int:
        extra.append(value)
        return len(values) + len(extra) - 1

    codes = values.dictionary_encode().unify_dictionaries()
    numbers = [code for chunk in codes.chunks for code in chunk.indices.to_pylist()]
    first: dict[int, int] = {}
    for row, code in enumerate(numbers):
        if code is not None:
            first.setdefault(code, row)
    places = [None if code is None else first[code] for code in numbers]
    spelled = spelled_classes(path, name, edits, places, add)
    try:
        added = pa.array(extra, values.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"The column {name!r} of {path} cannot hold {extra[0]!r} ({error}); nothing was "
            "changed."
        ) from error
    every = pa.chunked_array([*values.chunks, added], type=values.type)
    return {row: spelled[new] for row, new in edits.labels.items()}, every


def _edited(
    table: Any, rows: range, chosen: dict[str, tuple[dict[int, int], Any]], edits: TableEdits
) -> Any:
    """A row group with its changes."""
    for name, (places, every) in chosen.items():
        number = table.schema.get_field_index(name)
        field, column = table.schema.field(number), plain_values(table.column(number))
        taken = np.arange(len(table))
        new = [row for row in places if row in rows]
        values = every.take(arrow_array([places[row] for row in new], pa.int64()))
        taken[np.array(new, dtype=np.int64) - rows.start] = len(table) + np.arange(len(new))
        joined = pa.chunked_array([*column.chunks, *values.chunks], type=column.type)
        cells = joined.take(arrow_array(taken, pa.int64()))
        table = table.set_column(number, field, _as_type(cells, field.type))
    if not edits.discarded:
        return table
    number = table.schema.get_field_index(edits.mark)
    before = [False] * len(table) if number < 0 else table.column(number).to_pylist()
    marks = [edits.discarded.get(row, mark) for row, mark in zip(rows, before, strict=True)]
    if number < 0:
        return table.append_column(pa.field(edits.mark, pa.bool_()), pa.array(marks, pa.bool_()))
    field = table.schema.field(number)
    return table.set_column(number, field, pa.array(marks, field.type))


def _as_type(column: Any, kind: Any) -> Any:
    """A column of plain values with the categories that it had."""
    if not pa.types.is_dictionary(kind):
        return column
    return column.dictionary_encode().unify_dictionaries().cast(kind)


def _schema(file: Any, edits: TableEdits) -> Any:
    schema = file.schema_arrow
    if not edits.discarded or edits.mark in schema.names:
        return schema
    return schema.append(pa.field(edits.mark, pa.bool_()))


def _settings(file: Any) -> dict[str, Any]:
    """How a file was written, as far as it says so."""
    metadata = file.metadata
    settings: dict[str, Any] = {
        "version": metadata.format_version if metadata.format_version != "1.0" else "1.0",
        "store_schema": _ARROW_SCHEMA in (metadata.metadata or {}),
    }
    if not metadata.num_row_groups:
        return settings
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    settings["compression"] = {
        column.path_in_schema: _codec(column.compression) for column in columns
    }
    settings["use_dictionary"] = [
        column.path_in_schema for column in columns if column.has_dictionary_page
    ]
    settings["write_statistics"] = [
        column.path_in_schema for column in columns if column.is_stats_set
    ]
    return settings


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name


def _require_same_elsewhere(path: Path, target: Path, edits: TableEdits) -> None:
    """Raise DataError unless all but the changed columns reads as before."""
    with parquet.ParquetFile(path) as old, parquet.ParquetFile(target) as new:
        names = [name for name in old.schema_arrow.names if name not in edits.columns]
        names = [name for name in names if name != edits.mark]
        groups = [
            [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
            for file in (old, new)
        ]
        is_same = groups[0] == groups[1] and all(
            old.schema_arrow.field(name).equals(new.schema_arrow.field(name), check_metadata=True)
            for name in (*names, *edits.columns)
        )
        is_same = is_same and old.schema_arrow.metadata == new.schema_arrow.metadata
        for group in range(old.num_row_groups if is_same else 0):
            parts = [
                file.read_row_group(group, columns=_leaves(file, names)) for file in (old, new)
            ]
            is_same = is_same and all(
                _are_equal(parts[0].column(name), parts[1].column(name)) for name in names
            )
    if not is_same:
        raise DataError(
            f"{path} cannot be written again as it is by this version of PyArrow; nothing was "
            "changed. `dataparams export` writes a new file with the corrections."
        )


def _leaves(file: Any, names: list[str]) -> list[str]:
    there = set(file.schema_arrow.names)
    return [name for name in names if name in there]


def _are_equal(first: Any, second: Any) -> bool:
    """Whether two columns hold the same, NaN among them."""
    if first.equals(second):
        return True
    import polars as pl

    return bool(pl.Series(pl.from_arrow(first)).equals(pl.Series(pl.from_arrow(second))))
