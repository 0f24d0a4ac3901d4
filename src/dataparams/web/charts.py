"""The geometry of the charts: numbers in, coordinates and SVG path data out.

Nothing here knows of pages: templates and scripts draw what these functions place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.temperature_axis import round_temperatures, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_MOST_EPOCH_TICKS = 6
_LABEL_HEIGHT = 17.0
_HALF_BAR = 9.0
"""How far a band reaches to both sides where there is one epoch alone."""
_COLORS = 6


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Axes:
    """A frame of epochs by temperature, the temperature on a log scale.

    Attributes:
        width: Of the whole drawing.
        height: Of the whole drawing.
        left: Where the plot begins.
        right: Where it ends.
        top: Where it begins.
        bottom: Where it ends.
        first: First epoch.
        last: Last epoch.
        low: Lowest log temperature.
        high: Highest log temperature.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    first: int
    last: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        """Where an epoch lies; one alone lies in the middle."""
        span = self.last - self.first
        if not span:
            return round((self.left + self.right) / 2, 2)
        return round(self.left + (epoch - self.first) / span * (self.right - self.left), 2)

    def y(self, log_temperature: float) -> float:
        """Where a log temperature lies."""
        share = (self.high - log_temperature) / (self.high - self.low)
        return round(self.top + share * (self.bottom - self.top), 2)

    @property
    def epoch_ticks(self) -> list[Tick]:
        """Round epochs."""
        return [Tick(self.x(epoch), str(epoch)) for epoch in round_epochs(self.first, self.last)]

    @property
    def temperature_ticks(self) -> list[Tick]:
        """Round temperatures."""
        values = round_temperatures(self.low, self.high)
        return [Tick(self.y(math.log(value)), f"{value:g}") for value in values]

    @property
    def start(self) -> float | None:
        """Where the temperature 1 lies; None if it is not within the frame."""
        return self.y(0.0) if self.low <= 0.0 <= self.high else None


@dataclass(frozen=True)
class Band:
    """A group's median and the middle 90 % around it.

    Attributes:
        group: Name of the group.
        line: Path of the median.
        area: Path around the middle 90 %.
        label_y: Where its name stands beside the end of the line.
    """

    group: str
    line: str
    area: str
    label_y: float


@dataclass(frozen=True)
class Curve:
    """The temperature of a class over the epochs.

    Attributes:
        name: Name of the class.
        value: The temperature at the end.
        line: Path of the curve.
        end_y: Where the curve ends.
        label_y: Where its name stands beside that.
        color: Number of its color.
        is_dashed: Whether another curve of that color came before.
    """

    name: str
    value: float
    line: str
    end_y: float
    label_y: float
    color: int
    is_dashed: bool


@dataclass(frozen=True)
class Point:
    """A sample on the map.

    Attributes:
        x: Across.
        y: Down.
        category: Easy, hard or review.
        reference: How the page calls the sample.
    """

    x: float
    y: float
    category: str
    reference: str


def temperature_axes(
    epochs: Sequence[int],
    low: float,
    high: float,
    *,
    width: float,
    height: float,
    label_width: float = 12.0,
) -> Axes:
    """Axes that hold some log temperatures, and the start at 0, with a margin.

    Args:
        epochs: The epochs.
        low: The lowest log temperature to hold.
        high: The highest.
        width: Of the drawing.
        height: Of the drawing.
        label_width: Room to the right of the plot.

    Example:
        >>> axes = temperature_axes((1, 2, 3), -1.0, 1.0, width=400, height=200)
        >>> [tick.text for tick in axes.temperature_ticks], [tick.text for tick in axes.epoch_ticks]
        (['0.5', '0.7', '1', '1.5', '2', '3'], ['1', '2', '3'])
    """
    low, high = min(low, 0.0), max(high, 0.0)
    margin = max(0.06 * (high - low), 0.002)
    return Axes(
        width=width,
        height=height,
        left=44.0,
        right=width - label_width,
        top=24.0,
        bottom=height - 40.0,
        first=epochs[0],
        last=epochs[-1],
        low=low - margin,
        high=high + margin,
    )


def round_epochs(first: int, last: int) -> list[int]:
    """At most 6 round epochs, and the first where there is room.

    Example:
        >>> round_epochs(1, 84)
        [1, 20, 40, 60, 80]
        >>> round_epochs(3, 3)
        [3]
    """
    step = 1
    for candidate in (base * 10**power for power in range(9) for base in (1, 2, 5)):
        step = candidate
        if (last - first) // step < _MOST_EPOCH_TICKS:
            break
    ticks = [epoch for epoch in range(first, last + 1) if epoch % step == 0]
    if not ticks or ticks[0] - first >= step / 2:
        ticks.insert(0, first)
    return ticks


def band_limits(bands: pl.DataFrame) -> tuple[float, float]:
    """The lowest and the highest log temperature of some bands; 0 and 0 where there are none."""
    known = bands.drop_nulls(["low", "high"])
    if known.is_empty():
        return 0.0, 0.0
    return math.log(known.select("low").min().item()), math.log(known.select("high").max().item())


def draw_bands(bands: pl.DataFrame, groups: Sequence[str], axes: Axes) -> list[Band]:
    """Place the bands of some groups; groups without any are left out.

    Args:
        bands: ``group``, ``epoch``, ``low``, ``median``, ``high``.
        groups: Which, in the order of drawing.
        axes: Where.
    """
    drawn: list[tuple[str, str, str]] = []
    ends: list[float] = []
    for group in groups:
        rows = bands.filter(bands["group"] == group).drop_nulls().sort("epoch")
        if rows.is_empty():
            continue
        across = [axes.x(epoch) for epoch in rows["epoch"]]
        low, median, high = (
            [axes.y(math.log(value)) for value in rows[name]] for name in ("low", "median", "high")
        )
        if len(across) == 1:
            across = [across[0] - _HALF_BAR, across[0] + _HALF_BAR]
            low, median, high = (2 * places for places in (low, median, high))
        outline = [*zip(across, high, strict=True), *zip(across[::-1], low[::-1], strict=True)]
        drawn.append((group, path(zip(across, median, strict=True)), f"{path(outline)}Z"))
        ends.append(median[-1])
    places = spread(ends, _LABEL_HEIGHT, axes.bottom, axes.top)
    return [Band(*parts, label_y=place) for parts, place in zip(drawn, places, strict=True)]


def draw_curves(
    curves: Sequence[tuple[str, Sequence[float]]], epochs: Sequence[int], axes: Axes
) -> list[Curve]:
    """Place curves and, beside their ends, their names.

    Args:
        curves: Of each its name, and its temperature at every epoch.
        epochs: The epochs.
        axes: Where.
    """
    lines = [curve_path(values, epochs, axes) for _, values in curves]
    ends = [axes.y(math.log(values[-1])) for _, values in curves]
    places = spread(ends, _LABEL_HEIGHT, axes.bottom, axes.top)
    return [
        Curve(
            name,
            values[-1],
            line,
            end,
            round(place, 2),
            color=number % _COLORS,
            is_dashed=number // _COLORS % 2 == 1,
        )
        for number, ((name, values), line, end, place) in enumerate(
            zip(curves, lines, ends, places, strict=True)
        )
    ]


def trajectory_chart(
    bands: pl.DataFrame, epochs: Sequence[int], low: float, high: float
) -> dict[str, Any]:
    """The chart on which ``chart.js`` draws the trajectory of a sample, as JSON has it.

    Args:
        bands: ``group``, ``epoch``, ``low``, ``median``, ``high``; easy and hard ones are drawn.
        epochs: The epochs of the trajectories.
        low: The lowest log temperature of the trajectories.
        high: The highest.
    """
    band_low, band_high = band_limits(bands)
    axes = temperature_axes(
        epochs, min(low, band_low), max(high, band_high), width=420.0, height=220.0
    )
    shown = bands.filter(pl.col("epoch").is_in(list(epochs)))
    return {
        "axes": vars(axes),
        "epochs": list(epochs),
        "epoch_ticks": [vars(tick) for tick in axes.epoch_ticks],
        "temperature_ticks": [vars(tick) for tick in axes.temperature_ticks],
        "start": axes.start,
        "bands": [vars(band) for band in draw_bands(shown, ("easy", "hard"), axes)],
    }


def curve_path(values: Sequence[float], epochs: Sequence[int], axes: Axes) -> str:
    """SVG path data of temperatures over the epochs; one epoch alone is a short bar."""
    across = [axes.x(epoch) for epoch in epochs]
    down = [axes.y(math.log(value)) for value in values]
    if len(across) == 1:
        across, down = [across[0] - _HALF_BAR, across[0] + _HALF_BAR], 2 * down
    return path(zip(across, down, strict=True))


def path(points: Iterable[tuple[float, float]]) -> str:
    """SVG path data through some points.

    Example:
        >>> path([(0.0, 1.5), (2.0, 3.0)])
        'M0 1.5L2 3'
    """
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def draw_map(
    positions: NDArray[np.float64],
    categories: Sequence[str],
    references: Sequence[str],
    *,
    width: float,
    height: float,
    margin: float = 14.0,
) -> list[Point]:
    """Fit positions into a drawing without distortion, the suspicious ones on top.

    Args:
        positions: (m, 2); those that are not finite are left out.
        categories: m of them.
        references: m of them, how the page calls each.
        width: Of the drawing.
        height: Of the drawing.
        margin: Left free on every side.

    Example:
        >>> points = draw_map(
        ...     np.array([[0.0, 0.0], [1.0, 1.0]]), ["hard", "easy"], ["a", "b"],
        ...     width=100, height=60, margin=10,
        ... )
        >>> [(point.reference, point.x, point.y) for point in points]
        [('b', 70.0, 50.0), ('a', 30.0, 10.0)]
    """
    usable = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not len(usable):
        return []
    lowest, highest = positions[usable].min(axis=0), positions[usable].max(axis=0)
    room = np.array([width, height]) - 2 * margin
    scale = float((room / np.maximum(highest - lowest, 1e-9)).min())
    placed = (positions - (lowest + highest) / 2) * scale + np.array([width, height]) / 2
    last = ("easy", "review", "hard")
    points = [
        Point(
            round(float(placed[i, 0]), 1),
            round(float(placed[i, 1]), 1),
            categories[i],
            references[i],
        )
        for i in usable.tolist()
    ]
    return sorted(points, key=lambda point: last.index(point.category))
