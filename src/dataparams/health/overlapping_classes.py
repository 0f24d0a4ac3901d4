"""Classes that overlap so much that they may be one, and what merging them would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.health.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace

    Rows = NDArray[np.intp]

_LEAST_CONFUSED = 0.15
_FEWEST_CONFUSED = 3
_LEAST_MIXED = 0.35
_NEIGHBORS = 10
_MOST_IN_PAIR = 4_000
_MOST_SHOWN = 50


@dataclass(frozen=True, eq=False)
class JudgedClasses:
    """What held-out models make of samples, as far as classes are compared by it.

    Attributes:
        index: Of each sample in the source, (n,).
        labels: Given labels, (n,).
        classes: The likeliest classes of each, (n, k), the likeliest first.
        class_evidence: Evidence for them, (n, k).
        is_suspicious: Whether the label is to be reviewed, (n,).
        class_names: Names of the classes.
        is_judged: Whether the labels of a class can be judged at all, (C,).
    """

    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    class_evidence: NDArray[np.float64]
    is_suspicious: NDArray[np.bool_]
    class_names: Sequence[str]
    is_judged: NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """How far two classes overlap.

    Attributes:
        first: Number of one class.
        second: Number of the other.
        of_first: Share of the first that held-out models take for the second, 0 ... 1.
        of_second: The reverse.
        mixed: How many of the neighbors of their samples are taken for the other class, beside how
            many would be if the two were mixed at random, 0 ... 1; NaN where there are no features.
        suspicions: Labels to be reviewed that would be right if the two were one.
        error: Share of all samples whose label held-out models disagree with, 0 ... 1.
        error_merged: That share, were the two one class.
    """

    first: int
    second: int
    of_first: float
    of_second: float
    mixed: float
    suspicions: int
    error: float
    error_merged: float


def overlapping_classes(judged: JudgedClasses, space: FeatureSpace | None) -> list[Overlap]:
    """The pairs of classes that models cannot tell apart, those of most confusion first.

    Held-out models take at least 15 % of each class for the other. Where labels are wrong the same
    happens, but then the samples still lie apart: so at least 35 % as many of their neighbors must
    be taken for the other class as if the two were mixed at random.

    Args:
        judged: What held-out models make of n samples.
        space: The features of these samples, in their order; None where there are none: then
            confusion alone counts, and must be twice as frequent.
    """
    found = []
    for first, second, of_first, of_second in _confused(judged):
        least = 2 * _LEAST_CONFUSED if space is None else _LEAST_CONFUSED
        mixed = np.nan if space is None else _mixed(judged, first, second, space)
        if min(of_first, of_second) >= least and not mixed < _LEAST_MIXED:
            changes = _changes(judged, first, second)
            found.append(Overlap(first, second, of_first, of_second, mixed, *changes))
    return sorted(found, key=lambda one: -min(one.of_first, one.of_second))


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
    """Pairs of classes some of each of which are taken for the other, and the two shares."""
    predicted, count = judged.classes[:, 0], len(judged.class_names)
    sizes = np.bincount(judged.labels, minlength=count)
    is_other = predicted != judged.labels
    cells, times = np.unique(
        judged.labels[is_other] * count + predicted[is_other], return_counts=True
    )
    confused = dict(zip(cells.tolist(), times.tolist(), strict=True))
    for cell, there in confused.items():
        first, second = divmod(cell, count)
        back = confused.get(second * count + first, 0)
        if first > second or not (judged.is_judged[first] and judged.is_judged[second]):
            continue
        if min(there, back) >= _FEWEST_CONFUSED:
            shares = there / sizes[first], back / sizes[second]
            if min(shares) >= _LEAST_CONFUSED:
                yield first, second, float(shares[0]), float(shares[1])


def _mixed(judged: JudgedClasses, first: int, second: int, space: FeatureSpace) -> float:
    """How mixed the samples of two classes are, by what they are taken for; 1 is at random."""
    rows = np.flatnonzero(np.isin(judged.labels, (first, second)))
    rows = rows[:: -(-len(rows) // _MOST_IN_PAIR)]
    is_second = _evidence(judged, rows, second) > _evidence(judged, rows, first)
    share = float(is_second.mean())
    by_chance = 2 * share * (1 - share)
    if by_chance == 0 or len(rows) <= _NEIGHBORS:
        return 0.0
    points = space.of(rows)
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
    return there | ((judged.labels == second) & (predicted == first))


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
    """0.5 at the least confusion and mixture that count, 1 where the two are one cloud."""
    confused = min(1.0, min(one.of_first, one.of_second) / 0.5)
    mixed = confused if np.isnan(one.mixed) else one.mixed
    return 0.5 + 0.25 * (confused + mixed)


def _sentence(one: Overlap, judged: JudgedClasses) -> str:
    first, second = (judged.class_names[label] for label in (one.first, one.second))
    neighbors = (
        ""
        if np.isnan(one.mixed)
        else f", and they are {one.mixed:.0%} as mixed among their neighbors as by chance"
    )
    return (
        f"{first} and {second} may be one class: {one.of_first:.0%} of the one and "
        f"{one.of_second:.0%} of the other are taken for the other{neighbors}. Merging them would "
        f"end {one.suspicions:,} of {int(judged.is_suspicious.sum()):,} suspicions and lower the "
        f"share that models disagree with from {one.error:.1%} to {one.error_merged:.1%}."
    )
