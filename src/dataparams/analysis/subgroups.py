"""The sub-groups of each class: kinds of its hard and need-review samples, and rare kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.categories import rows_by_class
from dataparams.analysis.clusters import from_center, kinds_apart, rare_kinds
from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.subgroup_names import (
    FAR_FROM_ALL,
    NEIGHBORS,
    OWN_KIND,
    RARE_KIND,
    names_told_apart,
    subgroup_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Rows = NDArray[np.intp]
    Describe = Callable[[Rows], NDArray[np.floating]]

_MOST_HARD_IN_RARE = 1 / 3
_COMPARED_MEMBERS = 2
_MOST_ASKED = 8
"""So many members of a sub-group tell what it is near."""


@dataclass(frozen=True, eq=False)
class JudgedLabels:
    """What was made of n labels.

    Attributes:
        index: Number of each sample in the source, (n,).
        labels: Given labels, (n,).
        category: Of each sample, (n,).
        likely: The likely class of each, (n,); the given one where no other is likely.
        class_names: Name of class 0, 1, ...
        is_outlier: Whether a sample is far from all classes, (n,); None where that is not known.
    """

    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    category: NDArray[np.str_]
    likely: NDArray[np.int64]
    class_names: tuple[str, ...]
    is_outlier: NDArray[np.bool_] | None = None


def subgroups_of_samples(
    judged: JudgedLabels, described_by: Describe | FeatureSpace
) -> pl.DataFrame:
    """The sub-group of every sample that has one.

    By features, the outliers of a class are a sub-group, and so are its rare kinds: clusters of all
    its samples that are small and lie apart, of which less than a third is hard. The other hard and
    need-review samples are divided into kinds that lie apart. Easy samples of no rare kind have no
    sub-group.

    Args:
        judged: What was made of n labels.
        described_by: Gives what sub-groups are told apart by, (m, d), for m rows; or the features
            of all samples, which also tell rare kinds and what a sub-group is near.

    Returns:
        n rows: ``subgroup`` (its name, one of a class; null for none), ``subgroup_place`` (0 for
        its most typical sample, the nearest to its center; null for none) and ``nearest_easy``
        (the ``index`` of the easy sample of the same class that is most like it, of a sub-group's
        two most typical samples; null for all others, and where features are not known).
    """
    count = len(judged.labels)
    names = np.full(count, None, dtype=object)
    places = np.full(count, -1, dtype=np.int32)
    compared = np.full(count, -1, dtype=np.int64)
    for members in rows_by_class(judged.labels):
        groups = list(_groups(judged, members, described_by))
        for group, name in zip(groups, names_told_apart([one.name for one in groups]), strict=True):
            names[group.rows] = name
            places[group.rows] = np.arange(len(group.rows))
            shown = group.rows[: len(group.nearest_easy)]
            compared[shown] = judged.index[group.nearest_easy]
    return pl.DataFrame(
        {
            "subgroup": pl.Series(names.tolist(), dtype=pl.String),
            "subgroup_place": pl.Series(places),
            "nearest_easy": pl.Series(compared),
        }
    ).with_columns(
        pl.when(pl.col(name) >= 0).then(name).alias(name)
        for name in ("subgroup_place", "nearest_easy")
    )


@dataclass(frozen=True, eq=False)
class _Group:
    """A sub-group: its rows, the most typical first, and easy ones to compare the first with."""

    name: str
    rows: Rows
    nearest_easy: Rows


def _groups(
    judged: JudgedLabels, members: Rows, described_by: Describe | FeatureSpace
) -> Iterator[_Group]:
    """The sub-groups of a class."""
    if isinstance(described_by, FeatureSpace):
        yield from _groups_by_features(judged, members, described_by)
        return
    rows = members[judged.category[members] != "easy"]
    if not len(rows):
        return
    features = described_by(rows)
    for chosen in _each(kinds_apart(features)):
        name = subgroup_name(*_names(judged, members[0], rows[chosen]))
        yield _Group(name, rows[chosen][_typical_first(features[chosen])], rows[:0])


def _groups_by_features(
    judged: JudgedLabels, members: Rows, space: FeatureSpace
) -> Iterator[_Group]:
    points = space.of(members)
    is_easy = judged.category[members] == "easy"
    for kind, chosen in _divided(judged, members, points):
        chosen = chosen[_typical_first(points[chosen])]
        rows = members[chosen]
        name = FAR_FROM_ALL
        if kind != FAR_FROM_ALL:
            asked = chosen[:: -(-len(chosen) // _MOST_ASKED)]
            near = space.nearest(points[asked], NEIGHBORS, without=rows).ravel()
            given, likely = _names(judged, members[0], rows)
            classes = [judged.class_names[label] for label in judged.labels[near].tolist()]
            name = subgroup_name(given, likely, classes, is_rare=kind == RARE_KIND)
        is_other = is_easy.copy()
        is_other[chosen] = False
        yield _Group(name, rows, _nearest(points, chosen[:_COMPARED_MEMBERS], is_other, members))


def _divided(
    judged: JudgedLabels, members: Rows, points: NDArray[np.float32]
) -> Iterator[tuple[str, Rows]]:
    """What kind each sub-group of a class is, and which of its members belong to it."""
    is_left = np.ones(len(members), dtype=bool)
    if judged.is_outlier is not None and judged.is_outlier[members].any():
        is_left = ~judged.is_outlier[members]
        yield FAR_FROM_ALL, np.flatnonzero(~is_left)
    left = np.flatnonzero(is_left)
    numbers = rare_kinds(points[left])
    for number in range(numbers.max(initial=-1) + 1):
        chosen = left[numbers == number]
        if (judged.category[members[chosen]] == "hard").mean() < _MOST_HARD_IN_RARE:
            is_left[chosen] = False
            yield RARE_KIND, chosen
    uneasy = np.flatnonzero(is_left & (judged.category[members] != "easy"))
    for chosen in _each(kinds_apart(points[uneasy])):
        yield OWN_KIND, uneasy[chosen]


def _each(numbers: NDArray[np.int64]) -> Iterator[Rows]:
    yield from (np.flatnonzero(numbers == number) for number in range(numbers.max(initial=-1) + 1))


def _names(judged: JudgedLabels, of_class: int, rows: Rows) -> tuple[str, list[str]]:
    """The name of the class, and those of the likely classes of some of its samples."""
    likely = [judged.class_names[label] for label in judged.likely[rows].tolist()]
    return judged.class_names[judged.labels[of_class]], likely


def _typical_first(points: NDArray[np.floating]) -> Rows:
    return np.argsort(from_center(points), kind="stable")


def _nearest(
    points: NDArray[np.float32], chosen: Rows, is_wanted: NDArray[np.bool_], members: Rows
) -> Rows:
    """For each chosen member the most similar one of those wanted."""
    wanted = np.flatnonzero(is_wanted)
    if not len(wanted):
        return members[:0]
    nearest: Rows = members[wanted[(points[chosen] @ points[wanted].T).argmax(axis=1)]]
    return nearest
