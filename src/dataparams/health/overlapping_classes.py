"""Classes that overlap so much that they may be one, and what merging them would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.class_standing import FEWEST_SAMPLES
from dataparams.health.findings import Finding
from dataparams.health.sentences import sentence
from dataparams.health.telling_apart import (
    by_chance_within,
    lead_by_neighbors,
    lead_by_trees,
    told_apart,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace
    from dataparams.health.sentences import Sentence

    Rows = NDArray[np.intp]

_LEAST_SHARED = 0.4
"""Of the evidence for two classes, beside what samples of a class have for their own."""
_MOST_PAIRS = 50
_ERRORS = 2.0
_MOST_ABOVE_CHANCE = 0.1
_TRACE = 0.03
"""Held-out models of an audit are right so much more often, since other samples that have learned
of a label by an earlier round hold a trace of it."""
_MOST_ERROR = 0.065
"""With a standard error above that, two labels of which nothing is known look like one class."""
_MOST_OF_EACH = 1_000
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
        class_names: Names of the classes.
    """

    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    class_evidence: NDArray[np.float64]
    is_suspicious: NDArray[np.bool_]
    class_names: Sequence[str]


@dataclass(frozen=True)
class Overlap:
    """How far two classes overlap.

    Attributes:
        first: Number of one class.
        second: Number of the other.
        told_apart: How often the right one is answered when asked which of the two a sample is of,
            by the best of the audit's held-out models, neighbors and trees, as many answers as
            samples for each, in the mean of the two: 0.5 is guessing.
        mixed: How many of the neighbors of their samples are of the other class, beside how many
            would be if the two were mixed at random.
        suspicions: Labels that are suspicious now, and would not be if the two were one.
        error: Share of all samples whose label held-out models disagree with, 0 ... 1.
        error_merged: That share, were the two one class.
    """

    first: int
    second: int
    told_apart: float
    mixed: float
    suspicions: int
    error: float
    error_merged: float


def overlapping_classes(judged: JudgedClasses, space: FeatureSpace | None) -> list[Overlap]:
    """The pairs of classes between which the features tell nothing, those least told apart first.

    Looked at are the pairs that held-out models hardly tell apart: what samples of each have of
    evidence for the other is, multiplied and beside that for their own, 40 % or more of what it
    were if the two were one. At most 50 pairs, those that share most. It does not count which
    class they name, for where two are halves of one they may name a third for both.

    Asked which of the two a sample is of, these models must be right no more often than chance
    allows: within two standard errors, at most 60 %, and 3 % for what they know of the answer. That
    is no proof: they may not have learned two rare classes, and where many labels are wrong they
    learn less. So neighbors and trees that know these two labels alone must be right no more often
    than chance allows either. As many samples of each count. Wrong labels dilute what features
    tell, they do not take it away, so that they do not make overlap; and pairs of which one has
    fewer than 30 samples are not named, since chance alone allows too much there.

    Args:
        judged: What held-out models make of n samples.
        space: The features of these samples, in their order. None where there are none: then
            nothing tells overlap from wrong labels, and no pair is named.
    """
    if space is None:
        return []
    asked = (_overlap(judged, space, *pair) for pair in _confused(judged))
    return sorted((one for one in asked if one is not None), key=lambda one: one.told_apart)


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


def _confused(judged: JudgedClasses) -> list[tuple[int, int]]:
    """Pairs of classes that share evidence, those that share most first.

    Of one class under two labels, samples of both have the same evidence for each in the mean,
    whatever the sizes: then the product of what they have for the other is that of what they have
    for their own.
    """
    from scipy.sparse import coo_array

    count = len(judged.class_names)
    sizes = np.bincount(judged.labels, minlength=count)
    listed = judged.classes.shape[1]
    labels = np.repeat(judged.labels, listed)
    entries = (judged.class_evidence.ravel(), (labels, judged.classes.ravel()))
    evidence = coo_array(entries, shape=(count, count)).tocsr()
    own = np.maximum(evidence.diagonal(), _LEAST)
    product = (evidence * evidence.T).tocoo()
    first, second = product.row, product.col
    shared = product.data / (own[first] * own[second])
    is_one = (first < second) & (shared >= _LEAST_SHARED)
    is_one &= np.minimum(sizes[first], sizes[second]) >= FEWEST_SAMPLES
    order = np.flatnonzero(is_one)[np.argsort(-shared[is_one], kind="stable")][:_MOST_PAIRS]
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _overlap(judged: JudgedClasses, space: FeatureSpace, first: int, second: int) -> Overlap | None:
    """How far two classes overlap; None where something tells them apart, or they are too few."""
    rows = _as_many_of_each(judged, first, second)
    is_second = judged.labels[rows] == second
    error = by_chance_within(is_second)
    by_models = told_apart(_lead(judged, rows, first, second), is_second)
    most = 0.5 + min(_ERRORS * error, _MOST_ABOVE_CHANCE)
    if error > _MOST_ERROR or by_models > most + _TRACE:
        return None
    points = space.of(rows)
    lead, mixed = lead_by_neighbors(points, is_second)
    by_neighbors = told_apart(lead, is_second)
    if by_neighbors > most:
        return None
    by_trees = told_apart(lead_by_trees(points, is_second), is_second)
    if by_trees > most:
        return None
    best = max(by_models, by_neighbors, by_trees)
    return Overlap(first, second, best, mixed, *_changes(judged, first, second))


def _as_many_of_each(judged: JudgedClasses, first: int, second: int) -> Rows:
    """As many samples of one class as of the other, at most 1,000, spread evenly.

    Of unequal numbers a rule that nearly always answers the larger would seem to guess.
    """
    of_each = [np.flatnonzero(judged.labels == label) for label in (first, second)]
    count = min(_MOST_OF_EACH, *map(len, of_each))
    chosen = [np.linspace(0, len(rows) - 1, count).round().astype(np.intp) for rows in of_each]
    return np.concatenate([rows[places] for rows, places in zip(of_each, chosen, strict=True)])


def _lead(judged: JudgedClasses, rows: Rows, first: int, second: int) -> NDArray[np.float64]:
    """How far held-out models prefer the second of two classes, (m,)."""
    evidence = [np.log(_evidence(judged, rows, label) + _LEAST) for label in (first, second)]
    lead: NDArray[np.float64] = evidence[1] - evidence[0]
    return lead


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
    """Those for which the other class has more evidence than their own, the most first."""
    rows = np.flatnonzero(np.isin(judged.labels, (one.first, one.second)))
    lead = _lead(judged, rows, one.first, one.second)
    lead = np.where(judged.labels[rows] == one.first, lead, -lead)
    order = np.argsort(-lead, kind="stable")
    return rows[order[lead[order] > 0]]


def _changes(judged: JudgedClasses, first: int, second: int) -> tuple[int, float, float]:
    """Suspicions that merging would end, and the error before and after."""
    is_between = _is_between(judged, first, second)
    is_wrong = judged.classes[:, 0] != judged.labels
    after = is_wrong & ~is_between
    suspicions = int((is_between & judged.is_suspicious).sum())
    return suspicions, float(is_wrong.mean()), float(after.mean())


def _strength(one: Overlap) -> float:
    """0.5 where they are told apart as well as counts as overlap, 1 where that is guessing."""
    told = (one.told_apart - 0.5) / (_MOST_ABOVE_CHANCE + _TRACE)
    return 1 - 0.5 * float(np.clip(told, 0, 1))


def _sentence(one: Overlap, judged: JudgedClasses) -> Sentence:
    found = sentence(
        "overlap",
        first=judged.class_names[one.first],
        second=judged.class_names[one.second],
        right=float(one.told_apart),
        mixed=float(one.mixed),
    )
    if not one.suspicions and one.error == one.error_merged:
        return found
    return found + sentence(
        "merging",
        ended=one.suspicions,
        suspicions=int(judged.is_suspicious.sum()),
        before=float(one.error),
        after=float(one.error_merged),
    )
