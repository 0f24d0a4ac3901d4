"""Which rows of a table are nearly the same: but for rounding, case and white space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.health.text_likeness import spaced_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.encoders.row_columns import RowColumn

TOLERANCE = 1e-3
"""How much numbers may differ, in standard deviations of their column."""
MOST_REPEATED = 0.5
"""Where more of the rows repeat others, equal rows say nothing: there are few different values."""
_CELL = 4 * TOLERANCE


class RowsAlike:
    """Compares rows of a table, column by column.

    Args:
        columns: What the columns hold, as ``encoders.row_columns.columns_of`` gives it.

    Example:
        >>> from dataparams.encoders.row_columns import column_of
        >>> carat = column_of("carat", [0.3, 1.1, 0.30001])
        >>> rows = RowsAlike([carat, column_of("color", [*"EJ", "e "])])
        >>> rows.pairs().tolist(), rows.are_alike(np.array([[0, 1], [0, 2]])).tolist()
        ([[0, 2]], [False, True])
    """

    def __init__(self, columns: Sequence[RowColumn]) -> None:
        telling = [column for column in columns if column.kind != "constant"]
        self._numbers = [_standardized(one.values) for one in telling if one.kind == "number"]
        words = [_codes(one.values) for one in telling if one.kind != "number"]
        # What is missing is like what is missing alone.
        words += [np.isnan(numbers).astype(np.int64) for numbers in self._numbers]
        count = len(columns[0].values) if columns else 0
        self._words = _joined(words, count)

    def pairs(self) -> NDArray[np.int64]:
        """Rows that are nearly the same, (m, 2); of many that are the same, each with the first.

        Numbers are brought into cells four times as wide as they may differ, twice, the second time
        moved by half a cell: of two numbers that are near, one division has them in one cell.
        """
        found = [np.empty((0, 2), dtype=np.int64)]
        for shift in (0.0, 0.5):
            cells = [np.floor(numbers / _CELL + shift) for numbers in self._numbers]
            whole = [np.nan_to_num(cell).astype(np.int64) for cell in cells]
            key = _joined([self._words, *whole], len(self._words))
            order = np.argsort(key, kind="stable").astype(np.int64)
            starts = np.append(True, np.diff(key[order]) != 0)
            first = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
            found.append(np.stack([first, order], axis=1)[~starts])
        pairs = np.unique(np.concatenate(found), axis=0)
        return pairs[self.are_alike(pairs)]

    def are_alike(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the rows of some pairs are nearly the same, (m,)."""
        found: NDArray[np.bool_] = self.distances(pairs) <= TOLERANCE
        return found

    def distances(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """The largest difference of a number, in standard deviations; infinite where words differ.

        Args:
            pairs: Places of rows, (m, 2).
        """
        one, other = pairs[:, 0], pairs[:, 1]
        found = np.where(self._words[one] == self._words[other], 0.0, np.inf)
        for numbers in self._numbers:
            np.maximum(found, np.nan_to_num(np.abs(numbers[one] - numbers[other])), out=found)
        return found


def _standardized(values: pl.Series) -> NDArray[np.float64]:
    numbers = values.to_numpy().astype(np.float64)
    scale = np.nanstd(numbers)
    return numbers / (scale if np.isfinite(scale) and scale > 0 else 1.0)


def _codes(values: pl.Series) -> NDArray[np.int64]:
    """A number for each different value, case and white space left aside."""
    if values.dtype == pl.String:
        words = values.unique().drop_nulls()
        alike = [spaced_alike(word) for word in words]
        values = values.replace_strict(words, pl.Series(alike, dtype=pl.String), default=None)
    codes: NDArray[np.int64] = values.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    return codes


def _joined(columns: Sequence[NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """A number for each different combination of some columns, (n,)."""
    if not columns:
        return np.zeros(count, dtype=np.int64)
    table = pl.DataFrame(dict(zip(map(str, range(len(columns))), columns, strict=True)))
    ranked = table.select(pl.struct(pl.all()).rank("dense").cast(pl.Int64).alias("rank"))["rank"]
    numbers: NDArray[np.int64] = ranked.to_numpy()
    return numbers
