"""The nearest neighbors of many samples by their features, and what their labels say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.training.approximate_neighbors import approximate_neighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.training.heads import ScaledFeatures

_CELLS_AT_ONCE = 1 << 24
_MOST_COMPARED = 200_000
_MOST_ROWS_COMPARED = 20_000


def nearest_neighbors(features: ScaledFeatures, count: int) -> NDArray[np.int64]:
    """The samples most like each one: by the cosine of their centered features, or by distance.

    Distance counts where samples have norms of their own; see
    :class:`dataparams.training.heads.ScaledFeatures`.

    Of more than 200,000 samples, or 20,000 rows of tables, not all are compared; see
    :func:`dataparams.training.approximate_neighbors.approximate_neighbors`.

    Args:
        features: Of n samples.
        count: How many are wanted.

    Returns:
        (n, min(count, n - 1)), the nearest first; no sample is its own.
    """
    total = len(features)
    if total > (_MOST_COMPARED if features.norm is not None else _MOST_ROWS_COMPARED):
        return approximate_neighbors(features, count)
    whole = features.rows(np.arange(total))
    count = min(count, total - 1)
    # Of two samples at the same angle the one of the smaller norm is not nearer.
    less = None if features.norm is not None else whole.square().sum(dim=1) / 2
    found = np.empty((total, count), dtype=np.int64)
    size = max(1, _CELLS_AT_ONCE // max(total, 1))
    for start in range(0, total, size):
        rows = np.arange(start, min(start + size, total))
        likeness = whole[rows] @ whole.T
        if less is not None:
            likeness -= less
        likeness[torch.arange(len(rows)), torch.from_numpy(rows)] = -torch.inf
        found[rows] = likeness.topk(count, dim=1).indices.numpy()
    return found


def neighbor_votes(
    near: NDArray[np.int64],
    labels: NDArray[np.int64],
    weight: NDArray[np.float32],
    num_classes: int,
) -> Tensor:
    """The share of the votes that each class gets from the neighbors of some samples.

    Args:
        near: Their neighbors, (m, k).
        labels: Of all samples, (n,).
        weight: How much each of them counts, (n,).
        num_classes: C.

    Returns:
        (m, C); rows sum to 1.

    Example:
        >>> neighbor_votes(np.array([[0, 1, 2]]), np.array([0, 1, 1]), np.ones(3, np.float32), 2)
        tensor([[0.3333, 0.6667]])
    """
    votes = torch.zeros(len(near), num_classes)
    counted = torch.from_numpy(weight[near])
    votes.scatter_add_(1, torch.from_numpy(labels[near]), counted)
    return votes / counted.sum(dim=1, keepdim=True).clamp_min_(1e-12)
