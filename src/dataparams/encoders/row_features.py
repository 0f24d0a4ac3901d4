"""Features of the rows of a table, by scikit-learn's preprocessing; no label is looked at.

A number becomes two: its quantile, as a number of the normal distribution, which no outlier bends,
and its distance from the median, which keeps what is between; and where values are missing, whether
it is. A category is a column of zeros and ones for each value that is not rare; a date its day,
year, hour, month and weekday; a text the frequencies of its letters, reduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.encoders.row_columns import RowColumn

FORMAT = 1
"""Changes whenever the same rows get other features."""
_FARTHEST_QUANTILE = 3.0
_FARTHEST = 5.0
_QUANTILES = 1000
_MIDDLE = (5.0, 95.0)
_LEAST_OFTEN = 0.001
_WIDTH_OF_TEXT = 32
_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class TreeTable:
    """The columns of a table as trees take them: no scaling, and no column for each category.

    Attributes:
        values: (n, t), float32; NaN where a value is missing; categories by number, from 0.
        is_category: Whether each column holds categories, (t,), of at most 64 values each.
    """

    values: NDArray[np.float32]
    is_category: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        """Number of columns, t."""
        return int(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class RowFeatures:
    """The rows of a table, as heads and as trees take them.

    Attributes:
        values: (n, d), float32, each number about as large as those of a normal distribution.
        for_trees: The same rows.
    """

    values: NDArray[np.float32]
    for_trees: TreeTable


@dataclass(frozen=True, eq=False)
class _Part:
    """What becomes of one column: for heads (n, k), for trees (n, l)."""

    heads: NDArray[np.floating]
    trees: NDArray[np.floating]
    is_category: bool = False


def row_features(columns: Sequence[RowColumn]) -> RowFeatures:
    """The features of rows, fitted on these rows.

    Args:
        columns: Of n rows; see :func:`dataparams.encoders.row_columns.column_of`.

    Raises:
        DataError: If no column has two different values.

    Example:
        >>> from dataparams.encoders.row_columns import column_of
        >>> carat, color = [0.2, 0.4, None, 1.2], ["E", "J", "E", "E"]
        >>> features = row_features([column_of("carat", carat), column_of("color", color)])
        >>> features.values.shape, features.for_trees.values[:, 1].tolist()
        ((4, 5), [0.0, 1.0, 0.0, 0.0])
    """
    makers = {"number": _number, "category": _category, "date": _date, "text": _text}
    parts = [
        part
        for column in columns
        if column.kind in makers
        for part in makers[column.kind](column.values)
    ]
    if not parts:
        raise DataError(
            "No column has two different values, so nothing tells the rows apart: expected columns "
            "of numbers, categories, dates or texts beside the label."
        )
    is_category = np.repeat([p.is_category for p in parts], [p.trees.shape[1] for p in parts])
    return RowFeatures(
        np.concatenate([part.heads for part in parts], axis=1).astype(np.float32),
        TreeTable(
            np.concatenate([part.trees for part in parts], axis=1).astype(np.float32), is_category
        ),
    )


def _number(values: pl.Series) -> list[_Part]:
    from sklearn.preprocessing import QuantileTransformer, RobustScaler

    numbers = values.to_numpy().astype(np.float64)[:, None]
    is_missing = np.isnan(numbers)
    filled = np.where(is_missing, np.nanmedian(numbers), numbers)
    quantiles = QuantileTransformer(
        n_quantiles=min(_QUANTILES, len(filled)), output_distribution="normal", random_state=0
    ).fit_transform(filled)
    distances = RobustScaler(quantile_range=_MIDDLE, unit_variance=True).fit_transform(filled)
    heads = [
        quantiles.clip(-_FARTHEST_QUANTILE, _FARTHEST_QUANTILE),
        distances.clip(-_FARTHEST, _FARTHEST),
    ]
    if is_missing.any():
        heads.append(is_missing.astype(np.float64))
    return [_Part(np.concatenate(heads, axis=1), numbers)]


def _category(values: pl.Series) -> list[_Part]:
    """Rare values share a column; what is missing is a value like any."""
    counts = values.value_counts(sort=True)
    names, many = counts.get_column(values.name), counts.get_column("count").to_numpy()
    is_often = many >= max(_LEAST_OFTEN * len(values), 2)
    places = np.where(is_often, np.arange(len(names)), int(is_often.sum()))
    place_of = pl.DataFrame({"value": names, "place": places})
    joined = pl.DataFrame({"value": values}).join(
        place_of, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    place = joined.get_column("place").to_numpy()
    heads = (place[:, None] == np.unique(places)).astype(np.float32)
    return [_Part(heads, place[:, None].astype(np.float32), is_category=True)]


def _date(values: pl.Series) -> list[_Part]:
    times = values.cast(pl.Int64)
    day = (times / _DAY).alias(values.name)
    numbers = [day, values.dt.year().cast(pl.Float64)]
    hours = values.dt.hour().cast(pl.Float64)
    words = [values.dt.month().cast(pl.String), values.dt.weekday().cast(pl.String)]
    if hours.n_unique() > 1:
        numbers.append(hours)
    return [
        *(part for one in numbers if one.n_unique() > 1 for part in _number(one)),
        *(part for one in words if one.n_unique() > 1 for part in _category(one)),
    ]


def _text(values: pl.Series) -> list[_Part]:
    from dataparams.encoders.text_frequencies import text_frequencies

    reduced = text_frequencies(values.fill_null("").to_list(), width=_WIDTH_OF_TEXT)
    spread = reduced.std()
    heads = reduced / spread if spread else reduced
    return [_Part(heads, reduced)]
