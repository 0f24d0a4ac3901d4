"""The ids of rows of tables, and which rows ids mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.sources.arrow_types import arrow_array, numpy_array
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_ROW_ID = r"^(?P<split>.*)/(?P<row>0|[1-9][0-9]{0,15})$"


def row_ids(split: str, rows: NDArray[np.int64]) -> pa.Array:
    """The ids ``<split>/<row>`` of rows of a table, without making an object of each.

    Example:
        >>> row_ids("train", np.array([0, 7])).to_pylist()
        ['train/0', 'train/7']
    """
    numbers = arrow_array(rows, pa.large_string())
    prefix, nothing = (pa.scalar(text, pa.large_string()) for text in (f"{split}/", ""))
    return pc.binary_join_element_wise(prefix, numbers, nothing)


def rows_of_ids(ids: Sequence[str], splits: Mapping[str, int]) -> NDArray[np.int64]:
    """The rows of tables that ids ``<split>/<row>`` mean.

    Args:
        ids: The ids, which may come from a stranger.
        splits: Number of rows of each split; rows are counted on from one to the next.

    Returns:
        The row of each, (n,), -1 where there is none.

    Example:
        >>> splits = {"train": 3, "val": 2}
        >>> rows_of_ids(["val/1", "train/2", "train/3", "train/01"], splits).tolist()
        [4, 2, -1, -1]
    """
    parts = pc.extract_regex(_as_arrow(ids), _ROW_ID)
    names, texts = (pc.struct_field(parts, field) for field in ("split", "row"))
    numbers = numpy_array(pc.fill_null(texts.cast(pa.int64()), -1))
    rows = np.full(len(numbers), -1, dtype=np.int64)
    start = 0
    for split, count in splits.items():
        is_named = pc.fill_null(pc.equal(names, pa.scalar(split, pa.large_string())), False)
        is_here = numpy_array(is_named) & (numbers >= 0) & (numbers < count)
        rows[is_here] = start + numbers[is_here]
        start += count
    return rows


def _as_arrow(ids: Sequence[str]) -> Any:
    if isinstance(ids, TextColumn):
        return ids.arrow
    try:
        return arrow_array(ids, pa.large_string())
    except UnicodeEncodeError:
        safe = [name.encode(errors="replace").decode() for name in ids]
        return arrow_array(safe, pa.large_string())
