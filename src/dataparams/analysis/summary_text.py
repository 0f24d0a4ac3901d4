"""An analysis in words, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis.class_standing import FEWEST_SAMPLES
from dataparams.analysis.class_temperatures import class_temperatures_text
from dataparams.analysis.judged_by import not_seen_words
from dataparams.analysis.result import CATEGORIES, CATEGORY_TITLES
from dataparams.analysis.split_findings import split_words
from dataparams.analysis.suggestions import NONE, OUTLIER, suggestion_of_row, weighs_other_classes
from dataparams.analysis.summaries import TOO_SMALL, UNLEARNED
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import MOST_CLASSES, counted, printable, text_table

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.analysis.excerpts import ExcerptsOf
    from dataparams.analysis.noise_rate import NoiseEstimate
    from dataparams.analysis.result import Analysis

_MOST_NAMES = 10
_MOST_CONFUSIONS = 10
_MOST_SUBGROUPS = 10


def summary_text(
    analysis: Analysis,
    most_suspicious: int = 10,
    classes_file: Path | None = None,
    excerpts_of: ExcerptsOf | None = None,
) -> str:
    """Warnings, the classes, the confusions, sub-groups and the most suspicious, as tables.

    Args:
        analysis: The analysis.
        most_suspicious: How many of the most suspicious samples to list.
        classes_file: Where all classes are listed, where they are more than fit a screen.
        excerpts_of: What gives a line for each of some ids, shown beside these; see
            :func:`dataparams.analysis.excerpts.excerpts_of_run`. None for nothing.
    """
    frame, counts = analysis.frame, analysis.classes
    piles = ", ".join(
        f"{CATEGORY_TITLES[name].lower()} {counts[name].sum()}" for name in CATEGORIES
    )
    known = ""
    if "is_corrupted" in frame.columns:
        known = f" (truth: {frame['is_corrupted'].sum() / len(frame):.1%})"
    parts = [
        *analysis.warnings,
        (
            f"{printable(analysis.name)}: {counted(len(frame), 'sample')}, "
            f"{counted(len(analysis.epochs), 'epoch')}. "
            f"{piles}.\n"
            f"{noise_words(analysis.noise)}{known}."
        ),
        split_words(analysis.findings.splits),
        _how_judged(analysis),
        _source_of_trajectories(analysis),
        _classes(counts, classes_file),
        "" if counts["unjudged"].null_count() == 0 else _unjudged(counts),
        ""
        if analysis.class_temperatures is None
        else class_temperatures_text(analysis.class_temperatures),
        _confusions(analysis.confusions),
        _subgroups(analysis.subgroups),
        _suspects(frame, most_suspicious, excerpts_of),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def classes_csv(counts: pl.DataFrame) -> bytes:
    """The classes of an analysis as a table for people; no name in it runs as a formula."""
    safe = pl.col("label_name").map_elements(guarded, return_dtype=pl.String)
    return counts.with_columns(safe).write_csv().encode()


def noise_words(noise: NoiseEstimate) -> str:
    """The noise estimate in words, with its interval.

    Example:
        >>> from dataparams.analysis.noise_rate import NoiseEstimate
        >>> noise_words(NoiseEstimate(0.12, 0.09, 0.15))
        'Estimated label noise: 12.0%, between 9.0% and 15.0% (90 % interval)'
    """
    if not noise.is_known:
        return "Estimated label noise: not known"
    return (
        f"Estimated label noise: {noise.rate:.1%}, between {noise.low:.1%} and {noise.high:.1%} "
        "(90 % interval)"
    )


def _how_judged(analysis: Analysis) -> str:
    if analysis.judged_by is None:
        return ""
    return f"{analysis.judged_by.sentence()}\n{not_seen_words(analysis.findings.disputed)}"


def _source_of_trajectories(analysis: Analysis) -> str:
    if analysis.has_temperatures:
        return ""
    return (
        "No temperatures of samples were learned: what is shown as such is what margins would have "
        "made of them."
    )


def _classes(counts: pl.DataFrame, file: Path | None) -> str:
    shown = counts
    title = "Classes:"
    if len(counts) > MOST_CLASSES:
        shown = counts.sort("noise_rate", descending=True).head(MOST_CLASSES)
        where = "the report" if file is None else str(file)
        title = (
            f"The {MOST_CLASSES} of {len(counts)} classes with most label noise ({where} has all):"
        )
    rows = [
        [
            row["label_name"],
            *(str(row[name]) for name in CATEGORIES),
            row["unjudged"] or f"{row['noise_rate']:.1%}",
        ]
        for row in shown.iter_rows(named=True)
    ]
    return f"{title}\n" + text_table(["class", *CATEGORIES, "label noise"], rows)


def _unjudged(counts: pl.DataFrame) -> str:
    """Which classes no verdict is given on, and why."""
    told = []
    for reason, why in (
        (TOO_SMALL, f"fewer than {FEWEST_SAMPLES} samples say too little about a class"),
        (UNLEARNED, "there are too few samples beside the others, or most labels are wrong"),
    ):
        names = counts.filter(pl.col("unjudged") == reason)["label_name"].to_list()
        if names:
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            listed = ", ".join(map(printable, names[:_MOST_NAMES]))
            verb = "is" if len(names) == 1 else "are"
            told.append(
                f"{listed}{more} {verb} {reason} ({why}); all of these samples need review."
            )
    return "\n".join(told)


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
            str(row["easy"]),
        ]
        for row in largest.iter_rows(named=True)
    ]
    header = ["class", "sub-group", "samples", "hard (of class)", "review (of class)", "easy"]
    return "Largest sub-groups:\n" + text_table(header, rows)


def _suspects(frame: pl.DataFrame, most: int, excerpts_of: ExcerptsOf | None) -> str:
    worst = frame.sort(["suspicion", "index"], descending=[True, False]).head(most)
    rows = []
    are_weighed = weighs_other_classes(frame)
    for row in worst.iter_rows(named=True):
        words = _suggested(row, are_weighed=are_weighed)
        rows.append([str(row["index"]), row["id"], row["label_name"], *words])
    header = ["index", "id", "given", "suggested", "category"]
    excerpts = None if excerpts_of is None else excerpts_of(worst["id"].to_list())
    return f"The {len(worst)} most suspicious samples:\n" + text_table(header, rows, excerpts)


def _suggested(row: dict[str, Any], *, are_weighed: bool) -> tuple[str, str]:
    """What is suggested for a sample, and its category, beside which an outlier is called one."""
    found = suggestion_of_row(row, are_weighed=are_weighed)
    category = f"{row['category']}, {OUTLIER}" if found.is_outlier else row["category"]
    if found.label is None:
        return "" if found.note == NONE else found.note, category
    return f"{found.note} {found.label} ({found.confidence or 0:.0%})".strip(), category
