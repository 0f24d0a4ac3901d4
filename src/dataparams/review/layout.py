"""Where samples lie on a plane by what the model sees in them: like beside like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.figures.embedding import neighbor_embedding

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Points = NDArray[np.float16] | NDArray[np.float32]
    Places = NDArray[np.float32]

MOST_LAID_OUT = 10_000
"""Samples that t-SNE lays out at most; the others are put beside those that they are most like."""
_NEAREST = 5
_AT_ONCE = 2_048
_SHARE_LAID_OUT = 0.4
_LARGEST = np.iinfo(np.uint16).max


def layout(
    points: Points,
    *,
    seed: int = 0,
    most: int = MOST_LAID_OUT,
    on_progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.uint16]:
    """A map of samples on which those that the model sees as alike lie near each other.

    t-SNE (van der Maaten, Hinton, JMLR 2008), begun at the first two principal components, which
    keeps far groups where they belong (Kobak, Berens, Nature Communications 2019). Of more than
    ``most`` samples so many are laid out, spread evenly over the data, and each of the others is
    put among the five of them that it is most like, the nearer the more alike.

    Args:
        points: Features as points of length 1, (n, d).
        seed: Seed of the layout.
        most: Samples that t-SNE lays out at most.
        on_progress: Told the share of the work that is done, 0 ... 1.

    Returns:
        Positions, (n, 2), of which the longer side goes from 0 to 65,535.

    Example:
        >>> points = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
        >>> places = layout(points)
        >>> places.shape, places.dtype.name, bool((places[0] == places[1]).all())
        ((4, 2), 'uint16', True)
    """
    laid_out = np.unique(np.linspace(0, len(points) - 1, min(len(points), most)).astype(np.intp))
    some = points[laid_out].astype(np.float32)
    share = 1.0 if len(laid_out) == len(points) else _SHARE_LAID_OUT
    found = neighbor_embedding(some, _principal(some), seed, lambda done: on_progress(share * done))
    places = found.astype(np.float32)
    if len(laid_out) < len(points):
        places = _placed(points, some, places, lambda done: on_progress(share + (1 - share) * done))
    on_progress(1.0)
    return _whole_numbers(places)


def _placed(
    points: Points,
    some: NDArray[np.float32],
    places: Places,
    on_progress: Callable[[float], None],
) -> Places:
    """Each sample among those that it is most like of some that have their places, (n, 2)."""
    compared, known = torch.from_numpy(some).T.contiguous(), torch.from_numpy(places)
    placed = np.empty((len(points), 2), dtype=np.float32)
    for start in range(0, len(points), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        cosines = torch.from_numpy(points[rows].astype(np.float32)) @ compared
        likeness, nearest = cosines.topk(min(_NEAREST, len(some)), dim=1)
        # Of points of length 1 the squared distance is 2 - 2 cos.
        weights = 1 / (2 - 2 * likeness).clamp(min=1e-6)
        weights /= weights.sum(dim=1, keepdim=True)
        placed[rows] = (known[nearest] * weights[..., None]).sum(dim=1).numpy()
        on_progress(min(start + _AT_ONCE, len(points)) / len(points))
    return placed


def _principal(points: NDArray[np.float32]) -> Places:
    """The first two principal components, (m, 2); zeros where there are fewer."""
    centered = points - points.mean(axis=0)
    left, scale, _ = np.linalg.svd(centered, full_matrices=False)
    principal = np.zeros((len(points), 2), dtype=np.float32)
    known = min(2, len(scale))
    principal[:, :known] = left[:, :known] * scale[:known]
    return principal


def _whole_numbers(places: Places) -> NDArray[np.uint16]:
    low = places.min(axis=0)
    extent = max(float(np.ptp(places, axis=0).max()), 1e-30)
    scaled: NDArray[np.uint16] = ((places - low) / extent * _LARGEST).round().astype(np.uint16)
    return scaled
