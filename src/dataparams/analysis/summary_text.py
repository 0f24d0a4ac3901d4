"""An analysis in words, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.result import CATEGORIES, CATEGORY_TITLES
from dataparams.terminal import printable, text_table

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis

_MOST_CLASSES = 30
_FEWEST_EPOCHS = 5
_MOST_CONFUSIONS = 10
_MOST_SUBGROUPS = 10


def summary_text(analysis: Analysis, most_suspicious: int = 10) -> str:
    """The classes, the confusions, the sub-groups and the most suspicious samples, as tables."""
    frame, counts = analysis.frame, analysis.classes
    piles = ", ".join(
        f"{CATEGORY_TITLES[name].lower()} {counts[name].sum()}" for name in CATEGORIES
    )
    known = ""
    if "is_corrupted" in frame.columns:
        known = f" (truth: {frame['is_corrupted'].sum() / len(frame):.1%})"
    parts = [
        (
            f"{printable(analysis.name)}: {len(frame)} samples, {len(analysis.epochs)} epochs. "
            f"{piles}.\n"
            f"Estimated label noise: {analysis.noise.rate:.1%}{known}."
        ),
        _caution(len(analysis.epochs)),
        _classes(counts),
        _confusions(analysis.confusions),
        _subgroups(analysis.subgroups),
        _suspects(frame, most_suspicious),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _caution(epochs: int) -> str:
    if epochs >= _FEWEST_EPOCHS:
        return ""
    return (
        f"There are {epochs} epochs so far: what the model has not learned yet counts as hard, and "
        "the label noise is overestimated. Look again after more epochs."
    )


def _classes(counts: pl.DataFrame) -> str:
    shown = counts
    title = "Classes:"
    if len(counts) > _MOST_CLASSES:
        shown = counts.sort("noise_rate", descending=True).head(_MOST_CLASSES)
        title = f"The {_MOST_CLASSES} of {len(counts)} classes with most label noise:"
    rows = [
        [row["label_name"], *(str(row[name]) for name in CATEGORIES), f"{row['noise_rate']:.1%}"]
        for row in shown.iter_rows(named=True)
    ]
    return f"{title}\n" + text_table(["class", *CATEGORIES, "label noise"], rows)


def _confusions(confusions: pl.DataFrame) -> str:
    if not len(confusions):
        return ""
    rows = [
        [row["label_name"], row["suggested_name"], str(row["count"])]
        for row in confusions.head(_MOST_CONFUSIONS).iter_rows(named=True)
    ]
    return "Most frequent confusions:\n" + text_table(["given", "suggested", "count"], rows)


def _subgroups(subgroups: pl.DataFrame) -> str:
    several = subgroups.filter(pl.len().over("label") > 1)
    if not len(several):
        return ""
    largest = several.sort("count", descending=True).head(_MOST_SUBGROUPS)
    rows = [
        [
            row["label_name"],
            row["subgroup"],
            str(row["count"]),
            f"{row['hard']} ({row['share_of_hard']:.0%})",
            f"{row['review']} ({row['share_of_review']:.0%})",
        ]
        for row in largest.iter_rows(named=True)
    ]
    header = ["class", "sub-group", "samples", "hard (of class)", "review (of class)"]
    return "Largest sub-groups of hard and need-review samples:\n" + text_table(header, rows)


def _suspects(frame: pl.DataFrame, most: int) -> str:
    worst = frame.sort(["suspicion", "index"], descending=[True, False]).head(most)
    rows = []
    for row in worst.iter_rows(named=True):
        suggestion = ""
        if row["suggested_label"] != row["label"]:
            suggestion = f"{row['suggested_name']} ({row['suggested_confidence']:.0%})"
        rows.append([str(row["index"]), row["id"], row["label_name"], suggestion, row["category"]])
    header = ["index", "id", "given", "suggested", "category"]
    return f"The {len(worst)} most suspicious samples:\n" + text_table(header, rows)
