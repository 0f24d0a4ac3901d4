"""The page of a class: its map, its sub-groups and its three piles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.class_temperatures import ranked_classes
from dataparams.report.extent import USUAL_PILE
from dataparams.report.overview import Suspect
from dataparams.report.pages import render, sample_words
from dataparams.report.samples import (
    CHUNK,
    FURTHER,
    Pile,
    SampleDetails,
    shown_epochs,
    subgroup_name,
)
from dataparams.web.charts import Point, draw_map, trajectory_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.report.language import Language
    from dataparams.report.samples import ClassSamples
    from dataparams.report.shown_contents import ShownContent

    Positions = NDArray[np.intp]
    ShownSample = tuple[str, SampleDetails]

_SHOWN_OF_SUBGROUP = 8
_MAP_WIDTH, _MAP_HEIGHT = 720.0, 460.0


@dataclass(frozen=True, eq=False)
class ShownPile:
    """A pile, and its samples that stand in the page from the start."""

    pile: Pile
    first: list[SampleDetails]


@dataclass(frozen=True, eq=False)
class Subgroup:
    """A sub-group of a class.

    Attributes:
        name: What it is called.
        count: How many it has.
        hard: Hard ones among them.
        review: Those in need of review among them.
        easy: Easy ones among them.
        share_of_hard: Of the class's.
        share_of_review: Of the class's.
        typical: Some samples, the most typical first, each with what the page calls it.
        nearest_easy: Easy samples of the class that are most like it, in the same way.
    """

    name: str
    count: int
    hard: int
    review: int
    easy: int
    share_of_hard: float | None
    share_of_review: float | None
    typical: list[ShownSample]
    nearest_easy: list[ShownSample]


@dataclass(frozen=True)
class ClassTemperature:
    """The temperature that was learned of a class.

    Attributes:
        value: After the last epoch.
        first: After the first one.
        place: Among all classes, 1 for the highest.
        total: How many classes there are.
        first_epoch: The first epoch.
        last_epoch: The last one.
        rank: The place in words.
    """

    value: float
    first: float
    place: int
    total: int
    first_epoch: int
    last_epoch: int
    rank: str


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """The map of a class.

    Attributes:
        samples: Positions of its samples in the class, (m,).
        places: Where each is on the map, (m, 2).
    """

    samples: Positions
    places: NDArray[np.float64]


def class_page(
    analysis: Analysis,
    samples: ClassSamples,
    present: Sequence[int],
    contents: Mapping[int, ShownContent],
    drawn: DrawnMap | None,
    *,
    is_map_left_out: bool = False,
) -> str:
    """The page of a class.

    Args:
        analysis: What is reported.
        samples: The samples of the class.
        present: The classes that have a page, ascending.
        contents: What is shown of the samples, by index.
        drawn: The map; None for none.
        is_map_left_out: Whether there is none because there are very many samples in all.
    """
    place = list(present).index(samples.label)
    row = analysis.classes.row(by_predicate=pl.col("label") == samples.label, named=True)
    epochs = [analysis.epochs[i] for i in shown_epochs(len(analysis.epochs))]
    low, high = _limits(samples.log_temperatures)
    piles = [pile for pile in samples.piles if pile.name != FURTHER]
    return render(
        "class.html",
        samples.shown_in,
        **sample_words(analysis),
        analysis=analysis,
        samples=samples,
        row=row,
        temperature=_class_temperature(
            analysis.class_temperatures, samples.label, samples.shown_in
        ),
        total=len(samples.frame),
        neighbors=_neighbors(analysis, present, place),
        chunk=CHUNK,
        further=samples.pile(FURTHER),
        piles=[
            ShownPile(pile, samples.details(pile.positions[:CHUNK], contents)) for pile in piles
        ],
        points=[] if drawn is None else _points(samples, drawn),
        is_map_left_out=is_map_left_out,
        usual_pile=USUAL_PILE,
        map_width=_MAP_WIDTH,
        map_height=_MAP_HEIGHT,
        subgroups=_subgroups(analysis, samples, contents),
        chart=_in_language(trajectory_chart(analysis.bands, epochs, low, high), samples.shown_in),
    )


def suspects_of_class(
    samples: ClassSamples, contents: Mapping[int, ShownContent], most: int
) -> list[Suspect]:
    """The most suspicious samples of a class, each with what its page calls it."""
    suspects = []
    for name in ("hard", "review"):
        chosen = samples.pile(name).positions[:most]
        suspicion = samples.frame["suspicion"][chosen].to_list()
        shown = samples.details(chosen, contents)
        suspects += [
            Suspect(sample, samples.page, f"{name}:{number}", value)
            for number, (sample, value) in enumerate(zip(shown, suspicion, strict=True))
        ]
    return suspects


def outliers_of_class(
    samples: ClassSamples, contents: Mapping[int, ShownContent], most: int
) -> list[Suspect]:
    """The outliers that the page of a class shows, the farthest from all classes first."""
    if not {"is_outlier", "outlier_score"} <= set(samples.frame.columns):
        return []
    far = samples.frame["outlier_score"].to_numpy()
    is_far = samples.frame["is_outlier"].fill_null(value=False).to_numpy()
    farthest = np.flatnonzero(is_far)[np.argsort(-far[is_far], kind="stable")]
    found = _shown(samples, farthest[:most].tolist(), contents)
    scores = {sample.index: far[samples.frame["index"] == sample.index] for _, sample in found}
    return [
        Suspect(sample, samples.page, reference, float(scores[sample.index][0]))
        for reference, sample in found
    ]


def _in_language(chart: dict[str, Any], shown_in: Language) -> dict[str, Any]:
    """The same chart, with the numbers at its axis as a language writes them."""
    ticks = [
        {**tick, "text": shown_in.numeral(tick["text"])} for tick in chart["temperature_ticks"]
    ]
    return {**chart, "temperature_ticks": ticks}


def _class_temperature(
    table: pl.DataFrame | None, label: int, shown_in: Language
) -> ClassTemperature | None:
    if table is None:
        return None
    ranked = ranked_classes(table)
    place = ranked["label"].to_list().index(label)
    row = ranked.row(place, named=True)
    epochs = table["epoch"]
    return ClassTemperature(
        value=row["temperature"],
        first=row["first_temperature"],
        place=place + 1,
        total=len(ranked),
        first_epoch=epochs[0],
        last_epoch=epochs[-1],
        rank=_rank(place + 1, len(ranked), shown_in),
    )


def _rank(place: int, total: int, shown_in: Language) -> str:
    if place == 1:
        return shown_in.say("class.highest")
    if place == total:
        return shown_in.say("class.lowest")
    return shown_in.say("class.rank", place=shown_in.ordinal(place))


def _neighbors(
    analysis: Analysis, present: Sequence[int], place: int
) -> list[tuple[int, str] | None]:
    """The classes before and after this one."""
    around = (place - 1, place + 1)
    labels = [present[i] if 0 <= i < len(present) else None for i in around]
    return [None if one is None else (one, analysis.class_names[one]) for one in labels]


def _limits(log_temperatures: NDArray[np.float32]) -> tuple[float, float]:
    """The lowest and the highest known log temperature of the class."""
    finite = log_temperatures[np.isfinite(log_temperatures)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


def _points(samples: ClassSamples, drawn: DrawnMap) -> list[Point]:
    references = samples.references()
    return draw_map(
        drawn.places,
        samples.frame["category"][drawn.samples].to_list(),
        [references[position] for position in drawn.samples.tolist()],
        width=_MAP_WIDTH,
        height=_MAP_HEIGHT,
    )


def _subgroups(
    analysis: Analysis, samples: ClassSamples, contents: Mapping[int, ShownContent]
) -> list[Subgroup]:
    """The sub-groups of the class, the largest first."""
    rows = analysis.subgroups.filter(pl.col("label") == samples.label)
    return [
        Subgroup(
            name=subgroup_name(row["subgroup"]) or "",
            count=row["count"],
            hard=row["hard"],
            review=row["review"],
            easy=row["easy"],
            share_of_hard=row["share_of_hard"],
            share_of_review=row["share_of_review"],
            typical=_shown(samples, _members(samples, row["subgroup"]), contents),
            nearest_easy=_shown(samples, _easy_like(samples, row["subgroup"]), contents),
        )
        for row in rows.sort("count", descending=True).to_dicts()
    ]


def _members(samples: ClassSamples, subgroup: object) -> list[int]:
    """Positions of the samples of a sub-group, the most typical first where that is known."""
    is_member = (samples.frame["subgroup"] == subgroup).fill_null(value=False).to_numpy()
    positions = np.flatnonzero(is_member)
    if "subgroup_place" in samples.frame.columns:
        places = samples.frame["subgroup_place"].to_numpy()[positions]
        positions = positions[np.argsort(places, kind="stable")]
    found: list[int] = positions.tolist()
    return found


def _easy_like(samples: ClassSamples, subgroup: object) -> list[int]:
    """Positions of the easy samples of the class that are most like a sub-group."""
    if "nearest_easy" not in samples.frame.columns:
        return []
    nearest = samples.frame["nearest_easy"][_members(samples, subgroup)].drop_nulls()
    index = samples.frame["index"].to_numpy()
    return [int(np.flatnonzero(index == one)[0]) for one in dict.fromkeys(nearest.to_list())]


def _shown(
    samples: ClassSamples, positions: list[int], contents: Mapping[int, ShownContent]
) -> list[ShownSample]:
    """The first of some samples that are on the page, each with what it is called there."""
    references = samples.references()
    shown = [position for position in positions if position in references]
    chosen = np.array(shown[:_SHOWN_OF_SUBGROUP], dtype=np.intp)
    named = [references[position] for position in chosen.tolist()]
    return list(zip(named, samples.details(chosen, contents), strict=True))
