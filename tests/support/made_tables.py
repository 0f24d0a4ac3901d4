"""Small Parquet files that tests make, with images that tell their row."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from made_images import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STORED = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@lru_cache
def photo(number: int) -> bytes:
    """A gray picture of one value."""
    return encoded(picture(number % 256, mode="L"))


def images(count: int, start: int = 0) -> pa.Array:
    cells = [{"bytes": photo(row), "path": None} for row in range(start, start + count)]
    return pa.array(cells, STORED)


def write_table(
    path: Path,
    *,
    row_group_size: int | None = None,
    names: Sequence[str] | None = None,
    column: str = "label",
    **columns: Any,
) -> Path:
    """Write columns, with images where none are given; ``names`` declares classes of a column."""
    count = len(next(iter(columns.values())))
    if not any(name.startswith(("image", "img")) for name in columns):
        columns = {"image": images(count), **columns}
    table = pa.table(columns)
    if names is not None:
        features = {column: {"_type": "ClassLabel", "names": names}}
        about = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": about})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, row_group_size=row_group_size)
    return path
