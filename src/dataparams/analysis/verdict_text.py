"""The verdict of an audit in a few lines, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.judged_by import not_seen_words
from dataparams.analysis.split_findings import split_words
from dataparams.analysis.suggestions import outliers, suggestion_words
from dataparams.terminal.words import counted, printable, text_table

if TYPE_CHECKING:
    from dataparams.analysis.excerpts import ExcerptsOf
    from dataparams.analysis.noise_rate import NoiseEstimate
    from dataparams.analysis.result import Analysis

_MOST_CONFUSIONS = 5
_ALL_BUT_NONE = 0.005


def verdict_text(analysis: Analysis, worst: int = 10, excerpts_of: ExcerptsOf | None = None) -> str:
    """How many labels are probably wrong, the worst of them, and which classes are confused.

    Args:
        analysis: The analysis.
        worst: How many of the most suspicious samples to list.
        excerpts_of: What gives a line for each of some ids, shown beside these; see
            :func:`dataparams.analysis.excerpts.excerpts_of_run`. None for nothing.
    """
    frame = analysis.frame
    parts = [
        *analysis.warnings,
        wrong_labels_words(analysis.noise, len(frame)) + _not_seen(analysis),
        split_words(analysis.findings.splits),
        _outliers(frame),
        _unjudged(analysis.classes),
        _confusions(analysis.confusions),
        _worst(frame, worst, excerpts_of),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _not_seen(analysis: Analysis) -> str:
    if analysis.judged_by is None or not analysis.noise.is_known:
        return ""
    return f"\n{not_seen_words(analysis.findings.disputed)}"


def wrong_labels_words(noise: NoiseEstimate, count: int) -> str:
    """How many labels are probably wrong, with the interval.

    Example:
        >>> from dataparams.analysis.noise_rate import NoiseEstimate
        >>> print(wrong_labels_words(NoiseEstimate(0.12, 0.09, 0.15), 2000))
        About 240 of 2,000 labels are probably wrong: 12.0 % (90 % interval: 9.0 % to 15.0 %).
        >>> print(wrong_labels_words(NoiseEstimate(0.0, 0.0, 0.008), 2000))
        Hardly any of the 2,000 labels seems to be wrong: at most 0.8 % (90 % interval).
    """
    if not noise.is_known:
        return f"How many of the {counted(count, 'label')} are wrong cannot be told."
    if noise.rate < _ALL_BUT_NONE:
        return (
            f"Hardly any of the {counted(count, 'label')} seems to be wrong: at most "
            f"{100 * noise.high:.1f} % (90 % interval)."
        )
    wrong = max(round(noise.rate * count), 1)
    verb = "is" if wrong == 1 else "are"
    return (
        f"About {wrong:,} of {counted(count, 'label')} {verb} probably wrong: "
        f"{100 * noise.rate:.1f} % (90 % interval: {100 * noise.low:.1f} % to "
        f"{100 * noise.high:.1f} %)."
    )


def _outliers(frame: pl.DataFrame) -> str:
    count = int(outliers(frame).sum())
    if not count:
        return ""
    verb = "is" if count == 1 else "are"
    why = "far from all classes" if "is_outlier" in frame.columns else "hard and like no class"
    what = "an outlier" if count == 1 else "outliers"
    return f"{counted(count, 'sample')} {verb} {why}: perhaps {what}, whatever the label."


def _unjudged(classes: pl.DataFrame) -> str:
    unjudged = classes.filter(pl.col("unjudged").is_not_null())
    if not len(unjudged):
        return ""
    samples = int(unjudged["count"].sum())
    return (
        f"Not judged: {counted(samples, 'sample')} of "
        f"{len(unjudged):,} class{'' if len(unjudged) == 1 else 'es'} that are too small, or that "
        "nothing tells from the others; all of them need review."
    )


def _confusions(confusions: pl.DataFrame) -> str:
    if not len(confusions):
        return ""
    rows = [
        [row["label_name"], row["suggested_name"], str(row["count"])]
        for row in confusions.head(_MOST_CONFUSIONS).iter_rows(named=True)
    ]
    return "Labels that are probably wrong, most often:\n" + text_table(
        ["given", "rather", "samples"], rows
    )


def _worst(frame: pl.DataFrame, most: int, excerpts_of: ExcerptsOf | None) -> str:
    worst = frame.sort(["suspicion", "index"], descending=[True, False]).head(most)
    rows = [
        [
            printable(row["id"]),
            row["label_name"],
            suggestion_words(
                row["label_name"],
                row["suggested_name"],
                row["suggested_confidence"],
                row["category"],
                is_outlier=row.get("is_outlier"),
            ),
            f"{row['noise_probability']:.0%}",
        ]
        for row in worst.iter_rows(named=True)
    ]
    header = ["sample", "given", "rather", "wrong"]
    excerpts = None if excerpts_of is None else excerpts_of(worst["id"].to_list())
    return f"The {len(worst)} most suspicious:\n" + text_table(header, rows, excerpts)
