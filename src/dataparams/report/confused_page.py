"""The samples behind the confusions of a class: those whose label is likelier another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.suggestions import LEAST_CONFIDENCE, is_suggestion
from dataparams.report.pages import render, sample_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.report.samples import ClassSamples, SampleDetails
    from dataparams.report.shown_contents import ShownContent

_MOST_CARDS = 48
_MOST_NAMED, _MOST_NAMED_ON_PAGE = 200, 1000


@dataclass(frozen=True, eq=False)
class ConfusedWith:
    """Samples of a class that are likelier of another one.

    Attributes:
        label: The other class.
        name: Its name.
        total: How many there are.
        cards: The most suspicious that the page of the class shows, each with what it is called
            there.
        ids: Names of others.
        hidden: How many are not even named.
    """

    label: int
    name: str
    total: int
    cards: list[tuple[SampleDetails, str]]
    ids: list[str]
    hidden: int


def confused_page(
    analysis: Analysis, samples: ClassSamples, contents: Mapping[int, ShownContent], title: str
) -> str | None:
    """The page of the samples of a class that are likelier of others; None where there are none.

    Args:
        analysis: What is reported.
        samples: The samples of the class.
        contents: What is shown of the samples, by index.
        title: Of the report.
    """
    rows = np.flatnonzero(samples.frame.select(_is_confused()).to_series().to_numpy())
    if not len(rows):
        return None
    others = samples.frame["suggested_label"].to_numpy()[rows]
    labels, counts = np.unique(others, return_counts=True)
    order = np.lexsort((labels, -counts))
    references = samples.references()
    most_named = min(_MOST_NAMED, max(_MOST_NAMED_ON_PAGE // len(labels), 1))
    cells = [
        _cell(samples, contents, int(label), rows[others == label], references, most_named)
        for label in labels[order]
    ]
    return render(
        "confused.html",
        samples.shown_in,
        **sample_words(analysis),
        analysis=analysis,
        title=title,
        label=samples.label,
        name=samples.name,
        page=samples.page,
        total=len(rows),
        cells=cells,
    )


def confusions_with_samples(frame: pl.DataFrame) -> frozenset[tuple[int, int]]:
    """Given and likelier class of all samples that are likelier of another class."""
    pairs = frame.filter(_is_confused()).select("label", "suggested_label").unique()
    return frozenset((int(label), int(suggested)) for label, suggested in pairs.iter_rows())


def _is_confused() -> pl.Expr:
    is_likely = pl.col("suggested_confidence").fill_nan(0.0) >= LEAST_CONFIDENCE
    return (is_suggestion() & is_likely).fill_null(value=False)


def _cell(
    samples: ClassSamples,
    contents: Mapping[int, ShownContent],
    label: int,
    rows: NDArray[np.intp],
    references: Mapping[int, str],
    most_named: int,
) -> ConfusedWith:
    shown = [row for row in rows.tolist() if row in references][:_MOST_CARDS]
    details = samples.details(np.array(shown, dtype=np.intp), contents)
    further = np.setdiff1d(rows, shown)
    return ConfusedWith(
        label=label,
        name=samples.class_names[label],
        total=len(rows),
        cards=[(one, references[row]) for one, row in zip(details, shown, strict=True)],
        ids=samples.frame["id"][further[:most_named]].to_list(),
        hidden=max(len(further) - most_named, 0),
    )
