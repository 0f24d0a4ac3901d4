"""Reading JSON: an object per line (https://jsonlines.org), or a list of objects."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.arrow_types import is_list as is_list_type
from dataparams.sources.arrow_types import is_text
from dataparams.sources.encodings import TEXT_FAILURES, no_utf8, opened_as_utf8
from dataparams.sources.json_objects import is_list, iterate_lines, iterate_lists
from dataparams.sources.kept_pieces import keep_pieces
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path
from dataparams.sources.table_columns import list_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD = 1 << 12
_NOTHING = pa.schema([])


def read_json_lines(path: Path) -> MemoryTable:
    """Read a file of JSON lines, or of one list; the names in the objects are the columns.

    The file is gone through twice, a piece at a time: for the types of all its values, and for
    the values.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: If it is damaged, is no list of objects, or a name holds values of several types.
    """
    try:
        with opened_as_utf8(path) as stream:
            is_one_list = is_list(stream.read(_HEAD))
        table = _read_list(path) if is_one_list else _read_lines(path)
    except (*TEXT_FAILURES, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from error
    if not table.num_columns:
        raise DataError(f"{shown_path(path)} is empty; expected an object per line.")
    if table.num_rows == 1 and all(map(_is_nested, table.schema.types)):
        raise _one_object(path, table.schema.names)
    return MemoryTable(path, table)


def _read_lines(path: Path) -> Any:
    schema, start = _NOTHING, 0
    for piece in _iterate_lines(path):
        try:
            schema = _joined(schema, piece.schema)
        except pa.ArrowException as error:
            raise pa.ArrowInvalid(f"{error}, from about row {start} on") from error
        start += piece.num_rows
    pieces = (batch for piece in _iterate_lines(path, schema) for batch in piece.to_batches())
    return pa.Table.from_batches(keep_pieces(pieces, shown_path(path)), schema)


def _read_list(path: Path) -> Any:
    frame = pl.DataFrame()
    for piece in _iterate_list(path):
        frame = pl.concat([frame, piece.clear()], how="diagonal_relaxed")
    whole = frame.to_arrow()
    pieces = (
        batch
        for piece in _iterate_list(path, frame.schema)
        for batch in piece.to_arrow().to_batches()
    )
    return pa.Table.from_batches(keep_pieces(pieces, shown_path(path)), whole.schema)


def _iterate_lines(path: Path, schema: Any = None) -> Iterator[Any]:
    """Read lines, many at once, as Arrow tables; without a schema types are of each piece alone."""
    from pyarrow import json

    start = 0
    parse = json.ParseOptions(explicit_schema=schema)
    with opened_as_utf8(path) as stream:
        for piece in iterate_lines(stream):
            if piece.strip():
                _require_utf8(path, piece, start)
                read = json.ReadOptions(use_threads=False, block_size=len(piece) + 1)
                try:
                    table = json.read_json(pa.BufferReader(piece), read, parse)
                except pa.ArrowInvalid as error:
                    raise pa.ArrowInvalid(_counted_on(str(error), start)) from error
                start += table.num_rows
                yield table


def _counted_on(message: str, start: int) -> str:
    """A message on a row of a piece as one on a row of the file."""
    return re.sub(r"(?<=in row )\d+", lambda row: str(start + int(row[0])), message)


def _iterate_list(path: Path, schema: Any = None) -> Iterator[pl.DataFrame]:
    """Read values of a list, many at once; without a schema types are of each piece alone."""
    start = 0
    with opened_as_utf8(path) as stream:
        for piece in iterate_lists(stream):
            if piece.strip(b"[] \t\r\n"):
                _require_utf8(path, piece, start, is_one_list=True)
                frame = pl.read_json(io.BytesIO(piece), schema=schema, infer_schema_length=None)
                start += len(frame)
                yield frame


def _require_utf8(path: Path, piece: bytes, start: int, *, is_one_list: bool = False) -> None:
    """Raise DataError, which names the row, where a piece that begins at some row is no UTF-8."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        before = piece[: error.start].splitlines(keepends=True)
        is_within = bool(before) and not before[-1].endswith(b"\n")
        whole = before[:-1] if is_within else before
        row = f"Row {start + sum(bool(line.strip()) for line in whole)} (the first is 0)"
        if is_one_list:
            row = f"A row from about {start} on (the first is 0)"
        first = piece[: error.start].rpartition(b"\n")[2][-20:]
        shown = first + piece[error.start : error.start + 20].partition(b"\n")[0]
        raise no_utf8(row, path, shown.decode("utf-8", "backslashreplace")) from error


def _joined(first: Any, second: Any) -> Any:
    """Names and types of the columns of two pieces; dates are texts where others are texts."""
    both = [_with_texts(first, second), _with_texts(second, first)]
    return pa.unify_schemas(both, promote_options="permissive")


def _with_texts(schema: Any, other: Any) -> Any:
    for place, field in enumerate(schema):
        is_other_text = field.name in other.names and is_text(other.field(field.name).type)
        if pa.types.is_temporal(field.type) and is_other_text:
            schema = schema.set(place, field.with_type(pa.string()))
    return schema


def _is_nested(kind: Any) -> bool:
    return is_list_type(kind) or bool(pa.types.is_struct(kind))


def _one_object(path: Path, names: list[str]) -> DataError:
    return DataError(
        f"{shown_path(path)} holds one object ({list_names(names)}); expected an object for each "
        'sample, such as {"text": "Where is my card?", "label": "card_arrival"}: one per line, or '
        "a list of them. (Pandas writes them by to_json with orient='records'.)"
    )


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).partition("\n")[0].rstrip(".")
    return DataError(
        f"{shown_path(path)} cannot be read as JSON lines: {reason}. Expected an object per "
        'line, such as {"text": "Where is my card?", "label": "card_arrival"}, and values of '
        "one type under each name."
    )
