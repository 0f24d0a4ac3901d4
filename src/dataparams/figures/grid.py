"""A class in three rows of samples: easy, hard, in need of review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.sample_words import kind_of_analysis, words_of
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
from dataparams.figures.written_samples import contents_of, draw_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis, Category

_PICTURES, _TEXTS = 10, 4
"""Samples in a row."""
_PICTURE, _TEXT = (1.3, 1.3), (3.1, 1.3)
"""Width and height of a sample with the room around it, inches."""
_LETTERS = 7.5
_BORDER = 4


def draw_grid(analysis: Analysis, label: int, columns: int | None = None) -> Drawing:
    """Draw representative samples of each category of a class.

    Every picture, text or row has a border in its category's color; under it stands the suggested
    label where one is likely, ``outlier?`` where the sample may be of no class, else its number.

    Args:
        analysis: The analysis, with contents.
        label: The class.
        columns: Samples in a row, 1 or more; by default 10 pictures, or 4 texts or rows.

    Raises:
        ArgumentError: If there is no such class, or ``columns`` is below 1.
    """
    label = analysis.label_of(label)
    has_pictures = kind_of_analysis(analysis) == "image"
    if columns is None:
        columns = _PICTURES if has_pictures else _TEXTS
    if columns < 1:
        raise ArgumentError(f"`columns` is {columns}; expected 1 or more.")
    members = analysis.of_class(label)
    are_weighed = weighs_other_classes(analysis.frame)
    across, tall = _PICTURE if has_pictures else _TEXT
    width = across * columns + 0.4
    above = warning_height(analysis.warnings, width)
    with drawing_style():
        height = tall * len(CATEGORIES) * 1.38 + 0.5 + above
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
            wspace=0.1 if has_pictures else 0.04,
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
            axes = [drawing.add_subplot(rows[row, column]) for column in range(columns)]
            _title_row(axes[0], members, category)
            draw = _draw_pictures if has_pictures else _draw_texts
            draw(analysis, chosen, axes[: len(chosen)])
            for axis, sample in zip(axes, chosen.iter_rows(named=True), strict=False):
                _frame(axis, category)
                _caption(axis, sample, category, are_weighed=are_weighed)
            for axis in axes[len(chosen) :]:
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


def _draw_pictures(analysis: Analysis, chosen: pl.DataFrame, axes: Sequence[Axes]) -> None:
    pictures = analysis.pictures_of(chosen["id"].to_list())
    for axis, picture in zip(axes, pictures, strict=True):
        shown = picture
        if shown is None:
            shown = np.full((8, 8, 3), 235, dtype=np.uint8)
            axis.text(
                *(0.5, 0.5, words_of("image").missing.lower()),
                color=MUTED,
                fontsize=7,
                ha="center",
                transform=axis.transAxes,
            )
        interpolation = "nearest" if max(shown.shape[:2]) <= 32 else "antialiased"
        axis.imshow(_squared(shown), interpolation=interpolation)


def _draw_texts(analysis: Analysis, chosen: pl.DataFrame, axes: Sequence[Axes]) -> None:
    kind = kind_of_analysis(analysis)
    ids = chosen["id"].to_list()
    for axis, sample, content in zip(axes, ids, contents_of(analysis, ids), strict=True):
        instead = sample if kind is None else words_of(kind).missing.lower()
        draw_written(axis, content, instead, fontsize=_LETTERS)


def _frame(axis: Axes, category: Category) -> None:
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
