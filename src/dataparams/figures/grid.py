"""A class in three rows of pictures: easy, hard, in need of review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import OUTLIER, suggestion_words, weighs_other_classes
from dataparams.errors import ArgumentError
from dataparams.figures.representatives import representatives
from dataparams.figures.style import (
    COLORS,
    MUTED,
    Drawing,
    category_words,
    draw_warnings,
    drawing_style,
    shortened,
    unjudged_words,
    warning_height,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis, Category

_COLUMNS = 10
_CELL = 1.3
_BORDER = 4


def draw_grid(analysis: Analysis, label: int, columns: int = _COLUMNS) -> Drawing:
    """Draw representative samples of each category of a class.

    Every picture has a border in its category's color; under it stands the suggested label where
    one is likely, ``outlier?`` where the sample may be of no class, else its number.

    Args:
        analysis: The analysis, with pictures.
        label: The class.
        columns: Pictures in a row, 1 or more.

    Raises:
        ArgumentError: If there is no such class, or ``columns`` is below 1.
    """
    label = analysis.label_of(label)
    if columns < 1:
        raise ArgumentError(f"`columns` is {columns}; expected 1 or more.")
    members = analysis.of_class(label)
    are_weighed = weighs_other_classes(analysis.frame)
    width = _CELL * columns + 0.4
    above = warning_height(analysis.warnings, width)
    with drawing_style():
        height = _CELL * len(CATEGORIES) * 1.38 + 0.5 + above
        drawing = Drawing(figsize=(width, height))
        draw_warnings(drawing, analysis.warnings)
        rows = drawing.add_gridspec(
            len(CATEGORIES),
            columns,
            top=1 - (0.8 + above) / height,
            bottom=0.24 / height,
            left=0.02,
            right=0.98,
            hspace=0.5,
            wspace=0.1,
        )
        drawing.suptitle(
            f"{analysis.class_names[label]}: {len(members)} samples"
            f"{unjudged_words(analysis, label)}",
            x=0.02,
            ha="left",
            y=1 - (0.12 + above) / height,
            va="top",
            fontsize=15,
            fontweight="bold",
        )
        for row, category in enumerate(CATEGORIES):
            chosen = representatives(members, category, columns)
            pictures = analysis.pictures_of(chosen["id"].to_list())
            axes = [drawing.add_subplot(rows[row, column]) for column in range(columns)]
            _title_row(axes[0], members, category)
            for column, axis in enumerate(axes):
                if column < len(chosen):
                    sample = chosen.row(column, named=True)
                    _draw_sample(axis, pictures[column], category)
                    _caption(axis, sample, category, are_weighed=are_weighed)
                else:
                    axis.axis("off")
            if not len(chosen):
                axes[0].text(0, 0.5, "none", color=MUTED, transform=axes[0].transAxes)
    return drawing


def _title_row(axis: Axes, members: pl.DataFrame, category: Category) -> None:
    count = int((members["category"] == category).sum())
    axis.annotate(
        f"{category_words(category)}  {count}  ({count / max(len(members), 1):.0%})",
        (0, 1),
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=11,
        fontweight="bold",
        color=COLORS[category],
    )


def _draw_sample(axis: Axes, picture: NDArray[np.uint8] | None, category: Category) -> None:
    if picture is None:
        picture = np.full((8, 8, 3), 235, dtype=np.uint8)
        axis.text(
            0.5, 0.5, "no picture", color=MUTED, fontsize=7, ha="center", transform=axis.transAxes
        )
    interpolation = "nearest" if max(picture.shape[:2]) <= 32 else "antialiased"
    axis.imshow(_squared(picture), interpolation=interpolation)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color(COLORS[category])
        spine.set_linewidth(_BORDER)


def _caption(axis: Axes, sample: dict[str, Any], category: Category, *, are_weighed: bool) -> None:
    """Under a picture: what its sample may be instead, or its number."""
    words = suggestion_words(
        sample["label_name"],
        sample["suggested_name"],
        sample["suggested_confidence"],
        category,
        are_weighed=are_weighed,
        is_outlier=sample.get("is_outlier"),
    )
    color = COLORS[category] if words else MUTED
    if not words:
        words = f"#{sample['index']}"
    elif words.endswith(f", {OUTLIER}"):
        words = f"→ {shortened(words.removesuffix(f', {OUTLIER}'), 15)}\n{OUTLIER}"
    elif words != OUTLIER:
        words = f"→ {shortened(words, 15)}"
    axis.set_xlabel(words, fontsize=8, labelpad=5, color=color)


def _squared(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]
