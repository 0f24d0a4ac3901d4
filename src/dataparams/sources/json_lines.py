"""Reading JSON: an object per line (https://jsonlines.org), or a list of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.encodings import TEXT_FAILURES, opened_as_utf8
from dataparams.sources.free_memory import free_memory, require_fitting
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 24
_HEAD = 1 << 12


def read_json_lines(path: Path) -> MemoryTable:
    """Read a file of JSON lines, or of one list; the names in the objects are the columns.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: If it is damaged, is no list of objects, or a name holds values of several types.
    """
    require_fitting(path.stat().st_size if path.is_file() else 0, free_memory(), shown_path(path))
    try:
        with opened_as_utf8(path) as stream:
            is_list = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
        with opened_as_utf8(path) as stream:
            table = _read_list(stream) if is_list else _read_lines(stream)
    except (*TEXT_FAILURES, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{shown_path(path)} cannot be read as JSON lines: {reason}. Expected an object per "
            'line, such as {"text": "Where is my card?", "label": "card_arrival"}, and values of '
            "one type under each name."
        ) from error
    if not table.num_columns:
        raise DataError(f"{shown_path(path)} is empty; expected an object per line.")
    return MemoryTable(path, table)


def _read_lines(stream: Any) -> Any:
    from pyarrow import json

    options = json.ReadOptions(use_threads=False, block_size=_BLOCK)
    return pa.table(json.read_json(stream, read_options=options))


def _read_list(stream: Any) -> Any:
    return pl.read_json(stream.read(), infer_schema_length=None).to_arrow()
