"""Which samples stand for a category of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from dataparams.analysis.result import Category


def representatives(members: pl.DataFrame, category: Category, count: int) -> pl.DataFrame:
    """Samples that show what a category of a class is like: spread over its sub-groups.

    The sub-groups take turns, the largest first, each with its most typical samples in turn: those
    nearest to its center, or of the highest posterior where that is not known. Easy samples are
    spread evenly from the most to the least typical half.

    Args:
        members: The rows of one class.
        category: The category of the samples.
        count: How many.

    Returns:
        At most ``count`` rows.

    Example:
        >>> members = pl.DataFrame({
        ...     "category": ["hard"] * 4, "p_hard": [0.9, 0.8, 0.7, 0.6], "index": range(4),
        ...     "suspicion": [0.9, 0.8, 0.7, 0.6], "subgroup": ["like dog"] * 3 + ["like cow"]})
        >>> representatives(members, "hard", 2)["subgroup"].to_list()
        ['like dog', 'like cow']
    """
    posterior = f"p_{category}"
    rows = members.filter(pl.col("category") == category).sort(
        [posterior, "suspicion", "index"], descending=[True, category != "easy", False]
    )
    if category == "easy" or rows["subgroup"].null_count() == len(rows):
        return _spread(rows, count)
    if "subgroup_place" in rows.columns:
        rows = rows.sort("subgroup_place", nulls_last=True, maintain_order=True)
    turns = rows.with_columns(
        pl.int_range(pl.len()).over("subgroup").alias("turn"),
        pl.len().over("subgroup").alias("size"),
    ).sort(["turn", "size"], descending=[False, True], maintain_order=True)
    return turns.head(count).drop("turn", "size")


def _spread(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    if len(rows) <= count:
        return rows
    half = max(count, len(rows) // 2)
    spread: pl.DataFrame = rows[np.linspace(0, half - 1, count).round().astype(np.int64)]
    return spread
