"""Axes of temperature by epoch: numbers on the axis, and names beside the ends of the curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from dataparams.analysis.temperature_axis import round_temperatures, spread
from dataparams.figures.style import LINE, MUTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_POINTS_PER_INCH = 72
_LINE_HEIGHT = 13.0
_BESIDE = 9.0
_LEAST_MARGIN = 0.002
_MARGIN = 0.05


def finish_axes(axes: Axes, epochs: Sequence[int], low: float, high: float, title: str) -> None:
    """Give axes their frame: log temperature from below to above some curves, epochs across.

    Args:
        axes: On which the curves are drawn.
        epochs: The epochs, ascending.
        low: The lowest temperature of any curve, above 0.
        high: The highest.
        title: What the curves are.
    """
    # Temperature 1, which changes nothing, is always there to compare with.
    bottom, top = min(math.log(low), 0.0), max(math.log(high), 0.0)
    margin = max(_MARGIN * (top - bottom), _LEAST_MARGIN)
    bottom, top = bottom - margin, top + margin
    values = round_temperatures(bottom, top)
    axes.set_yscale("log")
    axes.set_ylim(math.exp(bottom), math.exp(top))
    axes.yaxis.set_major_locator(FixedLocator(values))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{value:g}" for value in values]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1, color=LINE, linewidth=1, zorder=0)
    aside = 0.0 if len(epochs) > 1 else 0.5
    axes.set_xlim(epochs[0] - aside, epochs[-1] + aside)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True) if aside == 0 else FixedLocator(epochs))
    axes.set_xlabel("epoch")
    axes.set_ylabel("temperature")
    axes.set_title(title, fontsize=10.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(color=MUTED)


def label_ends(
    axes: Axes, epoch: int, ends: Sequence[tuple[str, float, str]], size: float = 9.0
) -> None:
    """Name curves to the right of the axes, one name beside the other and none on a curve.

    Args:
        axes: Finished by :func:`finish_axes`; its place in the figure does not change any more.
        epoch: The last one.
        ends: The name of each curve, its temperature at that epoch, and its color.
        size: Of the letters, points.
    """
    scale = _POINTS_PER_INCH / axes.figure.dpi
    width, height = axes.bbox.width * scale, axes.bbox.height * scale
    to_axes = axes.transScale + axes.transLimits
    heights = [float(to_axes.transform((epoch, value))[1]) for _, value, _ in ends]
    places = spread(heights, _LINE_HEIGHT * size / 9 / height, most=1.0, least=0.0)
    for (name, value, color), place in zip(ends, places, strict=True):
        axes.annotate(
            name,
            (epoch, value),
            xytext=(1 + _BESIDE / width, place),
            textcoords="axes fraction",
            va="center",
            color=color,
            fontsize=size,
            fontweight="bold",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )
