"""From pairs that are alike to groups: connected components, without chains.

In a chain each sample is like the next one, and the first is not like the last. A group is kept
together only as far as its samples are like the one in its middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Places = NDArray[np.int64]


def groups_of_equal(keys: NDArray[np.generic]) -> list[Places]:
    """Places of values that are the same, in groups of two or more.

    Example:
        >>> groups_of_equal(np.array(["a", "b", "a", "c"]))
        [array([0, 2])]
    """
    _, inverse = np.unique(keys, return_inverse=True)
    return _groups(inverse)


def groups_of_pairs(
    pairs: Places, count: int, are_alike: Callable[[Places], NDArray[np.bool_]]
) -> list[Places]:
    """Groups of samples that are alike.

    The middle of a component is the sample in most of its pairs. All that are like it are a group;
    what is left of the component is divided in the same way.

    Args:
        pairs: Places of samples that are alike, (m, 2).
        count: Number of samples.
        are_alike: Says of pairs, (k, 2), that were not compared yet whether they are alike, (k,).

    Returns:
        Groups of two or more, each ascending, by their first sample.

    Example:
        >>> values = np.array([1.0, 1.4, 1.8, 2.2, 9.0])
        >>> alike = lambda pairs: np.abs(values[pairs[:, 0]] - values[pairs[:, 1]]) < 0.5
        >>> groups_of_pairs(np.array([[0, 1], [1, 2], [2, 3]]), 5, alike)
        [array([0, 1, 2])]
    """
    found: list[Places] = []
    left = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    while len(left):
        is_left = np.ones(count, dtype=bool)
        middles, members = _around_middles(left)
        # What is alike already is not asked about.
        known = _keys(np.sort(left, axis=1), count)
        asked = np.stack([middles, members], axis=1)
        is_known = np.isin(_keys(np.sort(asked, axis=1), count), known)
        is_like = is_known | (middles == members)
        if not is_like.all():
            is_like[~is_like] = are_alike(asked[~is_like])
        for group in _groups(middles[is_like]):
            places = np.sort(members[is_like][group])
            found.append(places)
            is_left[places] = False
        left = left[is_left[left].all(axis=1)]
    return sorted(found, key=lambda group: int(group[0]))


def _around_middles(pairs: Places) -> tuple[Places, Places]:
    """Each sample of each component, beside the one in most of its component's pairs."""
    samples, places = np.unique(pairs, return_inverse=True)
    ends = places.reshape(-1, 2)
    size = len(samples)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    degree = np.bincount(ends.ravel(), minlength=size)
    order = np.lexsort((samples, -degree, component))
    _, first = np.unique(component[order], return_index=True)
    return samples[order[first]][component], samples


def _keys(pairs: Places, count: int) -> Places:
    return pairs[:, 0] * count + pairs[:, 1]


def _groups(labels: NDArray[np.integer]) -> list[Places]:
    """Places of the same label, in groups of two or more."""
    return [places for places in _runs(labels) if len(places) > 1]


def _runs(labels: NDArray[np.integer]) -> Iterator[Places]:
    order = np.argsort(labels, kind="stable").astype(np.int64)
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    yield from np.split(order, starts)
