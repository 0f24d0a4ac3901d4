"""Checks of tables read from files that may be damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Kind = Literal["integer", "number", "text", "truth"]


def require_columns(table: pl.DataFrame, columns: Mapping[str, Kind], file: Path) -> None:
    """Raise RunError unless a table has rows, and columns of these kinds without gaps.

    Example:
        >>> from pathlib import Path
        >>> require_columns(pl.DataFrame({"id": [1]}), {"id": "text"}, Path("samples.parquet"))
        Traceback (most recent call last):
        ...
        dataparams.errors.RunError: samples.parquet is damaged: its column id is not one of text.
    """
    if not len(table):
        raise RunError(f"{file} is damaged: it has no rows.")
    for name, kind in columns.items():
        if name not in table.columns:
            raise RunError(f"{file} is damaged: it has no column {name}.")
        if not _is_kind(table[name].dtype, kind):
            raise RunError(f"{file} is damaged: its column {name} is not one of {kind}.")
        if table[name].null_count():
            raise RunError(f"{file} is damaged: its column {name} has gaps.")


def require_range(table: pl.DataFrame, name: str, limit: int | None, file: Path) -> None:
    """Raise RunError unless the integers of a column are 0 or above, and below the limit."""
    lowest, highest = int(table[name].min()), int(table[name].max())  # type: ignore[arg-type]
    if lowest < 0 or (limit is not None and highest >= limit):
        expected = "0 or above" if limit is None else f"0 ... {limit - 1}"
        raise RunError(
            f"{file} is damaged: its column {name} runs from {lowest} to {highest}; expected "
            f"{expected}."
        )


def require_among(table: pl.DataFrame, name: str, words: Collection[str], file: Path) -> None:
    """Raise RunError unless every word of a column is one of those given."""
    strange = table.filter(~pl.col(name).is_in(list(words)))
    if len(strange):
        raise RunError(
            f"{file} is damaged: its column {name} has {strange[name][0]!r}; expected one of "
            f"{', '.join(words)}."
        )


def _is_kind(dtype: pl.DataType, kind: Kind) -> bool:
    if kind == "integer":
        return dtype.is_integer()
    if kind == "number":
        return dtype.is_numeric()
    return dtype == (pl.String if kind == "text" else pl.Boolean)
