"""Small data sets of every kind of source, with images whose bytes can be told apart."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def photo(number: int, kind: str = "JPEG", side: int = 12) -> bytes:
    """An image of noise: encoding it anew would change its bytes."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def photo_folder(root: Path, per_class: int = 6, classes: Sequence[str] = ("cat", "dog")) -> Path:
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            (root / name / f"{i:02}.jpg").write_bytes(photo(100 * number + i))
    return root


def photo_table(
    file: Path,
    cells: Iterable[Any],
    labels: Iterable[int | None],
    *,
    names: Sequence[str] = ("cat", "dog"),
    row_group_size: int = 4,
) -> Path:
    """A Parquet file as the hub has them; a cell is bytes, None, or (bytes, path)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    features = {"label": {"names": list(names), "_type": "ClassLabel"}}
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    pairs = [cell if isinstance(cell, tuple) else (cell, None) for cell in cells]
    table = pa.table(
        {"image": [{"bytes": data, "path": path} for data, path in pairs], "label": list(labels)},
        schema=schema,
    )
    parquet.write_table(table, file, row_group_size=row_group_size)
    return file


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones as well."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
