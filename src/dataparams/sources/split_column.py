"""A column that says of which split each row of a table is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.compute as pc

from dataparams.sources.arrow_types import plain_values
from dataparams.sources.label_choice import may_tell_splits, tells_splits
from dataparams.sources.labels import plain_labels
from dataparams.sources.split_names import choose_splits, split_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.sources.columns import WantedColumns
    from dataparams.sources.table_columns import TableColumns

_FEWEST = 2


def find_split_column(table: TableColumns, wanted: WantedColumns) -> str | None:
    """The column that says of which split each row is; None where there is none, or several.

    It is called ``split`` or alike, every value in it is the name of a split, one is a split to
    train on, and there is another.

    Args:
        table: The columns.
        wanted: Those that the user names, which hold something else.
    """
    taken = {wanted.image, wanted.text, wanted.label, *wanted.row}
    found = [
        name
        for name in dict.fromkeys(table.schema.names)
        if name not in taken
        and may_tell_splits(name)
        and table.is_once(name)
        and _tells(table, name)
    ]
    return found[0] if len(found) == 1 else None


def without_column(table: TableColumns, name: str | None) -> TableColumns:
    """A table as if it had not a column."""
    if name is None:
        return table
    return table._replace(schema=table.schema.remove(table.schema.get_field_index(name)))


def split_of_rows(
    values: Any, rows: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The splits of some rows of a table, by its column of splits.

    Rows that name no split are taken for such to train on.

    Args:
        values: The column, as an Arrow chunked array.
        rows: Which rows, (n,).

    Returns:
        What the splits are called, training first, then what is validated on; and which of them
        each row is in, (n,).

    Example:
        >>> import numpy as np
        >>> import pyarrow as pa
        >>> column = pa.chunked_array([["train", "test", None, "val", "train"]])
        >>> names, numbers = split_of_rows(column, np.arange(5))
        >>> names, numbers.tolist()
        (('train', 'val', 'test'), [0, 2, 0, 1, 0])
    """
    plain = pl.Series(pl.from_arrow(plain_values(values)))[rows].cast(pl.String)
    given = plain.str.strip_chars()
    distinct = sorted(word for word in given.unique().drop_nulls() if word)
    names = _in_order(distinct)
    places = {word: _place_of(word, names) for word in distinct}
    numbers = given.replace_strict(places, default=0, return_dtype=pl.Int64)
    return names, numbers.to_numpy().copy()


def _tells(table: TableColumns, name: str) -> bool:
    values = plain_labels(table.read(name))
    if isinstance(values, str):
        return False
    distinct = pc.unique(values).drop_null()
    if not tells_splits(name, distinct):
        return False
    words = {split_word(word) for word in distinct.to_pylist()}
    return len(words) >= _FEWEST and choose_splits([word for word in words if word])[0] is not None


def _in_order(distinct: Sequence[str]) -> tuple[str, ...]:
    """Names of splits: as they are written, or the word that several have in common."""
    by_word: dict[str, list[str]] = {}
    for name in distinct:
        by_word.setdefault(str(split_word(name)), []).append(name)
    names = {word: some[0] if len(some) == 1 else word for word, some in by_word.items()}
    first, second = choose_splits(list(names))
    ordered = [word for word in (first, second) if word is not None]
    ordered += [word for word in names if word not in ordered]
    return tuple(names[word] for word in ordered)


def _place_of(name: str, names: Sequence[str]) -> int:
    words = [split_word(known) for known in names]
    return words.index(split_word(name))
