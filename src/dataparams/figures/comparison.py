"""Runs side by side: accuracy over the epochs, and of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator, PercentFormatter

from dataparams.analysis.comparison import most_different_classes
from dataparams.figures.style import INK, LINE, MUTED, Drawing, drawing_style, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dataparams.analysis.comparison import Comparison

_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's colors, which people without full color vision tell apart."""
_LINES = ("-", "--", "-.", ":")
_MOST_CLASSES = 24
_BAR = 0.11
_CURVES = 4.4
_MOST_IN_COLUMN = 10


def draw_comparison(comparison: Comparison) -> Drawing:
    """Draw validation accuracy over the epochs, and at the best epoch for each class.

    Where there are many classes, those that differ most between the runs are drawn.

    Args:
        comparison: From :func:`dataparams.analysis.comparison.compare`.
    """
    chosen, is_part = most_different_classes(comparison, _MOST_CLASSES)
    columns = 1 if len(chosen) <= _MOST_IN_COLUMN else 2
    in_column = -(-len(chosen) // columns)
    bars = 0.6 + in_column * (0.14 + _BAR * len(comparison.runs)) if len(chosen) else 0.01
    with drawing_style():
        drawing = Drawing(figsize=(6 + 4 * columns, _CURVES + bars), layout="constrained")
        grid = drawing.add_gridspec(2, columns, height_ratios=[_CURVES, bars])
        _draw_curves(drawing.add_subplot(grid[0, :]), comparison)
        for column in range(columns if len(chosen) else 0):
            axes = drawing.add_subplot(grid[1, column])
            _draw_classes(axes, comparison, chosen[column * in_column :][:in_column])
            if column == 0:
                which = f"the {len(chosen)} classes that differ most" if is_part else "each class"
                axes.set_title(f"Accuracy of {which} (validation samples)", fontsize=10.5)
    return drawing


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _draw_curves(axes: Axes, comparison: Comparison) -> None:
    for number, row in enumerate(comparison.runs.iter_rows(named=True)):
        curve = comparison.curves.filter(pl.col("run") == number)
        words = (
            f"{shortened(row['name'], 36)}: {row['best_accuracy']:.1%}, {row['samples']} samples"
        )
        if row["noise"] is not None:
            words += f", {row['noise']:.1%} wrong"
        style = _LINES[number % len(_LINES)]
        axes.plot(curve["epoch"], curve["accuracy"], style, color=_color(number), lw=2, label=words)
        axes.plot(row["best_epoch"], row["best_accuracy"], "o", color=_color(number), ms=7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"accuracy on {comparison.validation} validation samples")
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Validation accuracy (dot: the best epoch)", fontsize=10.5)
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _draw_classes(axes: Axes, comparison: Comparison, chosen: pl.DataFrame) -> None:
    count = len(comparison.runs)
    middle = np.arange(len(chosen))
    size = 0.84 / count
    for number in range(count):
        accuracy = chosen[str(number)].cast(pl.Float64).fill_null(np.nan).to_numpy()
        place = middle + (number - (count - 1) / 2) * size
        axes.barh(place, accuracy, size * 0.92, color=_color(number))
        # An accuracy of 0 has a bar without length.
        axes.plot(
            np.zeros(len(place))[accuracy == 0], place[accuracy == 0], "|", color=_color(number)
        )
    words = [
        f"{shortened(row['label_name'])} ({row['count']})" for row in chosen.iter_rows(named=True)
    ]
    axes.set_yticks(middle, words, color=INK, fontsize=9)
    axes.invert_yaxis()
    axes.set_ylim(len(chosen) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", color=MUTED)
