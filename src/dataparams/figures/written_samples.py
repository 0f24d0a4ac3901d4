"""Texts and rows of tables in the place of a picture: a few short lines."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from dataparams.contents.cell_words import cell_words
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.figures.style import INK, MUTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from dataparams.analysis.result import Analysis
    from dataparams.contents.content import Content

    Read = Content | UnreadableContentError

_ELLIPSIS = "…"
_WIDTH_OF_LETTER, _LINE = 0.54, 1.35
"""Of the size of the letters: the width of one, on average and with some room, and a line."""
_POINTS = 72
_MARGIN = 0.06


def contents_of(analysis: Analysis, ids: Sequence[str]) -> list[Read]:
    """The contents of some samples; why there are none where they are not at hand."""
    if analysis.contents is None:
        return [UnreadableContentError("nothing was kept of it")] * len(ids)
    return analysis.contents.read(ids)


def draw_written(axes: Axes, content: Read, instead: str, *, fontsize: float) -> None:
    """Write a text or a row into axes, as much of it as there is room for.

    Args:
        axes: What is written into.
        content: The text or row.
        instead: What is written in place of a content that cannot be read.
        fontsize: Points.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    size = _inches(axes)
    letters = int((size[0] - 2 * _MARGIN) * _POINTS / fontsize / _WIDTH_OF_LETTER)
    most = int((size[1] - 2 * _MARGIN) * _POINTS / fontsize / _LINE)
    lines = written_lines(content, letters, most)
    words = axes.text(
        _MARGIN / size[0],
        1 - _MARGIN / size[1],
        instead if lines is None else "\n".join(lines),
        color=MUTED if lines is None else INK,
        fontsize=fontsize,
        linespacing=_LINE / 1.2,
        va="top",
        transform=axes.transAxes,
        clip_on=True,
    )
    words.set_clip_path(axes.patch)


def _inches(axes: Axes) -> tuple[float, float]:
    """Width and height of axes."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    return float(box.width), float(box.height)


def written_lines(content: Read, letters: int, most: int) -> list[str] | None:
    """The lines of a text or a row that fit.

    Args:
        content: The content.
        letters: Letters in a line at most; wide ones, such as Chinese, count twice.
        most: Lines at most; the last ends with an ellipsis where more follows.

    Returns:
        The lines; None of what is neither text nor row.

    Example:
        >>> written_lines(Text("Where is my new card?"), 9, 3)
        ['Where is', 'my new', 'card?']
        >>> written_lines(Row(("carat", "color"), (0.23, None)), 20, 3)
        ['carat: 0.23', 'color: missing']
    """
    if isinstance(content, Text):
        return _first(_wrapped(_drawable(content.text[: letters * (most + 1)]), letters), most)
    if isinstance(content, Row):
        lines = list(_cell_lines(content, letters))
        return lines if len(lines) <= most else [*lines[: most - 1], _ELLIPSIS]
    return None


def _cell_lines(row: Row, letters: int) -> Iterator[str]:
    for name, cell in row.items():
        words = cell_words(cell)
        line = f"{name}: {'missing' if words is None else words}"
        wrapped = list(_wrapped(" ".join(_drawable(line[: 2 * letters]).split()), letters))
        yield _ended(wrapped[0]) if len(wrapped) > 1 else "".join(wrapped)


def _first(lines: Iterator[str], most: int) -> list[str]:
    shown: list[str] = []
    for line in lines:
        if len(shown) == most:
            shown[-1] = _ended(shown[-1])
            break
        shown.append(line)
    return shown


def _ended(line: str) -> str:
    return line if line.endswith(_ELLIPSIS) else f"{line}{_ELLIPSIS}"


def _wrapped(text: str, letters: int) -> Iterator[str]:
    """Lines of a text: broken between words, or within one that fills a line."""
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if _width(joined) <= letters:
                line = joined
                continue
            if line:
                yield line
            line = word
            while _width(line) > letters:
                end = _end_of(line, letters)
                yield line[:end]
                line = line[end:]
        yield line


def _end_of(word: str, letters: int) -> int:
    """How many letters of a long word fit, one at least."""
    width = 0
    for place, letter in enumerate(word):
        width += _width(letter)
        if width > letters:
            return max(place, 1)
    return len(word)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _drawable(text: str) -> str:
    """A text without what has no picture of its own, such as marks that turn its direction."""
    kept = (" " if letter == "\t" else letter for letter in text)
    return "".join(
        letter
        for letter in kept
        if letter in "\n\r" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
