"""Changing labels in a file of an array (.npy), every other byte kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from dataparams.applying.edits import spelled_classes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.applying.edits import TableEdits


def edited_array(path: Path, edits: TableEdits) -> bytes:
    """The bytes of a file of labels with some of them changed.

    Where a name is longer than those of before, the array's texts become as long.

    Args:
        path: A file with one array of whole numbers, truths or texts, a label for each sample.
        edits: What changes; there is no room for marks.

    Raises:
        DataError: If nothing says how a class is written there.
    """
    data = path.read_bytes()
    stream = io.BytesIO(data)
    array = npy.read_array(stream, allow_pickle=False)
    values = array.tolist()
    spelled = spelled_classes(path, edits.columns[0], edits, values, lambda value: value)
    for row, label in edits.labels.items():
        values[row] = spelled[label]
    changed = _like(array, values)
    if changed.dtype != array.dtype:
        written = io.BytesIO()
        npy.write_array(written, changed, allow_pickle=False)
        return written.getvalue()
    size = array.nbytes
    start = stream.tell() - size
    return data[:start] + changed.tobytes() + data[start + size :]


def _like(array: NDArray[Any], values: list[Any]) -> NDArray[Any]:
    """Values as an array of the same type, whose texts may be longer."""
    if array.dtype.kind != "U":
        return np.array(values, dtype=array.dtype)
    width = max(map(len, values), default=0)
    if 4 * width <= array.dtype.itemsize:
        return np.array(values, dtype=array.dtype)
    return np.array(values, dtype=np.dtype(f"{array.dtype.byteorder}U{width}"))
