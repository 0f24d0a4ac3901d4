"""Reading JSON lines: an object per line, whose names are columns (https://jsonlines.org)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.compressed_files import FAILURES, opened_decompressed
from dataparams.sources.free_memory import free_memory, require_fitting
from dataparams.sources.memory_table import MemoryTable
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 24


def read_json_lines(path: Path) -> MemoryTable:
    """Read a file of JSON lines.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: If it is damaged, or a name holds values of several types.
    """
    from pyarrow import json

    require_fitting(path.stat().st_size, free_memory(), shown_path(path))
    try:
        with opened_decompressed(path) as stream:
            options = json.ReadOptions(use_threads=False, block_size=_BLOCK)
            table = json.read_json(stream, read_options=options)
    except FAILURES as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{shown_path(path)} cannot be read as JSON lines: {reason}. Expected an object per "
            'line, such as {"text": "Where is my card?", "label": "card_arrival"}, and values of '
            "one type under each name."
        ) from error
    return MemoryTable(path, pa.table(table))
