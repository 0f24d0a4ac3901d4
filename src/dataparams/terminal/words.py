"""Words and tables for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_CLASSES = 20
"""The largest number of classes in a terminal's table; a file has all of them."""


def printable(text: str) -> str:
    r"""A name without the control characters that could move the cursor or change colors.

    Example:
        >>> printable("a\x1b[2Jb")
        'a?[2Jb'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def counted(count: int, noun: str) -> str:
    """A count and its noun, in the singular or the plural.

    Args:
        count: The number of things.
        noun: The singular, whose plural ends in s.

    Example:
        >>> counted(1, "sample"), counted(2000, "sample")
        ('1 sample', '2,000 samples')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def reasons_text(reasons: Iterable[str], most: int = 3) -> str:
    """The most frequent reasons, with their counts.

    Example:
        >>> reasons_text(["the file is missing", "it is empty", "the file is missing"])
        '2 x the file is missing; 1 x it is empty'
    """
    counts = Counter(reasons)
    told = [f"{count:,} x {printable(reason)}" for reason, count in counts.most_common(most)]
    return "; ".join(told) + ("; ..." if len(counts) > most else "")


def text_table(
    header: list[str], rows: list[list[str]], excerpts: Sequence[str] | None = None
) -> str:
    """A table with aligned columns, indented; cells are made printable.

    Args:
        header: The columns' titles.
        rows: As many cells in each.
        excerpts: What :func:`dataparams.terminal.excerpts.excerpt_line` gives for each row, for a
            last column; None for no such column.

    Example:
        >>> print(text_table(["index", "id"], [["7", "a.jpg"]]))
          index  id
          7      a.jpg
    """
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    ends = [""] * len(lines) if excerpts is None else ["excerpt", *excerpts]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = (
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    )
    return "\n".join(
        ("  " + "  ".join((*cells, end))).rstrip() for cells, end in zip(padded, ends, strict=True)
    )


def size_text(size: int) -> str:
    """A number of bytes in kB, MB or GB.

    Example:
        >>> size_text(146_100_000_000), size_text(1500)
        ('146.1 GB', '1.5 kB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB")):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"


def duration_text(seconds: float) -> str:
    """A duration in seconds, minutes or hours.

    Example:
        >>> duration_text(0.4), duration_text(38.2), duration_text(400), duration_text(9000)
        ('1 second', '38 seconds', '7 minutes', '2.5 hours')
    """
    if seconds < 100:
        return counted(max(round(seconds), 1), "second")
    if seconds < 6000:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
