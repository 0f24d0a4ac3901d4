"""The charts of the first page: confusions of classes, and temperatures over the epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.class_temperatures import ranked_classes
from dataparams.report.samples import shown_epochs
from dataparams.web.charts import (
    Axes,
    Band,
    Curve,
    band_limits,
    curve_path,
    draw_bands,
    draw_curves,
    temperature_axes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHADES = 9
_CHART_WIDTH, _CHART_HEIGHT = 520.0, 320.0
_LABEL_WIDTH = 112.0
_CLASSES_WIDTH, _CLASSES_HEIGHT, _CLASSES_LABEL_WIDTH = 780.0, 400.0, 225.0
_HIGHEST, _LOWEST = 9, 3
_MOST_GRAY = 200


@dataclass(frozen=True)
class MatrixCell:
    """A field of the confusion matrix: how many, and how dark, 0 ... 9."""

    count: int
    shade: int
    is_diagonal: bool
    suggested: str


@dataclass(frozen=True)
class BandChart:
    """A chart of bands.

    Attributes:
        title: The key of the message that says what it shows.
        axes: Its axes.
        bands: What is drawn on them.
    """

    title: str
    axes: Axes
    bands: list[Band]


@dataclass(frozen=True, eq=False)
class ClassChart:
    """The temperatures of classes over the epochs.

    Attributes:
        axes: Its axes.
        curves: Of the named classes, the highest first.
        gray_lines: Paths of some other classes.
        ranked: The named ones: ``place`` (1 for the highest), ``label``, ``label_name``,
            ``temperature``.
        unnamed: How many classes are not named.
        highest: How many of the named classes are those with the highest temperatures.
        lowest: How many are those with the lowest.
    """

    axes: Axes
    curves: list[Curve]
    gray_lines: list[str]
    ranked: list[dict[str, Any]]
    unnamed: int
    highest: int = _HIGHEST
    lowest: int = _LOWEST

    @property
    def gray(self) -> int:
        """How many classes are drawn without a name."""
        return len(self.gray_lines)


def confusion_matrix(
    confusions: pl.DataFrame, class_names: Sequence[str]
) -> list[list[MatrixCell]]:
    """Given labels down, suggested labels across; shades compare what lies off the diagonal.

    Args:
        confusions: ``label``, ``suggested_label``, ``count``.
        class_names: Names of the classes.

    Example:
        >>> pairs = {"label": [0, 1], "suggested_label": [1, 1], "count": [4, 90]}
        >>> matrix = confusion_matrix(pl.DataFrame(pairs), ["cat", "dog"])
        >>> [[(cell.count, cell.shade) for cell in row] for row in matrix]
        [[(0, 0), (4, 9)], [(0, 0), (90, 0)]]
    """
    pairs = {
        (label, suggested): count
        for label, suggested, count in confusions.select(
            "label", "suggested_label", "count"
        ).iter_rows()
    }
    most = max((count for (a, b), count in pairs.items() if a != b), default=1)

    def cell(label: int, suggested: int) -> MatrixCell:
        count = pairs.get((label, suggested), 0)
        is_diagonal = label == suggested
        shade = 0 if is_diagonal or not count else max(round(_SHADES * count / most), 1)
        return MatrixCell(count, shade, is_diagonal, class_names[suggested])

    everything = range(len(class_names))
    return [[cell(label, suggested) for suggested in everything] for label in everything]


def band_charts(bands: pl.DataFrame, epochs: Sequence[int]) -> list[BandChart]:
    """The chart of the categories and, where the truth is known, that of clean and corrupted."""
    if bands.is_empty() or not epochs:
        return []
    low, high = band_limits(bands)
    axes = temperature_axes(
        epochs, low, high, width=_CHART_WIDTH, height=_CHART_HEIGHT, label_width=_LABEL_WIDTH
    )
    kinds = {
        "trajectories.categories": ("easy", "review", "hard"),
        "trajectories.truth": ("clean", "corrupted"),
    }
    charts = [
        BandChart(title, axes, draw_bands(bands, groups, axes)) for title, groups in kinds.items()
    ]
    return [chart for chart in charts if chart.bands]


def class_chart(table: pl.DataFrame) -> ClassChart:
    """The chart of class temperatures, in which a dozen classes are named.

    Args:
        table: ``epoch``, ``label``, ``label_name``, ``temperature``.
    """
    every = table["epoch"].unique().sort()
    epochs = every.gather(shown_epochs(len(every))).to_list()
    curves = {
        label: rows.sort("epoch")["temperature"].to_list()
        for (label,), rows in table.filter(pl.col("epoch").is_in(epochs)).group_by("label")
    }
    ranked = ranked_classes(table).with_row_index("place", offset=1).to_dicts()
    named, others = ranked, []
    if len(ranked) > _HIGHEST + _LOWEST:
        named = [*ranked[:_HIGHEST], *ranked[-_LOWEST:]]
        others = ranked[_HIGHEST:-_LOWEST]
    logs = np.log(table["temperature"].to_numpy())
    axes = temperature_axes(
        epochs,
        float(logs.min()),
        float(logs.max()),
        width=_CLASSES_WIDTH,
        height=_CLASSES_HEIGHT,
        label_width=_CLASSES_LABEL_WIDTH,
    )
    step = max(-(-len(others) // _MOST_GRAY), 1)
    return ClassChart(
        axes=axes,
        curves=draw_curves(
            [(row["label_name"], curves[row["label"]]) for row in named], epochs, axes
        ),
        gray_lines=[curve_path(curves[row["label"]], epochs, axes) for row in others[::step]],
        ranked=named,
        unnamed=len(others),
    )
