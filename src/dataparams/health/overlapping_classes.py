"""Classes that overlap so much that they may be one, and what merging them would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.class_standing import FEWEST_SAMPLES
from dataparams.health.findings import Finding
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace
    from dataparams.health.sentences import Sentence

    Rows = NDArray[np.intp]

_FEWEST_CONFUSED = 6
_LEAST_CONFUSED = 0.15
"""In the mean of the two shares that are taken for the other class."""
_MOST_TOLD_APART = 0.62
_MOST_OF_RIGHT = 0.7
"""Where each label counts as much as it is likely to be right."""
_LEAST_MIXED = 0.3
_NEIGHBORS = 10
_MOST_IN_PAIR = 4_000
_MOST_SHOWN = 50
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class JudgedClasses:
    """What held-out models make of samples, as far as classes are compared by it.

    Attributes:
        index: Of each sample in the source, (n,).
        labels: Given labels, (n,).
        classes: The likeliest classes of each, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k).
        is_suspicious: Whether the sample is none of the easy ones, (n,).
        right: How likely the given label is right, (n,), 0 ... 1.
        class_names: Names of the classes.
    """

    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    class_evidence: NDArray[np.float64]
    is_suspicious: NDArray[np.bool_]
    right: NDArray[np.floating]
    class_names: Sequence[str]


@dataclass(frozen=True)
class Overlap:
    """How far two classes overlap.

    Attributes:
        first: Number of one class.
        second: Number of the other.
        of_first: Share of the first that held-out models take for the second, 0 ... 1.
        of_second: The reverse.
        told_apart: How often held-out models are right when asked which of the two a sample is of,
            as many answers as samples for each, in the mean of the two: 0.5 is guessing.
        mixed: How many of the neighbors of their samples are then taken for the other class, beside
            how many would be if the two were mixed at random, 0 ... 1; NaN without features.
        suspicions: Labels that are suspicious now, and would not be if the two were one.
        error: Share of all samples whose label held-out models disagree with, 0 ... 1.
        error_merged: That share, were the two one class.
    """

    first: int
    second: int
    of_first: float
    of_second: float
    told_apart: float
    mixed: float
    suspicions: int
    error: float
    error_merged: float


def overlapping_classes(judged: JudgedClasses, space: FeatureSpace | None) -> list[Overlap]:
    """The pairs of classes that models cannot tell apart, those least told apart first.

    Held-out models take at least 15 % for the other class, in the mean of the two, and asked which
    of the two a sample is of, they are right in at most 62 %. Where many labels are wrong the same
    happens, but not where each label counts as much as it is likely to be right: so that must be at
    most 70 %. And the samples then still lie apart: so at least 30 % as many of their neighbors
    must be taken for the other class as if the two were mixed at random.

    Args:
        judged: What held-out models make of n samples.
        space: The features of these samples, in their order. None where there are none: then
            nothing tells overlap from wrong labels, and no pair is named.
    """
    if space is None:
        return []
    found = []
    for first, second, of_first, of_second in _confused(judged):
        rows = _of_either(judged, first, second)
        is_second = _taken_for_second(judged, rows, first, second)
        is_label = judged.labels[rows] == second
        told_apart = _told_apart(is_label, is_second, np.ones(len(rows)))
        of_right = _told_apart(is_label, is_second, judged.right[rows] + _LEAST)
        mixed = _mixed(is_second, space.of(rows))
        is_guessed = told_apart <= _MOST_TOLD_APART and of_right <= _MOST_OF_RIGHT
        if is_guessed and mixed >= _LEAST_MIXED:
            suspicions, error, error_merged = _changes(judged, first, second)
            found.append(
                Overlap(
                    first=first,
                    second=second,
                    of_first=of_first,
                    of_second=of_second,
                    told_apart=told_apart,
                    mixed=mixed,
                    suspicions=suspicions,
                    error=error,
                    error_merged=error_merged,
                )
            )
    return sorted(found, key=lambda one: one.told_apart)


def overlap_findings(judged: JudgedClasses, space: FeatureSpace | None) -> list[Finding]:
    """A finding per pair of :func:`overlapping_classes`, with the evidence in words."""
    return [
        Finding(
            "overlapping_classes",
            judged.index[_samples_between(judged, one)[:_MOST_SHOWN]].tolist(),
            _strength(one),
            _sentence(one, judged),
            [one.first, one.second],
        )
        for one in overlapping_classes(judged, space)
    ]


def _confused(judged: JudgedClasses) -> Iterator[tuple[int, int, float, float]]:
    """Pairs of classes some of which are taken for the other, and the two shares."""
    predicted, count = judged.classes[:, 0], len(judged.class_names)
    sizes = np.bincount(judged.labels, minlength=count)
    is_other = predicted != judged.labels
    low = np.minimum(judged.labels, predicted)[is_other]
    high = np.maximum(judged.labels, predicted)[is_other]
    pairs, times = np.unique(low * count + high, return_counts=True)
    for pair in pairs[times >= _FEWEST_CONFUSED].tolist():
        first, second = divmod(pair, count)
        if min(sizes[first], sizes[second]) < FEWEST_SAMPLES:
            continue
        of_first = float((predicted[judged.labels == first] == second).mean())
        of_second = float((predicted[judged.labels == second] == first).mean())
        if (of_first + of_second) / 2 >= _LEAST_CONFUSED:
            yield first, second, of_first, of_second


def _of_either(judged: JudgedClasses, first: int, second: int) -> Rows:
    """Samples of two classes, at most 4,000, spread evenly."""
    rows = np.flatnonzero(np.isin(judged.labels, (first, second)))
    return rows[:: -(-len(rows) // _MOST_IN_PAIR)]


def _taken_for_second(
    judged: JudgedClasses, rows: Rows, first: int, second: int
) -> NDArray[np.bool_]:
    """Which samples are likeliest of the second class, as many as have its label.

    So it does not matter which of the two a model prefers where it cannot tell.
    """
    evidence = [_evidence(judged, rows, label) + _LEAST for label in (first, second)]
    lead = np.log(evidence[1]) - np.log(evidence[0])
    is_second = np.zeros(len(rows), dtype=bool)
    wanted = int((judged.labels[rows] == second).sum())
    is_second[np.argsort(-lead, kind="stable")[:wanted]] = True
    return is_second


def _told_apart(
    is_label: NDArray[np.bool_], is_taken: NDArray[np.bool_], weights: NDArray[np.floating]
) -> float:
    of_second = np.average(is_taken[is_label], weights=weights[is_label])
    of_first = np.average(~is_taken[~is_label], weights=weights[~is_label])
    return float((of_second + of_first) / 2)


def _mixed(is_second: NDArray[np.bool_], points: NDArray[np.float32]) -> float:
    """How mixed two kinds of samples are among their neighbors; 1 is at random."""
    share = float(is_second.mean())
    by_chance = 2 * share * (1 - share)
    if by_chance == 0 or len(points) <= _NEIGHBORS:
        return 0.0
    likeness = points @ points.T
    np.fill_diagonal(likeness, -np.inf)
    near = np.argpartition(-likeness, _NEIGHBORS, axis=1)[:, :_NEIGHBORS]
    return min(1.0, float((is_second[near] != is_second[:, None]).mean()) / by_chance)


def _evidence(judged: JudgedClasses, rows: Rows, label: int) -> NDArray[np.float64]:
    """The evidence for a class; 0 where it is not among the likeliest."""
    is_listed = judged.classes[rows] == label
    evidence: NDArray[np.float64] = np.where(is_listed, judged.class_evidence[rows], 0).sum(axis=1)
    return evidence


def _is_between(judged: JudgedClasses, first: int, second: int) -> NDArray[np.bool_]:
    """Whether a sample is of one of two classes and is taken for the other, (n,)."""
    predicted = judged.classes[:, 0]
    there = (judged.labels == first) & (predicted == second)
    back = (judged.labels == second) & (predicted == first)
    is_between: NDArray[np.bool_] = there | back
    return is_between


def _samples_between(judged: JudgedClasses, one: Overlap) -> Rows:
    """Those taken for the other class, the surest first."""
    rows = np.flatnonzero(_is_between(judged, one.first, one.second))
    return rows[np.argsort(-judged.class_evidence[rows, 0], kind="stable")]


def _changes(judged: JudgedClasses, first: int, second: int) -> tuple[int, float, float]:
    """Suspicions that merging would end, and the error before and after."""
    is_between = _is_between(judged, first, second)
    is_wrong = judged.classes[:, 0] != judged.labels
    after = is_wrong & ~is_between
    suspicions = int((is_between & judged.is_suspicious).sum())
    return suspicions, float(is_wrong.mean()), float(after.mean())


def _strength(one: Overlap) -> float:
    """0.5 where they are told apart as well as counts as overlap, 1 where that is guessing."""
    told = (one.told_apart - 0.5) / (_MOST_TOLD_APART - 0.5)
    return 1 - 0.5 * float(np.clip(told, 0, 1))


def _sentence(one: Overlap, judged: JudgedClasses) -> Sentence:
    return sentence(
        "overlap",
        first=judged.class_names[one.first],
        second=judged.class_names[one.second],
        right=float(one.told_apart),
        mixed=float(one.mixed),
        ended=one.suspicions,
        suspicions=int(judged.is_suspicious.sum()),
        before=float(one.error),
        after=float(one.error_merged),
    )
