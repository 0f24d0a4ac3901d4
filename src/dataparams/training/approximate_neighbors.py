"""The nearest neighbors of so many samples that not all can be compared with all.

Samples are projected onto the directions in which they differ most and divided into cells, and each
is compared with those of its own cell and of the cells nearest to it (an inverted file; Jegou et
al., "Product quantization for nearest neighbor search", 2011, section IV).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.training.heads import ScaledFeatures

_DIMENSIONS = 128
_DRAWN = 20_000
_PER_CELL = 600
_DRAWN_PER_CELL = 40
_PROBES = 8
_ROWS = 16_384


def approximate_neighbors(
    features: ScaledFeatures, count: int, *, seed: int = 0, probes: int = _PROBES
) -> NDArray[np.int64]:
    """The samples most like each one, nearly always.

    Args:
        features: Of n samples.
        count: How many are wanted, fewer than n.
        seed: What the division into cells depends on.
        probes: In how many cells each sample's neighbors are looked for.

    Returns:
        (n, count), the nearest first; no sample is its own.
    """
    points = _projected(features, np.random.default_rng(seed))
    by_distance = features.norm is None
    centers = _centers(points, seed, by_distance=by_distance)
    cells = _nearest_cells(points, centers, by_distance=by_distance)
    order = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[order], np.arange(len(centers) + 1))
    sorted_points = points[torch.from_numpy(order)]
    del points
    between = _likeness(centers, centers, by_distance=by_distance)
    probed = between.topk(min(probes, len(centers)), dim=1).indices.numpy()
    found = np.empty((len(features), count), dtype=np.int64)
    for cell in range(len(centers)):
        members = slice(starts[cell], starts[cell + 1])
        if starts[cell] < starts[cell + 1]:
            places = _candidates(probed[cell], cell, starts, count)
            near = _nearest(sorted_points, members, places, count, by_distance=by_distance)
            found[order[members]] = order[near]
    return found


def _projected(features: ScaledFeatures, rng: np.random.Generator) -> Tensor:
    """The samples in the directions in which they differ most, (n, at most 128).

    They are of norm 1, unless they have lengths of their own.
    """
    total = len(features)
    drawn = np.sort(rng.choice(total, min(_DRAWN, total), replace=False))
    sample = features.rows(drawn)
    _, directions = torch.linalg.eigh(sample.T @ sample)
    kept = directions[:, -_DIMENSIONS:]
    points = torch.empty(total, kept.shape[1])
    for start in range(0, total, _ROWS):
        rows = np.arange(start, min(start + _ROWS, total))
        points[start : start + len(rows)] = features.rows(rows) @ kept
    if features.norm is None:
        return points
    return torch.nn.functional.normalize(points, dim=1, out=points)


def _likeness(points: Tensor, others: Tensor, *, by_distance: bool) -> Tensor:
    """How near others are to each point, (points, others): by the cosine, or by distance.

    |p - q|^2 = |p|^2 - 2 (p q - |q|^2 / 2): the first part is the same for all others.
    """
    likeness = points @ others.T
    return likeness - others.square().sum(dim=1) / 2 if by_distance else likeness


def _centers(points: Tensor, seed: int, *, by_distance: bool) -> Tensor:
    from sklearn.cluster import MiniBatchKMeans

    cells = max(1, len(points) // _PER_CELL)
    drawn = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))
    sample = points[drawn[: cells * _DRAWN_PER_CELL]].numpy()
    model = MiniBatchKMeans(cells, batch_size=4096, n_init=1, max_iter=5, random_state=seed)
    centers = torch.from_numpy(model.fit(sample).cluster_centers_.astype(np.float32))
    return centers if by_distance else torch.nn.functional.normalize(centers, dim=1)


def _nearest_cells(points: Tensor, centers: Tensor, *, by_distance: bool) -> NDArray[np.int64]:
    cells = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), _ROWS):
        part = points[start : start + _ROWS]
        likeness = _likeness(part, centers, by_distance=by_distance)
        cells[start : start + len(part)] = likeness.argmax(dim=1).numpy()
    return cells


def _candidates(
    probed: NDArray[np.int64], cell: int, starts: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Places of the samples of some cells, and of further ones where these have too few."""
    chosen = [np.arange(starts[one], starts[one + 1]) for one in {cell, *probed.tolist()}]
    places = np.concatenate(chosen)
    if len(places) <= count:
        everything = np.arange(starts[-1])
        places = np.union1d(places, everything[: count + 1 + len(places)])
    return places


def _nearest(
    points: Tensor, members: slice, places: NDArray[np.int64], count: int, *, by_distance: bool
) -> NDArray[np.int64]:
    """The places of the nearest candidates of the members of a cell."""
    candidates = points[torch.from_numpy(places)]
    likeness = _likeness(points[members], candidates, by_distance=by_distance)
    own = torch.arange(members.start, members.stop).unsqueeze(1)
    likeness[own == torch.from_numpy(places)] = -torch.inf
    return np.asarray(places[likeness.topk(count, dim=1).indices.numpy()])
