"""What sums up the rows of an analysis: classes, confusions, sub-groups, bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.class_standing import FEWEST_SAMPLES
from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import LEAST_CONFIDENCE, is_suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import LogTemperatures

TOO_SMALL = "too small to judge"
UNLEARNED = "never learned"
_MOST_PER_BAND = 20_000
_BAND = (5, 50, 95)


def class_summary(
    frame: pl.DataFrame, class_names: tuple[str, ...], unlearned: Sequence[int] = ()
) -> pl.DataFrame:
    """A row per class: count, counts of the categories, estimated share of wrong labels.

    Args:
        frame: The rows of an analysis.
        class_names: Name of class 0, 1, ...
        unlearned: Numbers of the classes that the model never learned.
    """
    every = pl.DataFrame({"label": range(len(class_names)), "label_name": list(class_names)})
    counted = frame.group_by("label").agg(
        pl.len().alias("count"),
        *((pl.col("category") == name).sum().alias(name) for name in CATEGORIES),
        pl.col("noise_probability").mean().alias("noise_rate"),
    )
    joined = every.with_columns(pl.col("label").cast(frame["label"].dtype)).join(
        counted, on="label", how="left", maintain_order="left"
    )
    count = pl.col("count")
    return joined.with_columns(
        pl.col("count", *CATEGORIES).fill_null(0), pl.col("noise_rate").fill_null(0.0)
    ).with_columns(
        unjudged=pl.when((count > 0) & (count < FEWEST_SAMPLES))
        .then(pl.lit(TOO_SMALL))
        .when(pl.col("label").is_in(list(unlearned)))
        .then(pl.lit(UNLEARNED))
    )


def confusion_summary(frame: pl.DataFrame) -> pl.DataFrame:
    """How often each class's label is suggested to be another, the most frequent first.

    Only suggestions that are more likely right than wrong count.
    """
    names = ("label", "label_name", "suggested_label", "suggested_name")
    differing = frame.filter(is_suggestion(), pl.col("suggested_confidence") >= LEAST_CONFIDENCE)
    counted = differing.group_by(names).agg(pl.len().alias("count"))
    return counted.sort(["count", "label", "suggested_label"], descending=[True, False, False])


def subgroup_summary(frame: pl.DataFrame) -> pl.DataFrame:
    """A row per sub-group: its size, and its share of its class's hard and need-review samples."""
    names = ("label", "label_name", "subgroup")
    counted = (
        frame.filter(pl.col("subgroup").is_not_null())
        .group_by(names)
        .agg(
            pl.len().alias("count"),
            (pl.col("category") == "hard").sum().alias("hard"),
            (pl.col("category") == "review").sum().alias("review"),
            (pl.col("category") == "easy").sum().alias("easy"),
            _likely_name().mode().sort().first().alias("suggested_name"),
        )
        .sort(["label", "subgroup"])
    )
    shares = [
        (pl.col(name) / pl.col(name).sum().over("label")).fill_nan(0.0).alias(f"share_of_{name}")
        for name in ("hard", "review")
    ]
    return counted.with_columns(shares).select(
        *names,
        "count",
        *("hard", "review", "easy"),
        "share_of_hard",
        "share_of_review",
        "suggested_name",
    )


def _likely_name() -> pl.Expr:
    """The name of the class that is likely the true one: the given one where no other is."""
    is_likely = is_suggestion() & (pl.col("suggested_confidence") >= LEAST_CONFIDENCE)
    return pl.when(is_likely).then("suggested_name").otherwise("label_name")


def band_summary(
    frame: pl.DataFrame, epochs: tuple[int, ...], log_temperatures: LogTemperatures
) -> pl.DataFrame:
    """Median and 5-95 % band of the temperature over the epochs, per category and truth.

    Of a large group, 20,000 samples drawn at random stand for all.
    """
    groups: dict[str, pl.Series] = {name: frame["category"] == name for name in CATEGORIES}
    if "is_corrupted" in frame.columns:
        groups |= {"clean": ~frame["is_corrupted"], "corrupted": frame["is_corrupted"]}
    tables = []
    for group, is_member in groups.items():
        rows = np.flatnonzero(is_member.to_numpy())
        if not len(rows):
            continue
        if len(rows) > _MOST_PER_BAND:
            drawn = np.random.default_rng(0).choice(rows, _MOST_PER_BAND, replace=False)
            rows = np.sort(drawn)
        temperature = np.exp(log_temperatures.of(rows).astype(np.float64))
        low, median, high = np.percentile(temperature, _BAND, axis=1)
        tables.append(
            pl.DataFrame(
                {
                    "group": [group] * len(epochs),
                    "epoch": list(epochs),
                    "low": low,
                    "median": median,
                    "high": high,
                }
            )
        )
    return pl.concat(tables)
