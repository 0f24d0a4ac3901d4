"""Samples that are far from all classes: whatever their label is, it is not the label's fault.

A wrong label on a typical sample of another class is no outlier: the sample is near that class, and
its neighbors agree which. An outlier is far from the center of every class, and its neighbors do
not agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.training.heads import ScaledFeatures

OUTLIER_ABOVE = 0.5
"""Score above which a sample is flagged."""
_HALF = 1.6
"""Distance times disagreement at a score of one half."""
_LEAST_DISAGREEMENT = 0.3
"""What is very far has neighbors of one class by chance: their agreement says little."""
_NORMAL = 1.4826
_ROWS = 8192


def outlier_scores(
    features: ScaledFeatures, near: NDArray[np.int64], labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float64]:
    """How far each sample is from all classes, 0 ... 1; above ``OUTLIER_ABOVE`` it is an outlier.

    Distance is that to the nearest class center, in robust standard deviations (1.4826 times the
    median absolute deviation) beyond the usual. Disagreement is how much less the neighbors agree
    on a class than usual, at least 0.3. The score is s / (s + c), with s the product of the two,
    and c what flags few among data without outliers. Only labels that the neighbors agree with
    count for a center, so wrong ones hardly move it.

    Args:
        features: Of n samples.
        near: Their neighbors, (n, k), from
            :func:`dataparams.training.neighbors.nearest_neighbors`.
        labels: Given labels, (n,).
        num_classes: C.

    Returns:
        (n,); all 0 where there are no neighbors.

    Example:
        >>> from dataparams.training.heads import ScaledFeatures
        >>> from dataparams.training.neighbors import nearest_neighbors
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(200) % 2
        >>> values = rng.normal(0, 0.1, (200, 8)) + 3 * np.eye(8)[labels]
        >>> values[7] = np.eye(8)[5]
        >>> features = ScaledFeatures(values)
        >>> scores = outlier_scores(features, nearest_neighbors(features, 10), labels, 2)
        >>> int(scores.argmax()), bool(scores[7] > OUTLIER_ABOVE)
        (7, True)
    """
    count = len(labels)
    if near.shape[1] == 0:
        return np.zeros(count)
    share, is_agreed = _agreement(near, labels)
    likeness = _likeness_to_centers(features, labels, is_agreed, num_classes)
    middle = np.median(likeness)
    spread = _NORMAL * np.median(np.abs(likeness - middle))
    distance = np.maximum(middle - likeness, 0) / max(float(spread), 1e-6)
    disagreement = np.maximum(1 - share / np.median(share), _LEAST_DISAGREEMENT)
    product = distance * disagreement
    scores: NDArray[np.float64] = product / (product + _HALF)
    return scores


def _agreement(
    near: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The share of the neighbors that the most frequent class has, and whether it is the label."""
    share, is_agreed = np.empty(len(near)), np.empty(len(near), dtype=bool)
    for part in _parts(len(near)):
        given = labels[near[part]]
        votes = (given[:, :, None] == given[:, None, :]).sum(axis=2)
        share[part] = votes.max(axis=1) / near.shape[1]
        own = (given == labels[part, None]).sum(axis=1)
        is_agreed[part] = own == votes.max(axis=1)
    return share, is_agreed


def _likeness_to_centers(
    features: ScaledFeatures,
    labels: NDArray[np.int64],
    is_agreed: NDArray[np.bool_],
    num_classes: int,
) -> NDArray[np.float64]:
    """The cosine of each sample with the nearest class center, or minus its distance, (n,)."""
    centers, counts = torch.zeros(num_classes, features.width - 1), torch.zeros(num_classes)
    for part in _parts(len(labels)):
        chosen = np.arange(len(labels))[part][is_agreed[part]]
        centers.index_add_(0, torch.from_numpy(labels[chosen]), _directions(features, chosen))
        counts.index_add_(0, torch.from_numpy(labels[chosen]), torch.ones(len(chosen)))
    has_any = counts > 0
    centers = centers[has_any] / counts[has_any].unsqueeze(1)
    likeness = np.empty(len(labels))
    for part in _parts(len(labels)):
        rows = np.arange(len(labels))[part]
        if len(centers):
            likeness[part] = _likeness(features, rows, centers).max(dim=1).values.numpy()
        else:
            likeness[part] = 0.0
    return likeness


def _likeness(features: ScaledFeatures, rows: NDArray[np.int64], centers: Tensor) -> Tensor:
    """The cosine with each center; minus the distance, where samples have lengths of their own."""
    samples = _directions(features, rows)
    if features.norm is None:
        return -torch.cdist(samples, centers)
    return samples @ torch.nn.functional.normalize(centers, eps=1e-12).T


def _directions(features: ScaledFeatures, rows: NDArray[np.int64]) -> Tensor:
    """Features without the one for the bias: of norm 1, where all are of one norm."""
    samples = features.rows(rows)[:, :-1]
    return samples if features.norm is None else torch.nn.functional.normalize(samples, eps=1e-12)


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, count, _ROWS))
