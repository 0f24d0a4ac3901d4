"""Temperatures over the epochs: chosen samples beside their contents, and all of them as bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.result import CATEGORIES, CATEGORY_TITLES
from dataparams.analysis.sample_words import kind_of_analysis, words_of
from dataparams.analysis.suggestions import OUTLIER, suggestion_words, weighs_other_classes
from dataparams.errors import ArgumentError
from dataparams.figures.style import (
    COLORS,
    Drawing,
    draw_warnings,
    drawing_style,
    shortened,
    warning_height,
)
from dataparams.figures.temperature_axes import finish_axes, label_ends
from dataparams.figures.written_samples import contents_of, draw_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis

_TRUTH = {"clean": ("Clean", "#1f6feb", "-"), "corrupted": ("Corrupted", "#8e24aa", "--")}
_STYLES = {"easy": "-", "hard": "--", "review": "-."}
_PICTURES = 1.5
_PLOT, _NAMES, _NUMBERS = 3.1, 1.1, 0.85
"""Inches across: of the pictures; of a plot, the names beside it and the numbers before it."""
_HEAD, _FOOT, _SIDE = 0.6, 0.6, 0.2
_LETTERS = 6.5
"""Size of a text's letters, points."""
_LEAST_HEIGHT, _HEIGHT_OF_PICTURE = 3.2, 1.05
_HALF_BAR = 0.08
"""Of an epoch: how far a band reaches where there is one epoch alone."""


def draw_trajectories(
    analysis: Analysis, indices: Sequence[int] | None = None, label: int | None = None
) -> Drawing:
    """Draw the temperatures of chosen samples, and the median and 5-95 % band of each category.

    Args:
        analysis: The analysis.
        indices: The samples' index; by default the clearest easy and the clearest hard one.
        label: The class that they are chosen from; by default the one with most hard samples.

    Raises:
        ValueError: If an index is not in the analysis.
    """
    chosen = _chosen(analysis, indices, label)
    curves = np.exp(analysis.log_temperatures.of(chosen["row"].to_numpy()).astype(np.float64))
    groups: list[tuple[str, ...]] = [CATEGORIES]
    if (analysis.bands["group"] == "clean").any():
        groups.append(tuple(_TRUTH))
    width = 2 * _SIDE + _PICTURES + (1 + len(groups)) * (_NUMBERS + _PLOT + _NAMES)
    above = warning_height(analysis.warnings, width)
    tall = max(_LEAST_HEIGHT, _HEIGHT_OF_PICTURE * len(chosen))
    with drawing_style():
        drawing = Drawing(figsize=(width, _HEAD + tall + _FOOT + above))
        draw_warnings(drawing, analysis.warnings)
        _draw_contents(drawing, analysis, chosen, tall)
        axes = [_plot(drawing, place, tall) for place in range(1 + len(groups))]
        named = [_draw_chosen(axes[0], analysis, chosen, curves)]
        titles = ["Chosen samples", "All samples: median, 5-95 %", "Truth: median, 5-95 %"]
        for band, group in zip(axes[1:], groups, strict=True):
            named.append(_draw_bands(band, analysis, group))
        low, high = _limits(analysis, curves)
        for plot, title, ends in zip(axes, titles, named, strict=False):
            finish_axes(plot, analysis.epochs, low, high, title)
            label_ends(plot, analysis.epochs[-1], ends)
    return drawing


def _plot(drawing: Drawing, place: int, tall: float) -> Axes:
    """Axes with room for numbers before them and names behind them."""
    width, height = (float(side) for side in drawing.get_size_inches())
    left = _SIDE + _PICTURES + _NUMBERS + place * (_PLOT + _NAMES + _NUMBERS)
    return drawing.add_axes((left / width, _FOOT / height, _PLOT / width, tall / height))


def _limits(analysis: Analysis, curves: NDArray[np.float64]) -> tuple[float, float]:
    """The lowest and the highest temperature that is drawn."""
    values = [curves.ravel(), *(analysis.bands[name].to_numpy() for name in ("low", "high"))]
    every = np.concatenate(values)
    every = every[np.isfinite(every) & (every > 0)]
    return (float(every.min()), float(every.max())) if len(every) else (1.0, 1.0)


def _chosen(analysis: Analysis, indices: Sequence[int] | None, label: int | None) -> pl.DataFrame:
    frame = analysis.frame.with_row_index("row")
    if indices is not None:
        found = frame.filter(pl.col("index").is_in(list(indices)))
        missing = set(indices) - set(found["index"].to_list())
        if missing:
            raise ArgumentError(
                f"`indices` has {min(missing)}; expected values of the column index of the "
                "analysis."
            )
        return found
    if label is not None:
        label = analysis.label_of(label)
    else:
        label = int(analysis.classes.sort("hard", descending=True)["label"][0])
    members = frame.filter(pl.col("label") == label)
    clearest = [
        members.filter(pl.col("category") == category)
        .sort([f"p_{category}", "suspicion"], descending=[True, category == "hard"])
        .head(1)
        for category in ("easy", "hard")
    ]
    return pl.concat(clearest)


def _draw_contents(drawing: Drawing, analysis: Analysis, chosen: pl.DataFrame, tall: float) -> None:
    width, height = (float(side) for side in drawing.get_size_inches())
    places = drawing.add_gridspec(
        max(len(chosen), 1),
        1,
        left=_SIDE / width,
        right=(_SIDE + _PICTURES) / width,
        top=(_FOOT + tall) / height,
        bottom=_FOOT / height,
        hspace=0.5,
    )
    are_weighed = weighs_other_classes(analysis.frame)
    every = [drawing.add_subplot(places[place]) for place in range(len(chosen))]
    draw = _draw_pictures if kind_of_analysis(analysis) == "image" else _draw_texts
    draw(analysis, chosen["id"].to_list(), every)
    for axes, sample in zip(every, chosen.iter_rows(named=True), strict=True):
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(COLORS[sample["category"]])
            spine.set_linewidth(3)
        words = _title(sample, are_weighed=are_weighed)
        axes.set_title(words, fontsize=8.5, color=COLORS[sample["category"]], pad=5)


def _draw_pictures(analysis: Analysis, ids: list[str], every: list[Axes]) -> None:
    for axes, picture in zip(every, analysis.pictures_of(ids), strict=True):
        if picture is not None:
            axes.imshow(picture, interpolation="nearest" if len(picture) <= 32 else "antialiased")


def _draw_texts(analysis: Analysis, ids: list[str], every: list[Axes]) -> None:
    kind = kind_of_analysis(analysis)
    for axes, sample, content in zip(every, ids, contents_of(analysis, ids), strict=True):
        instead = sample if kind is None else words_of(kind).missing.lower()
        draw_written(axes, content, instead, fontsize=_LETTERS)


def _title(sample: dict[str, Any], *, are_weighed: bool) -> str:
    """Number and given label of a sample, and what it may be instead."""
    maybe = suggestion_words(
        sample["label_name"],
        sample["suggested_name"],
        sample["suggested_confidence"],
        sample["category"],
        are_weighed=are_weighed,
        is_outlier=sample.get("is_outlier"),
    )
    words = f"#{sample['index']}: {shortened(sample['label_name'], 18)}"
    if not maybe:
        return words
    if maybe.endswith(f", {OUTLIER}"):
        return f"{words}\n→ {shortened(maybe.removesuffix(f', {OUTLIER}'), 18)}? {OUTLIER}"
    return f"{words}\n{maybe if maybe == OUTLIER else f'→ {shortened(maybe, 18)}?'}"


def _draw_chosen(
    axes: Axes, analysis: Analysis, chosen: pl.DataFrame, curves: NDArray[np.float64]
) -> list[tuple[str, float, str]]:
    """Draw the curves of some samples; gives what names them, where they end, and their color."""
    mark = "o" if len(analysis.epochs) == 1 else None
    named = []
    for sample, curve in zip(chosen.iter_rows(named=True), curves.T, strict=True):
        color, style = COLORS[sample["category"]], _STYLES[sample["category"]]
        axes.plot(analysis.epochs, curve, style, color=color, linewidth=2, marker=mark)
        named.append((f"#{sample['index']}", float(curve[-1]), color))
    return named


def _draw_bands(
    axes: Axes, analysis: Analysis, groups: Sequence[str]
) -> list[tuple[str, float, str]]:
    """Draw the bands of some groups; gives what names them, where they end, and their color."""
    named = []
    for group in groups:
        band = analysis.bands.filter(pl.col("group") == group)
        if not len(band):
            continue
        title, color, style = _look(group)
        epochs = band["epoch"].to_numpy().astype(np.float64)
        low, median, high = (band[name].to_numpy() for name in ("low", "median", "high"))
        if len(epochs) == 1:
            epochs = epochs[0] + np.array([-_HALF_BAR, _HALF_BAR])
            low, median, high = (np.repeat(values, 2) for values in (low, median, high))
        axes.fill_between(epochs, low, high, color=color, alpha=0.15, lw=0)
        axes.plot(epochs, median, style, color=color, linewidth=2)
        named.append((title, float(median[-1]), color))
    return named


def _look(group: str) -> tuple[str, str, str]:
    """Name, color and line of a group of samples."""
    for category in CATEGORIES:
        if group == category:
            return CATEGORY_TITLES[category], COLORS[category], _STYLES[category]
    return _TRUTH[group]
