"""The first page: the whole data set in numbers, charts and its most suspicious samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.class_temperatures import ranked_classes
from dataparams.analysis.judged_by import not_seen_words
from dataparams.analysis.suggestions import outliers
from dataparams.report.pages import render, sample_words
from dataparams.report.samples import SHOWN_ORDER, shown_epochs, subgroup_name
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

    from dataparams.analysis.result import Analysis
    from dataparams.report.samples import SampleDetails

_MOST_CLASSES_IN_MATRIX = 30
_SHADES = 9
_CONFUSIONS_BESIDE_MATRIX = 8
_CONFUSIONS_ALONE = 30
_SUBGROUPS = 30
_CHART_WIDTH, _CHART_HEIGHT = 520.0, 320.0
_LABEL_WIDTH = 112.0
_CLASSES_WIDTH, _CLASSES_HEIGHT, _CLASSES_LABEL_WIDTH = 780.0, 400.0, 225.0
_HIGHEST, _LOWEST = 9, 3
_MOST_GRAY = 200
_PARTS = (
    *("figures", "how", "suspects", "classes", "confusions", "trajectories"),
    *("class_temperatures", "subgroups"),
)
_PARTS_OF_AUDIT = (
    *("figures", "verdict", "suspects", "confusions", "far", "classes", "subgroups"),
    *("trajectories", "how"),
)
"""The first screen is what a client is shown."""


@dataclass(frozen=True, eq=False)
class Suspect:
    """One of the most suspicious samples.

    Attributes:
        sample: What is known of it.
        page: The page of its class.
        reference: How that page calls it, ``hard:0``.
        suspicion: By what samples of several classes are compared: suspicion, or distance.
    """

    sample: SampleDetails
    page: str
    reference: str
    suspicion: float


@dataclass(frozen=True)
class Cell:
    """A field of the confusion matrix: how many, and how dark, 0 ... 9."""

    count: int
    shade: int
    is_diagonal: bool
    suggested: str


@dataclass(frozen=True)
class BandChart:
    """A chart of bands.

    Attributes:
        title: What it shows.
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


def overview_page(
    analysis: Analysis,
    present: Sequence[int],
    suspects: Sequence[Suspect],
    far: Sequence[Suspect] = (),
) -> str:
    """The first page.

    Args:
        analysis: What is reported.
        present: The classes that have a page.
        suspects: The most suspicious samples, the most suspicious first.
        far: The samples that are farthest from all classes, the farthest first.
    """
    counts = dict(analysis.frame["category"].value_counts().iter_rows())
    names = analysis.class_names
    table = analysis.class_temperatures
    confused = analysis.confusions.filter(pl.col("label") != pl.col("suggested_label"))
    has_matrix = 1 < len(names) <= _MOST_CLASSES_IN_MATRIX
    most = _CONFUSIONS_BESIDE_MATRIX if has_matrix else _CONFUSIONS_ALONE
    return render(
        "overview.html",
        **sample_words(analysis),
        analysis=analysis,
        total=len(analysis.frame),
        counts=[(category, counts.get(category, 0)) for category in SHOWN_ORDER],
        present=set(present),
        classes=_classes(analysis.classes),
        suspects=suspects,
        far=far,
        parts=_PARTS_OF_AUDIT if analysis.judged_by else _PARTS,
        judged_by=analysis.judged_by,
        not_seen=not_seen_words(analysis.findings.disputed),
        outliers=int(outliers(analysis.frame).sum()),
        matrix=confusion_matrix(analysis.confusions, names) if has_matrix else None,
        confusions=confused.head(most).to_dicts(),
        confusions_total=len(confused),
        charts=band_charts(analysis.bands, analysis.epochs),
        class_chart=None if table is None else class_chart(table),
        temperatures=None if table is None else _last_temperatures(table),
        subgroups=_subgroups(analysis.subgroups),
        subgroups_total=len(analysis.subgroups),
    )


def confusion_matrix(confusions: pl.DataFrame, class_names: Sequence[str]) -> list[list[Cell]]:
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

    def cell(label: int, suggested: int) -> Cell:
        count = pairs.get((label, suggested), 0)
        is_diagonal = label == suggested
        shade = 0 if is_diagonal or not count else max(round(_SHADES * count / most), 1)
        return Cell(count, shade, is_diagonal, class_names[suggested])

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
        "The three categories": ("easy", "review", "hard"),
        "Known truth: labels that are correct and wrong": ("clean", "corrupted"),
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


def _last_temperatures(table: pl.DataFrame) -> dict[int, float]:
    return dict(ranked_classes(table).select("label", "temperature").iter_rows())


def _classes(classes: pl.DataFrame) -> list[dict[str, Any]]:
    """A dictionary per class: most wrong labels first, and what cannot be judged at the end."""
    order = classes.sort(
        pl.col("unjudged").is_not_null(),
        "noise_rate",
        "hard",
        descending=[False, True, True],
        nulls_last=True,
    )
    return order.to_dicts()


def _subgroups(subgroups: pl.DataFrame) -> list[dict[str, Any]]:
    """The largest sub-groups."""
    rows = subgroups.sort("count", descending=True).head(_SUBGROUPS).to_dicts()
    return [{**row, "name": subgroup_name(row["subgroup"])} for row in rows]
