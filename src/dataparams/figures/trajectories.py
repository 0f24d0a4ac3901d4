"""Temperatures over the epochs: chosen samples beside their pictures, and all of them as bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from dataparams.analysis.result import CATEGORIES, CATEGORY_TITLES
from dataparams.figures.style import COLORS, INK, LINE, MUTED, Drawing, drawing_style, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.gridspec import GridSpec

    from dataparams.analysis.result import Analysis

_TRUTH = {"clean": ("Clean", "#1f6feb", "-"), "corrupted": ("Corrupted", "#8e24aa", "--")}
_STYLES = {"easy": "-", "hard": "--", "review": "-."}


def draw_trajectories(
    analysis: Analysis, indices: Sequence[int] | None = None, label: int | None = None
) -> Drawing:
    """Draw the temperatures of chosen samples, and the median and 5-95 % band of each category.

    Args:
        analysis: The analysis.
        indices: The samples' index; by default the clearest easy and the clearest hard one.
        label: Of which class these are chosen; by default of the one with most hard samples.

    Raises:
        ValueError: If an index is not in the analysis.
    """
    chosen = _chosen(analysis, indices, label)
    groups = [CATEGORIES]
    if (analysis.bands["group"] == "clean").any():
        groups.append(tuple(_TRUTH))  # type: ignore[arg-type]
    with drawing_style():
        drawing = Drawing(figsize=(4.6 + 4.4 * len(groups) + 1.6, 4.4))
        grid = drawing.add_gridspec(
            max(len(chosen), 1),
            2 + len(groups),
            left=0.05,
            right=0.985,
            top=0.86,
            bottom=0.13,
            width_ratios=[1.25, 4, *([4] * len(groups))],
            wspace=0.22,
            hspace=0.45,
        )
        _draw_pictures(drawing, grid, analysis, chosen)
        axes = drawing.add_subplot(grid[:, 1])
        _draw_chosen(axes, analysis, chosen)
        for column, group in enumerate(groups, start=2):
            band = drawing.add_subplot(grid[:, column], sharey=axes)
            _draw_bands(band, analysis, group)
    return drawing


def _chosen(analysis: Analysis, indices: Sequence[int] | None, label: int | None) -> pl.DataFrame:
    frame = analysis.frame.with_row_index("row")
    if indices is not None:
        found = frame.filter(pl.col("index").is_in(list(indices)))
        missing = set(indices) - set(found["index"].to_list())
        if missing:
            raise ValueError(f"The analysis has no sample of index {min(missing)}.")
        return found
    if label is None:
        label = int(analysis.classes.sort("hard", descending=True)["label"][0])
    members = frame.filter(pl.col("label") == label)
    clearest = [
        members.filter(pl.col("category") == category)
        .sort([f"p_{category}", "suspicion"], descending=[True, category == "hard"])
        .head(1)
        for category in ("easy", "hard")
    ]
    return pl.concat(clearest)


def _draw_pictures(
    drawing: Drawing, grid: GridSpec, analysis: Analysis, chosen: pl.DataFrame
) -> None:
    pictures = analysis.pictures_of(chosen["id"].to_list())
    for place, (sample, picture) in enumerate(
        zip(chosen.iter_rows(named=True), pictures, strict=True)
    ):
        axes = drawing.add_subplot(grid[place, 0])
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(COLORS[sample["category"]])
            spine.set_linewidth(3)
        if picture is not None:
            axes.imshow(picture, interpolation="nearest" if len(picture) <= 32 else "antialiased")
        words = f"#{sample['index']}: {shortened(sample['label_name'], 18)}"
        if sample["suggested_label"] != sample["label"]:
            words += f"\n→ {shortened(sample['suggested_name'], 18)}?"
        axes.set_title(words, fontsize=8.5, color=COLORS[sample["category"]], pad=5)


def _draw_chosen(axes: Axes, analysis: Analysis, chosen: pl.DataFrame) -> None:
    curves = np.exp(analysis.log_temperatures.of(chosen["row"].to_numpy()).astype(np.float64))
    for sample, curve in zip(chosen.iter_rows(named=True), curves.T, strict=True):
        category = sample["category"]
        axes.plot(analysis.epochs, curve, _STYLES[category], color=COLORS[category], linewidth=2)
        axes.annotate(
            f"#{sample['index']}",
            (analysis.epochs[-1], curve[-1]),
            xytext=(-4, 6),
            textcoords="offset points",
            ha="right",
            color=COLORS[category],
            fontweight="bold",
        )
    _finish(axes, "Chosen samples")


def _draw_bands(axes: Axes, analysis: Analysis, groups: Sequence[str]) -> None:
    for group in groups:
        band = analysis.bands.filter(pl.col("group") == group)
        if not len(band):
            continue
        title, color, style = _TRUTH.get(
            group,
            (CATEGORY_TITLES.get(group, group), COLORS.get(group, INK), _STYLES.get(group, "-")),  # type: ignore[call-overload]
        )
        axes.fill_between(band["epoch"], band["low"], band["high"], color=color, alpha=0.15, lw=0)
        axes.plot(band["epoch"], band["median"], style, color=color, linewidth=2, label=title)
    axes.legend(frameon=False, fontsize=8.5, loc="best")
    _finish(axes, "Truth" if groups[0] == "clean" else "All samples: median, 5-95 %")


def _finish(axes: Axes, title: str) -> None:
    axes.set_yscale("log")
    axes.axhline(1, color=LINE, linewidth=1, zorder=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("temperature")
    axes.set_title(title, fontsize=10.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(color=MUTED)
