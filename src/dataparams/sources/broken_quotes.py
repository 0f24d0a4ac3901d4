"""Values of a text file that seem to hold several rows, since a quote was closed nowhere."""

from __future__ import annotations

from typing import Any

import polars as pl

from dataparams.terminal.words import counted

_SHOWN_LETTERS = 60


def broken_quotes_note(name: str, column: Any) -> str | None:
    r"""A sentence on values of several lines with an odd number of quotes; None without any.

    A quote that is opened and closed nowhere takes the next rows into its value, up to the next
    quote, and leaves the one that would have been closed.

    Args:
        name: The column.
        column: Its values, an Arrow chunked array of strings.

    Example:
        >>> import pyarrow as pa
        >>> column = pa.chunked_array([["Where is it?", 'Lost, late\nStill lost"']])
        >>> broken_quotes_note("text", column).partition(":")[0]
        "Row 1 (the first is 0) has several lines and an odd number of quotes in its column 'text'"
    """
    values = pl.Series("text", pl.from_arrow(column))
    several = values.str.contains("\n", literal=True).arg_true()
    quotes = values.gather(several).str.count_matches('"', literal=True)
    rows = several.filter(quotes % 2 == 1)
    if rows.is_empty():
        return None
    first = int(rows[0])
    text = str(values[first])
    shown = text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"
    more = f" So have {counted(len(rows) - 1, 'more row')}." if len(rows) > 1 else ""
    return (
        f"Row {first} (the first is 0) has several lines and an odd number of quotes in its column "
        f"{name!r}: {shown!r}. Where a quote was closed nowhere, the rows after it are in it.{more}"
    )
