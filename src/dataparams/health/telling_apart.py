"""Whether features tell two labels apart: held-out answers of neighbors and of trees.

What an audit's held-out models say cannot decide that: they are trained to tell all classes apart
at once and may never have learned two rare ones; and in later rounds they have seen, by way of
other samples, a trace of the label that they are asked for. These two see two labels and nothing
else, and no sample's own label (a classifier two-sample test: Lopez-Paz, Oquab, ICLR 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Truths = NDArray[np.bool_]
    Points = NDArray[np.floating]

_NEIGHBORS = 10
_FOLDS = 5
_TREES = 50
_LEAST_IN_LEAF = 3


def told_apart(lead: Points, is_second: Truths) -> float:
    """How often the right one of two labels is answered, in the mean of the two; 0.5 is guessing.

    The second label is answered as many times as it was given, where it leads most. So it does not
    matter which of the two is preferred where nothing tells, and among equal leads chance decides.

    Args:
        lead: How far the second label leads, (n,).
        is_second: Whether a sample has it, (n,).

    Example:
        >>> told_apart(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
        1.0
    """
    by_chance = np.random.default_rng(0).permutation(len(lead))
    answered = np.zeros(len(lead), dtype=bool)
    answered[np.lexsort((by_chance, -lead))[: int(is_second.sum())]] = True
    return float((answered[is_second].mean() + (~answered[~is_second]).mean()) / 2)


def by_chance_within(is_second: Truths) -> float:
    """The standard error of :func:`told_apart` where nothing tells the labels apart."""
    sizes = np.array([is_second.sum(), (~is_second).sum()])
    return float(np.sqrt((0.25 / sizes).sum()) / 2)


def lead_by_neighbors(points: Points, is_second: Truths) -> tuple[Points, float]:
    """What the ten nearest of a sample say, and how mixed the labels are among them.

    Args:
        points: Of length 1, (n, d).
        is_second: Whether a sample has the second label, (n,).

    Returns:
        How far the second label leads, (n,), and the share of neighbors of the other label beside
        what it were if the two were mixed at random.
    """
    likeness = points @ points.T
    np.fill_diagonal(likeness, -np.inf)
    count = min(_NEIGHBORS, len(points) - 1)
    near = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    weights = 1 + np.take_along_axis(likeness, near, axis=1)
    lead: Points = (np.where(is_second[near], 1.0, -1.0) * weights).sum(axis=1)
    share = float(is_second.mean())
    mixed = float((is_second[near] != is_second[:, None]).mean()) / (2 * share * (1 - share))
    return lead, mixed


def lead_by_trees(points: Points, is_second: Truths) -> Points:
    """How far the second label leads by trees that did not see a sample, in five folds, (n,).

    Args:
        points: (n, d).
        is_second: Whether a sample has the second label, (n,); five or more of each.
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold

    lead = np.zeros(len(points))
    for known, asked in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(
        points, is_second
    ):
        trees = ExtraTreesClassifier(
            _TREES, min_samples_leaf=_LEAST_IN_LEAF, class_weight="balanced", random_state=0
        ).fit(points[known], is_second[known])
        lead[asked] = trees.predict_proba(points[asked])[:, 1]
    return lead
