"""What all pictures share: a category's color and mark, and a figure that shows itself."""

from __future__ import annotations

import io
import textwrap
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import matplotlib as mpl
import polars as pl
from matplotlib import font_manager
from matplotlib.figure import Figure

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.analysis.result import Analysis, Category

COLORS: dict[Category, str] = {"easy": "#1b7f4b", "hard": "#c62828", "review": "#e08a00"}
"""Green, red and orange; the marks tell categories apart without color vision."""
_FURTHER_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei", "SimHei"),
    *("WenQuanYi Micro Hei", "Arial Unicode MS", "Noto Sans Devanagari", "Noto Sans Thai"),
)
ALARM = "#a3160c"
INK, MUTED, LINE = "#1f2933", "#66727f", "#d5dbe1"


class Drawing(Figure):
    """A matplotlib figure that shows itself in a notebook, whatever the backend."""

    def png(self, dpi: float = 100) -> bytes:
        """The picture as the contents of a PNG file."""
        buffer = io.BytesIO()
        with drawing_style():
            self.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


@contextmanager
def drawing_style() -> Iterator[None]:
    """The settings of all pictures; names are data, so a $ in one begins no formula."""
    settings = mpl.rc_context(
        {
            "font.family": _families(),
            "text.parse_math": False,
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": MUTED,
            "axes.edgecolor": LINE,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "figure.facecolor": "white",
        }
    )
    with settings, warnings.catch_warnings():
        # A name in a script for which no font is installed is drawn as boxes.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


@cache
def _families() -> list[str]:
    """Installed fonts; each letter takes the first that has it."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FURTHER_FONTS if name in installed)]


_WARNING_SIZE = 10.5
_WARNING_LINE = 0.2
_WARNING_MARGIN = 0.12
_LETTERS_PER_INCH = 10.5


def warning_height(warnings: Sequence[str], width: float) -> float:
    """The inches that warnings need at the top of a figure, 0 where there are none.

    Args:
        warnings: Sentences.
        width: Of the figure, inches.

    Example:
        >>> warning_height((), 10.0), warning_height(("No ranking here means anything.",), 10.0)
        (0.0, 0.32)
    """
    lines = _warning_lines(warnings, width)
    return round(len(lines) * _WARNING_LINE + _WARNING_MARGIN, 3) if lines else 0.0


def draw_warnings(drawing: Drawing, warnings: Sequence[str]) -> None:
    """Write warnings at the top of a figure, in the room of :func:`warning_height`."""
    width, height = (float(side) for side in drawing.get_size_inches())
    lines = _warning_lines(warnings, width)
    if lines:
        drawing.text(
            0.2 / width,
            1 - _WARNING_MARGIN / height,
            "\n".join(lines),
            va="top",
            color=ALARM,
            fontsize=_WARNING_SIZE,
            fontweight="bold",
        )


def _warning_lines(warnings: Sequence[str], width: float) -> list[str]:
    most = int((width - 0.4) * _LETTERS_PER_INCH)
    return [line for sentence in warnings for line in textwrap.wrap(f"⚠ {sentence}", most)]


def category_words(category: Category) -> str:
    """Mark and name of a category.

    Example:
        >>> category_words("hard")
        '▲ Hard'
    """
    return f"{CATEGORY_MARKS[category]} {CATEGORY_TITLES[category]}"


def unjudged_words(analysis: Analysis, label: int) -> str:
    """What follows the name and size of a class that cannot be judged; most can."""
    row = analysis.classes.row(by_predicate=pl.col("label") == label, named=True)
    return f", {row['unjudged']}" if row["unjudged"] else ""


def shortened(name: str, most: int = 24) -> str:
    """A name that fits under a picture.

    Example:
        >>> shortened("a very long name of a class indeed", 10)
        'a very lo…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"
