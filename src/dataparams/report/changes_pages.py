"""The annex: every change of a label, in pages and as a table for a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataparams.decisions.tables import csv_of
from dataparams.report.pages import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from dataparams.report.language import Language

CHANGES_FILE = "changes.csv"
"""The table beside the pages."""
_A_PAGE = 250
_MOST_PAGES = 400


@dataclass(frozen=True, eq=False)
class ShownChanges:
    """What the first page shows of the changes.

    Attributes:
        total: How many there are.
        pages: How many pages they fill.
        first: Those of the first page.
        file: The table of all.
    """

    total: int
    pages: int
    first: list[dict[str, Any]]
    file: str = CHANGES_FILE


def shown_changes(changes: pl.DataFrame) -> ShownChanges:
    """What the first page shows of the changes.

    Args:
        changes: A row per change: ``id``, ``old_label``, ``new_label`` (null for discarded),
            ``who``, ``when`` (ISO 8601), ``why``, and others.
    """
    pages = min(-(-len(changes) // _A_PAGE), _MOST_PAGES)
    return ShownChanges(len(changes), pages, changes.head(_A_PAGE).to_dicts())


def changes_csv(changes: pl.DataFrame) -> bytes:
    """The changes as CSV; no name in it runs as a formula in a spreadsheet."""
    return csv_of(changes)


def changes_pages(
    changes: pl.DataFrame, title: str, shown_in: Language
) -> Iterator[tuple[str, str]]:
    """The pages of the annex, where one does not hold all: names of files, and what is in them."""
    shown = shown_changes(changes)
    if shown.pages < 2:
        return
    for page in range(shown.pages):
        start = page * _A_PAGE
        rows = changes[start : start + _A_PAGE].to_dicts()
        text = render(
            "changes.html",
            shown_in,
            title=title,
            number=page + 1,
            pages=shown.pages,
            first=start + 1,
            last=start + len(rows),
            total=len(changes),
            changes=rows,
            kind=None,
            present=frozenset(),
        )
        yield f"changes_{page + 1}.html", text
