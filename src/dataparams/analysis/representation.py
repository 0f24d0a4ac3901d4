"""What Python and notebooks show of an analysis: two lines, or a small table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from dataparams.analysis.result import CATEGORIES, CATEGORY_TITLES
from dataparams.analysis.suggestions import NONE, suggestion_of_row, weighs_other_classes
from dataparams.analysis.summary_text import noise_words
from dataparams.terminal.words import counted, printable

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis

_ROWS = 10


def headline(analysis: Analysis) -> tuple[str, str]:
    """An analysis in two lines: its samples by category, and the estimated label noise."""
    piles = ", ".join(
        f"{analysis.classes[name].sum()} {CATEGORY_TITLES[name].lower()}" for name in CATEGORIES
    )
    samples = counted(len(analysis.frame), "sample")
    number = len(analysis.class_names)
    classes = f"{number:,} {'class' if number == 1 else 'classes'}"
    noise = noise_words(analysis.noise)
    if analysis.warnings:
        noise += f"; {counted(len(analysis.warnings), 'warning')}, see .warnings"
    return (
        f"Analysis of {printable(analysis.name)}: {samples} of {classes}, {piles}",
        f"{noise}; .frame has a row per sample",
    )


def html_table(analysis: Analysis) -> str:
    """The warnings, the two lines, and the most suspicious samples as a table, in HTML."""
    first, second = headline(analysis)
    worst = analysis.frame.sort(["suspicion", "index"], descending=[True, False]).head(_ROWS)
    are_weighed = weighs_other_classes(analysis.frame)
    header = "".join(f"<th>{name}</th>" for name in ("index", "id", "given", "suggested", "pile"))
    rows = "".join(
        _row([str(row["index"]), row["id"], row["label_name"], *_verdict(row, weighed=are_weighed)])
        for row in worst.iter_rows(named=True)
    )
    warnings = "".join(f"<p><strong>{escape(text)}</strong></p>" for text in analysis.warnings)
    return (
        f"<div>{warnings}<p>{escape(first)}<br>{escape(second)}</p>"
        f"<table><caption>The {len(worst)} most suspicious samples</caption>"
        f"<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(cells: list[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _verdict(row: dict[str, Any], *, weighed: bool) -> tuple[str, str]:
    """What is suggested for a sample, and its category."""
    found = suggestion_of_row(row, are_weighed=weighed)
    title = CATEGORY_TITLES[row["category"]].lower()
    if found.label is None:
        return "" if found.note == NONE else found.note, title
    return f"{found.label} ({found.confidence or 0:.0%})", title
