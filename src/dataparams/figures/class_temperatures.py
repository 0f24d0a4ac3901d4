"""The temperatures of classes over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.class_temperatures import ranked_classes
from dataparams.errors import UserError
from dataparams.figures.style import (
    LINE,
    Drawing,
    draw_warnings,
    drawing_style,
    shortened,
    warning_height,
)
from dataparams.figures.temperature_axes import finish_axes, label_ends

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis

_COLORS = ("#0072b2", "#d55e00", "#007a5a", "#b3589a", "#8a6d00", "#3d3d3d")
_LINES = ("-", "--")
_HIGHEST, _LOWEST = 9, 3
_WIDTH, _HEIGHT = 8.6, 5.4
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 2.4, 0.75, 0.65
_GRAY = "#b4bcc5"


def draw_class_temperatures(analysis: Analysis) -> Drawing:
    """Draw the temperature of every class over the epochs.

    Of many classes the nine of the highest temperature at the end and the three of the lowest are
    named; the others are gray.

    Args:
        analysis: Of a run that learned class parameters.

    Raises:
        UserError: If it has none.
    """
    table = analysis.class_temperatures
    if table is None:
        raise UserError(
            f"{analysis.name} has no class parameters to draw; it was trained without them. "
            "Train with `learn_class_parameters=True`."
        )
    ranked = ranked_classes(table)
    named = ranked
    if len(ranked) > _HIGHEST + _LOWEST:
        named = pl.concat([ranked.head(_HIGHEST), ranked.tail(_LOWEST)])
    above = warning_height(analysis.warnings, _WIDTH)
    height = _HEIGHT + above
    with drawing_style():
        drawing = Drawing(figsize=(_WIDTH, height))
        draw_warnings(drawing, analysis.warnings)
        axes = drawing.add_axes(
            (
                _LEFT / _WIDTH,
                _BOTTOM / height,
                (_WIDTH - _LEFT - _RIGHT) / _WIDTH,
                (_HEIGHT - _TOP - _BOTTOM) / height,
            )
        )
        epochs = table["epoch"].unique().sort().to_list()
        curves = {
            label: rows.sort("epoch")["temperature"].to_list()
            for (label,), rows in table.group_by("label")
        }
        mark = "o" if len(epochs) == 1 else None
        for label in ranked.filter(~pl.col("label").is_in(named["label"].to_list()))["label"]:
            axes.plot(epochs, curves[label], color=_GRAY, linewidth=0.8, marker=mark)
        ends = []
        for place, row in enumerate(named.iter_rows(named=True)):
            color = _COLORS[place % len(_COLORS)]
            line = _LINES[place // len(_COLORS) % len(_LINES)]
            axes.plot(epochs, curves[row["label"]], line, color=color, linewidth=1.8, marker=mark)
            words = f"{row['temperature']:.3g}  {shortened(row['label_name'])}"
            ends.append((words, row["temperature"], color))
        values = table["temperature"]
        title = f"Temperatures of the {len(ranked)} classes"
        if len(named) < len(ranked):
            title = (
                f"The {_HIGHEST} highest and {_LOWEST} lowest of {len(ranked)} class temperatures"
            )
        low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
        finish_axes(axes, epochs, low, high, title)
        axes.grid(axis="y", color=LINE, linewidth=0.5)
        label_ends(axes, epochs[-1], ends)
    return drawing
