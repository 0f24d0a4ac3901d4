"""The samples of one class, sorted by suspicion and dealt into the piles a page shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.analysis.judged_by import evidence_words
from dataparams.analysis.suggestions import suggestion_of_row
from dataparams.report.shown_contents import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.report.language import Language
    from dataparams.report.shown_contents import ShownContent
    from dataparams.web.unusual_values import ShownCell

    Positions = NDArray[np.intp]

CHUNK = 96
"""Samples that a page loads at a time."""
SHOWN_ORDER = ("hard", "review", "easy")
MOST_ON_MAP = 3000
"""Samples on the map of a class."""
FURTHER = "further"
"""The pile of samples on the map that are in none of the shown piles."""
_TRAJECTORY_POINTS = 60


@dataclass(frozen=True)
class SampleDetails:
    """What a page knows of a sample; the chunks carry it under the same names.

    Attributes:
        index: Its number.
        id: Its file name.
        category: Easy, hard or review.
        label: Name of the given label.
        suggested: Name of the suggested label, which is never the given one; None for none.
        confidence: Of the suggestion, 0 ... 1.
        is_likely: Whether the suggestion is likelier right than not.
        note: What is said instead of a suggestion, or before one that is not likely.
        truth: Name of the true label where it is known to differ from the given one.
        is_outlier: Whether it may be of no class at all.
        decided: What people decided about its label, in words; None where they did not.
        evidence: What was found for its label, in words; None of a training.
        subgroup: Name of the sub-group; None for most.
        small: Link of the small picture; None where there is none. This and what follows is as in
            :class:`ShownContent`.
        large: Link of the larger picture; None where there is none.
        is_tiny: Whether it has so few pixels that they are better drawn as squares.
        text: Of a text, its beginning; else None.
        cells: Of a row, values for which a card has room; else None.
        hidden: How many further values the row has.
        whole: Link of a script with all of a text or row; None where nothing is left out.
        trajectory: Log temperature at the epochs of :func:`shown_epochs`; None where unknown.
    """

    index: int
    id: str
    category: str
    label: str
    suggested: str | None
    confidence: float | None
    is_likely: bool
    note: str
    truth: str | None
    is_outlier: bool
    decided: str | None
    evidence: str | None
    subgroup: str | None
    small: str | None
    large: str | None
    is_tiny: bool
    text: str | None
    cells: tuple[ShownCell, ...] | None
    hidden: int
    whole: str | None
    trajectory: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class Pile:
    """The samples of one category.

    Attributes:
        name: The category, or ``FURTHER``.
        positions: The shown samples, as positions in the class, the most suspicious first.
        total: How many there are.
    """

    name: str
    positions: Positions
    total: int


@dataclass(frozen=True, eq=False)
class ClassSamples:
    """The samples of a class, the most suspicious first.

    Attributes:
        label: Number of the class.
        name: Name of the class.
        class_names: Names of all classes.
        frame: The rows of the class, sorted.
        log_temperatures: (epochs, samples), in the same order.
        are_weighed: Whether other classes than the given ones were weighed at all.
        piles: Hard, review and easy, then the further ones.
        shown_in: The language of what is said of them.
        decided: The label that people decided on, None for discarded, by the sample's number.
    """

    label: int
    name: str
    class_names: tuple[str, ...]
    frame: pl.DataFrame
    log_temperatures: NDArray[np.float32]
    are_weighed: bool
    piles: tuple[Pile, ...]
    shown_in: Language
    decided: Mapping[int, int | None]

    @property
    def folder(self) -> str:
        """Folder of the chunks and pictures."""
        return f"class_{self.label}"

    @property
    def page(self) -> str:
        """File of the page."""
        return f"class_{self.label}.html"

    def pile(self, name: str) -> Pile:
        """The pile of that name."""
        return next(pile for pile in self.piles if pile.name == name)

    def references(self) -> dict[int, str]:
        """How the page calls each shown sample, ``pile:number``, by position."""
        return {
            position: f"{pile.name}:{number}"
            for pile in self.piles
            for number, position in enumerate(pile.positions.tolist())
        }

    def with_further(self, on_map: Positions) -> ClassSamples:
        """The same, with a pile of the samples on the map that are shown nowhere else."""
        shown = np.concatenate([pile.positions for pile in self.piles])
        further = np.setdiff1d(on_map, shown)
        return replace(self, piles=(*self.piles, Pile(FURTHER, further, len(further))))

    def details(
        self, positions: Positions, contents: Mapping[int, ShownContent]
    ) -> list[SampleDetails]:
        """What a page knows of the samples at some positions."""
        epochs = shown_epochs(len(self.log_temperatures))
        trajectories = self.log_temperatures[np.ix_(epochs, positions)].T.tolist()
        rows = self.frame[positions].iter_rows(named=True)
        return [
            self._details_of(row, trajectory, contents.get(row["index"], NOTHING))
            for row, trajectory in zip(rows, trajectories, strict=True)
        ]

    def _details_of(
        self, row: dict[str, Any], trajectory: list[float], shown: ShownContent
    ) -> SampleDetails:
        label, truth = row["label"], row.get("true_label")
        found = suggestion_of_row(row, are_weighed=self.are_weighed)
        told = self.shown_in.translated
        evidence = evidence_words(row.get("held_out_probability"), row.get("neighbor_vote"))
        subgroup = subgroup_name(row.get("subgroup"))
        return SampleDetails(
            index=int(row["index"]),
            id=str(row["id"]),
            category=str(row["category"]),
            label=self.name,
            suggested=found.label,
            confidence=_rounded(found.confidence, digits=3),
            is_likely=found.is_likely,
            note=told(found.note),
            truth=None if truth is None or truth == label else _class_name(self.class_names, truth),
            is_outlier=found.is_outlier,
            decided=self._decided_words(row["index"]),
            evidence=evidence and told(evidence),
            subgroup=subgroup and told(subgroup),
            **vars(shown),
            trajectory=tuple(_rounded(value, digits=3) for value in trajectory),
        )

    def _decided_words(self, index: int) -> str | None:
        if index not in self.decided:
            return None
        label = self.decided[index]
        if label is None:
            return self.shown_in.say("decided.discarded")
        if label == self.label:
            return self.shown_in.say("decided.kept")
        return self.shown_in.say("decided.relabeled", label=_class_name(self.class_names, label))


def class_samples(
    analysis: Analysis,
    label: int,
    rows: NDArray[np.intp],
    pile_limit: int,
    *,
    are_weighed: bool,
    shown_in: Language,
    decided: Mapping[int, int | None],
) -> ClassSamples:
    """Sort the samples of a class by suspicion and deal them into piles.

    Args:
        analysis: What is reported.
        label: Number of the class.
        rows: The rows of its samples.
        pile_limit: The most samples shown of a category.
        are_weighed: Whether other classes than the given ones were weighed at all.
        shown_in: The language of what is said of them.
        decided: The label that people decided on, None for discarded, by the sample's number.
    """
    suspicion = analysis.frame["suspicion"].to_numpy()[rows]
    rows = rows[np.argsort(-suspicion, kind="stable")]
    frame = analysis.frame[rows]
    categories = frame["category"].to_numpy()
    members = {name: np.flatnonzero(categories == name) for name in SHOWN_ORDER}
    return ClassSamples(
        label=label,
        name=_class_name(analysis.class_names, label),
        class_names=analysis.class_names,
        frame=frame,
        log_temperatures=analysis.log_temperatures.of(rows),
        are_weighed=are_weighed,
        shown_in=shown_in,
        decided=decided,
        piles=tuple(
            Pile(name, positions[:pile_limit], len(positions))
            for name, positions in members.items()
        ),
    )


def map_choice(samples: ClassSamples) -> NDArray[np.intp]:
    """Positions of the samples for the map: all, or of a large class some at random."""
    usable = np.flatnonzero(np.isfinite(samples.log_temperatures).all(axis=0))
    if len(usable) <= MOST_ON_MAP:
        return usable
    chosen = np.random.default_rng(samples.label).choice(usable, MOST_ON_MAP, replace=False)
    return np.sort(chosen)


def shown_epochs(count: int) -> NDArray[np.intp]:
    """Which of the epochs a small chart of a trajectory shows: evenly spread, both ends among them.

    Example:
        >>> shown_epochs(3)
        array([0, 1, 2])
        >>> len(shown_epochs(1000))
        60
    """
    return np.unique(np.linspace(0, count - 1, min(count, _TRAJECTORY_POINTS)).round().astype(int))


def subgroup_name(subgroup: object) -> str | None:
    """What a sub-group is called; numbers become words.

    Example:
        >>> subgroup_name(2), subgroup_name("night"), subgroup_name(None)
        ('Group 2', 'night', None)
    """
    if subgroup is None:
        return None
    return subgroup if isinstance(subgroup, str) else f"Group {subgroup}"


def _class_name(class_names: tuple[str, ...], label: object) -> str:
    if isinstance(label, int) and 0 <= label < len(class_names):
        return class_names[label]
    return f"class {label}"


def _rounded(value: object, digits: int) -> float | None:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return round(float(value), digits)
