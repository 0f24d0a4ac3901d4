"""The map of a class: every sample at the t-SNE position of its trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from PIL import Image, ImageColor, ImageDraw

from dataparams.analysis.result import CATEGORIES, CATEGORY_MARKS
from dataparams.analysis.sample_words import kind_of_analysis
from dataparams.figures.embedding import embed
from dataparams.figures.style import (
    COLORS,
    MUTED,
    Drawing,
    category_words,
    draw_warnings,
    drawing_style,
    unjudged_words,
    warning_height,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis, Category

_SIDE = 2000
_WIDTH, _HEIGHT = 11.0, 12.0
_LARGEST, _SMALLEST = 120, 44
_BORDER = 4
_DOT = 4
_AT_ONCE = 256
_WORDS = "Samples whose temperatures moved alike lie close together (t-SNE)."
_MARKERS: dict[Category, str] = {"easy": "o", "hard": "^", "review": "D"}


@dataclass(frozen=True, eq=False)
class PicturePlaces:
    """Where pictures go.

    Attributes:
        corners: Upper left corner of each picture, (m, 2), pixels.
        is_shown: Whether there is room for it, (m,).
        side: Height and width of a picture, pixels.
        densest: For how many pictures one that is shown stands at most, itself counted.
    """

    corners: NDArray[np.int64]
    is_shown: NDArray[np.bool_]
    side: int
    densest: int


def draw_tsne(analysis: Analysis, label: int, seed: int = 0) -> Drawing:
    """Draw every sample of a class at the t-SNE position of its trajectory.

    Pictures do not overlap: they move aside a little, and where there is no room the others are
    dots; the caption says how many. Texts and rows are marks, for which there is room.

    Args:
        analysis: The analysis, with contents.
        label: The class.
        seed: Seed of the layout.

    Raises:
        ArgumentError: If there is no such class.
    """
    label = analysis.label_of(label)
    rows = analysis.rows_of_class(label)
    members = analysis.frame[rows]
    positions = embed(analysis.log_temperatures.of(rows), seed)
    categories: list[Category] = members["category"].to_list()
    has_pictures = kind_of_analysis(analysis) == "image"
    with drawing_style():
        above = warning_height(analysis.warnings, _WIDTH)
        height = _HEIGHT + above
        drawing = Drawing(figsize=(_WIDTH, height))
        draw_warnings(drawing, analysis.warnings)
        axes = drawing.add_axes((0.02, 0.02, 0.96, 0.86 * _HEIGHT / height))
        axes.axis("off")
        if has_pictures:
            caption = _draw_pictures(axes, analysis, members, positions)
        else:
            caption = _draw_marks(axes, categories, positions)
        title = (
            f"{analysis.class_names[label]}: map of {len(rows)} samples"
            f"{unjudged_words(analysis, label)}"
        )
        top = (height - above) / height
        drawing.text(0.02, top - 0.3 / height, title, fontsize=17, fontweight="bold", va="top")
        drawing.text(0.02, top - 0.72 / height, caption, color=MUTED, va="top", fontsize=11)
        drawing.legend(
            handles=_legend(categories),
            loc="upper right",
            frameon=False,
            fontsize=11,
            bbox_to_anchor=(0.98, top - 0.18 / height),
        )
    return drawing


def _draw_pictures(
    axes: Axes, analysis: Analysis, members: pl.DataFrame, positions: NDArray[np.float64]
) -> str:
    """Draw the pictures; gives the caption."""
    # What a person must look at goes first where room is scarce.
    order = np.lexsort((-members["suspicion"].to_numpy(), members["category"].to_numpy() == "easy"))
    placement = place(positions, order)
    canvas = _paint(analysis, members["id"].to_list(), members["category"].to_list(), placement)
    axes.imshow(canvas, interpolation="antialiased")
    return _caption(placement)


def _draw_marks(axes: Axes, categories: list[Category], positions: NDArray[np.float64]) -> str:
    """Draw a mark for each sample; gives the caption."""
    axes.margins(0.05)
    # Rare ones lie above the others.
    for category in ("easy", "review", "hard"):
        x, y = positions[np.array(categories, dtype=object) == category].T
        axes.scatter(
            x, y, s=70, marker=_MARKERS[category], color=COLORS[category], edgecolors="white"
        )
    return _WORDS


def place(positions: NDArray[np.float64], order: NDArray[np.integer]) -> PicturePlaces:
    """Find room for square pictures, none over another.

    A picture whose place is taken moves aside by up to one and a half times its size; where there
    is no room even there, it is not shown.

    Args:
        positions: Where each picture's center should be, (m, 2), any scale.
        order: The pictures in the order in which they get room, (m,).

    Example:
        >>> placement = place(np.zeros((200, 2)), np.arange(200))
        >>> int(placement.is_shown.sum()) < 20, placement.densest > 10
        (True, True)
    """
    count = len(positions)
    side = int(np.clip(0.8 * _SIDE / np.sqrt(max(count, 1)), _SMALLEST, _LARGEST))
    low = positions.min(axis=0) if count else np.zeros(2)
    extent = np.ptp(positions, axis=0) if count else np.ones(2)
    scaled = (positions - low) / np.where(extent > 0, extent, 1)
    scaled = np.where(extent > 0, scaled, 0.5)
    corners = (scaled * (_SIDE - side)).round().astype(np.int64)
    is_shown = np.zeros(count, dtype=bool)
    wanted = np.ones(count, dtype=np.int64)
    shown = np.zeros(0, dtype=np.int64)
    offsets = _offsets(side)
    reach = side + int(np.abs(offsets).max())
    for sample in order.tolist():
        near = shown[np.abs(corners[shown] - corners[sample]).max(axis=1, initial=0) < reach]
        candidates = np.clip(corners[sample] + offsets, 0, _SIDE - side)
        apart = np.abs(candidates[:, None] - corners[near]).max(axis=2)
        is_free = (apart >= side).all(axis=1)
        if is_free.any():
            corners[sample] = candidates[is_free.argmax()]
            is_shown[sample] = True
            shown = np.append(shown, sample)
        else:
            wanted[near[int(apart[0].argmin())]] += 1
    return PicturePlaces(corners, is_shown, side, int(wanted.max(initial=0)))


def _offsets(side: int) -> NDArray[np.int64]:
    """Where to look for room, the nearest first: (k, 2) pixels."""
    steps = np.arange(-6, 7) * side // 4
    every = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    distance = np.abs(every).sum(axis=1)
    return every[np.argsort(distance, kind="stable")]


def _paint(
    analysis: Analysis, ids: list[str], categories: list[Category], placement: PicturePlaces
) -> NDArray[np.uint8]:
    canvas = Image.new("RGB", (_SIDE, _SIDE), "white")
    painter = ImageDraw.Draw(canvas)
    half = placement.side // 2
    for sample in np.flatnonzero(~placement.is_shown).tolist():
        x, y = (placement.corners[sample] + half).tolist()
        painter.ellipse((x - _DOT, y - _DOT, x + _DOT, y + _DOT), COLORS[categories[sample]])
    shown = np.flatnonzero(placement.is_shown).tolist()
    for start in range(0, len(shown), _AT_ONCE):
        part = shown[start : start + _AT_ONCE]
        pictures = analysis.pictures_of([ids[sample] for sample in part], 4 * placement.side)
        for sample, picture in zip(part, pictures, strict=True):
            thumbnail = _framed(picture, placement.side, categories[sample])
            canvas.paste(thumbnail, tuple(placement.corners[sample].tolist()))
    return np.asarray(canvas)


def _framed(picture: NDArray[np.uint8] | None, side: int, category: Category) -> Image.Image:
    """A square thumbnail with its category's border, and its mark in a corner."""
    framed = Image.new("RGB", (side, side), COLORS[category])
    inner = side - 2 * _BORDER
    if picture is None:
        thumbnail = Image.new("RGB", (inner, inner), "#ebebeb")
    else:
        thumbnail = _middle(Image.fromarray(picture)).resize((inner, inner))
    framed.paste(thumbnail, (_BORDER, _BORDER))
    _mark(ImageDraw.Draw(framed), category, side)
    return framed


def _middle(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _mark(painter: ImageDraw.ImageDraw, category: Category, side: int) -> None:
    """A disc, triangle or diamond on a white field, so that the color is not needed."""
    size = max(side // 4, 12)
    painter.rectangle((0, 0, size, size), "white")
    color, edge = ImageColor.getrgb(COLORS[category]), size - 2
    middle = size // 2
    if CATEGORY_MARKS[category] == "●":
        painter.ellipse((2, 2, edge, edge), color)
    elif CATEGORY_MARKS[category] == "▲":
        painter.polygon([(middle, 2), (edge, edge), (2, edge)], color)
    else:
        painter.polygon([(middle, 1), (edge + 1, middle), (middle, edge + 1), (1, middle)], color)


def _caption(placement: PicturePlaces) -> str:
    words = _WORDS
    shown, count = int(placement.is_shown.sum()), len(placement.is_shown)
    if shown < count:
        words += (
            f"\n{shown} of {count} pictures are shown, the others are dots; in the densest spot "
            f"one stands for {placement.densest}."
        )
    return words


def _legend(categories: list[Category]) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            linestyle="",
            marker=_MARKERS[category],
            color=COLORS[category],
            markersize=9,
            label=f"{category_words(category)[2:]} ({categories.count(category)})",
        )
        for category in CATEGORIES
    ]
