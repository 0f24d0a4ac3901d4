"""How alike two small pictures are when one is laid over the other: shifted, cropped, mirrored.

One is moved and stretched over the other until the gray values of the part that they share differ
least, up to brightness and contrast (Lucas and Kanade, "An iterative image registration technique
with an application to stereo vision", 1981), from the best of some places where a crop may lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]
    """Pictures, (m, s, s), and those that are laid over them, (m, s, s)."""

_AT_ONCE = 1024
_STEPS = 4
_BLUR = 1.2
_SMALLEST = 8
_WORTH_A_SECOND_LOOK = 0.45
_BLACK, _WHITE = 2, 252
_LEAST_LIT = 0.3
_LEAST_SHARED = 0.6
"""Of the pictures' area that must be shared: less says little."""
_MOST_STRETCHED = 1.7
_LEAST_DEVIATION = 2.0
"""Gray values within a picture that tells too little to be laid over another."""
_AS_IT_IS = (1.0, 1.0, 0.0, 0.0)
_CROPS = (0.9, 1 / 0.9)
_SHIFTS = (-0.1, -0.05, 0.0, 0.05, 0.1)
_STARTS = [(size, size, x, y) for size in _CROPS for x in _SHIFTS for y in _SHIFTS]


def unlikeness_as_they_are(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], *, mirrored: bool = False
) -> NDArray[np.float32]:
    """How unlike the pictures of some pairs are, neither shifted nor cropped.

    Args:
        thumbnails: (n, s, s), gray values.
        pairs: (m, 2), places among these.
        mirrored: Whether left and right of the one are exchanged.

    Returns:
        (m,), 0 ... 1: 1 minus the squared correlation of their gray values; 1 where one of them has
        no contrast.
    """
    found = np.ones(len(pairs), dtype=np.float32)
    for part, pictures in _parts(thumbnails, pairs, mirrored=mirrored):
        pose = torch.tensor(_AS_IT_IS).repeat(len(pictures[0]), 1)
        found[part] = torch.where(_have_contrast(pictures), _unlikeness(pose, pictures), 1).numpy()
    return found


def unlikeness_laid_over(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], *, mirrored: bool = False
) -> NDArray[np.float32]:
    """How unlike the pictures of some pairs are where they share most of their area.

    Args:
        thumbnails: (n, s, s), gray values.
        pairs: (m, 2), places among these.
        mirrored: Whether left and right of the one are exchanged.

    Returns:
        (m,), 0 ... 1: 1 minus the squared correlation of the gray values that they share. 0 is the
        same picture, or a part of it; 1 for pictures that share less than 60 % of their area, or
        have no contrast.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> picture = np.kron(rng.integers(0, 255, (6, 6)), np.ones((6, 6))).astype(np.uint8)
        >>> both = np.stack([picture[:32, :32], picture[2:34, 2:34] // 2])
        >>> bool(unlikeness_laid_over(both, np.array([[0, 1]]))[0] < 0.02)
        True
    """
    found = np.ones(len(pairs), dtype=np.float32)
    for part, pictures in _parts(thumbnails, pairs, mirrored=mirrored):
        found[part] = torch.where(_have_contrast(pictures), _laid_over(pictures), 1).numpy()
    return found


def rough_pictures(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures blurred to 8 x 8 gray values, of mean 0 and norm 1: the product of two is how alike.

    Args:
        thumbnails: (n, s, s), gray values.

    Returns:
        (n, 8, 8); 0 where a picture has no contrast.
    """
    found = np.empty((len(thumbnails), _SMALLEST, _SMALLEST), dtype=np.float32)
    for start in range(0, len(thumbnails), _AT_ONCE):
        part = torch.from_numpy(thumbnails[start : start + _AT_ONCE]).float()
        small = functional.adaptive_avg_pool2d(_blurred(part), _SMALLEST)
        small -= small.mean(dim=(1, 2), keepdim=True)
        norm = small.flatten(1).norm(dim=1).clamp_min(1e-3)
        found[start : start + len(part)] = (small / norm[:, None, None]).numpy()
    return found


def _parts(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64], *, mirrored: bool
) -> Iterator[tuple[slice, Pair]]:
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        one, other = (torch.from_numpy(thumbnails[pairs[part, side]]).float() for side in (0, 1))
        yield part, (one, other.flip(2) if mirrored else other)


def _have_contrast(pictures: Pair) -> Tensor:
    one, other = (each.flatten(1).std(dim=1) >= _LEAST_DEVIATION for each in pictures)
    return one & other


def _laid_over(pictures: Pair) -> Tensor:
    one, other = pictures
    halves = functional.avg_pool2d(one, 2), functional.avg_pool2d(other, 2)
    pose, lowest = _best_start(halves)
    # From blurred pictures the way is longer, but some of them lead astray.
    blurred, moved = (_blurred(halves[0]), _blurred(halves[1])), pose
    for _ in range(_STEPS):
        moved = _improved(moved, blurred)
    pose, lowest = _better(pose, lowest, moved, halves)
    pose, lowest = _climbed(pose, lowest, halves)
    found = torch.ones(len(one))
    (near,) = torch.where(lowest < _WORTH_A_SECOND_LOOK)
    if not len(near):
        return found
    whole, pose = (one[near], other[near]), pose[near]
    found[near] = _climbed(pose, _unlikeness(pose, whole), whole)[1]
    return found


def _best_start(pictures: Pair) -> Pair:
    """Of the poses of a crop of either picture the best, (m, 4), and its unlikeness, (m,)."""
    pose = torch.tensor(_AS_IT_IS).repeat(len(pictures[0]), 1)
    lowest = _unlikeness(pose, pictures)
    for start in _STARTS:
        pose, lowest = _better(pose, lowest, torch.tensor(start).expand_as(pose), pictures)
    return pose, lowest


def _climbed(pose: Tensor, lowest: Tensor, pictures: Pair) -> Pair:
    """A few steps, of which those are taken that lead to less unlikeness; shorter ones after."""
    length = torch.ones(len(pose), 1)
    for _ in range(_STEPS):
        step = _improved(pose, pictures) - pose
        before = lowest
        pose, lowest = _better(pose, lowest, pose + length * step, pictures)
        length = torch.where((lowest < before).unsqueeze(1), length, length / 3)
    return pose, lowest


def _better(pose: Tensor, lowest: Tensor, moved: Tensor, pictures: Pair) -> Pair:
    """Of two poses the one of less unlikeness, and that."""
    found = _unlikeness(moved, pictures)
    is_better = (found < lowest).unsqueeze(1)
    return torch.where(is_better, moved, pose), torch.minimum(found, lowest)


def _unlikeness(pose: Tensor, pictures: Pair) -> Tensor:
    one, other = pictures
    laid, is_shared = _laid(other.unsqueeze(1), pose)
    laid = laid[:, 0]
    is_lit = is_shared * (one < _WHITE) * (laid < _WHITE) * (one > _BLACK) * (laid > _BLACK)
    # Where one is overexposed, what is left of the other counts alone, if that is enough.
    is_enough = is_lit.mean(dim=(1, 2)) >= _LEAST_LIT
    lit = torch.where(is_enough, _correlation(one, laid, is_lit), 0)
    correlation = torch.maximum(_correlation(one, laid, is_shared), lit).clamp_min(0)
    unlikeness = 1 - correlation.square()
    share = is_shared.mean(dim=(1, 2))
    stretched = pose[:, :2].clamp_min(1e-6)
    is_likely = (share >= _LEAST_SHARED) & (share / stretched.prod(dim=1) <= 1 / _LEAST_SHARED)
    is_likely &= (stretched.log().abs() <= np.log(_MOST_STRETCHED)).all(dim=1)
    return torch.where(is_likely & unlikeness.isfinite(), unlikeness, 1.0)


def _blurred(pictures: Tensor) -> Tensor:
    steps = torch.arange(-3.0, 4.0)
    weights = torch.exp(-((steps / _BLUR) ** 2) / 2)
    weights /= weights.sum()
    padded = functional.pad(pictures.unsqueeze(1), (3, 3, 3, 3), mode="replicate")
    across = functional.conv2d(padded, weights.reshape(1, 1, 1, -1))
    return functional.conv2d(across, weights.reshape(1, 1, -1, 1)).squeeze(1)


def _improved(pose: Tensor, pictures: Pair) -> Tensor:
    """A step of least squares for the pose, with contrast and brightness.

    Args:
        pose: Stretching in x and y, then shift in x and y, of coordinates -1 ... 1, (m, 4).
        pictures: What lies in that pose, and over what.
    """
    one, other = pictures
    side = one.shape[1]
    laid, is_shared = _laid(torch.stack([other, *_slopes(other)], dim=1), pose)
    places = _places(side)
    value, in_x, in_y = laid.unbind(dim=1)
    unknown = [value, torch.ones_like(value), in_x * places, in_y * places.T, in_x, in_y]
    design = torch.stack(unknown, dim=3).flatten(1, 2) * is_shared.flatten(1).unsqueeze(2)
    target = (one * is_shared).flatten(1).unsqueeze(2)
    scale = design.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-6)
    design = design / scale
    normal = design.mT @ design + 1e-3 * side * torch.eye(len(unknown))
    solved = torch.linalg.solve(normal, design.mT @ target).squeeze(2) / scale.squeeze(1)
    contrast = solved[:, :1]
    step = (solved[:, 2:] / contrast.clamp_min(0.1)).clamp(-0.15, 0.15)
    return torch.where(contrast > 0, pose + step, pose)


def _slopes(pictures: Tensor) -> Pair:
    """By how much gray values grow in x and in y, per unit of the coordinates -1 ... 1."""
    side = pictures.shape[1]
    in_y, in_x = torch.gradient(pictures, dim=(1, 2))
    return in_x * side / 2, in_y * side / 2


def _laid(channels: Tensor, pose: Tensor) -> Pair:
    """Pictures (m, c, s, s) as they lie in a pose, and where there is something of them, 0 or 1."""
    places = _places(channels.shape[2])
    x = places * pose[:, 0, None, None] + pose[:, 2, None, None]
    y = places.T * pose[:, 1, None, None] + pose[:, 3, None, None]
    grid = torch.stack([x, y], dim=3)
    laid = functional.grid_sample(channels, grid, padding_mode="border", align_corners=False)
    return laid, ((x.abs() <= 1) & (y.abs() <= 1)).float()


def _places(side: int) -> Tensor:
    """In each row the middles of the columns, in coordinates -1 ... 1, (side, side)."""
    return ((2 * torch.arange(side) + 1) / side - 1).repeat(side, 1)


def _correlation(one: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """Of the gray values of pairs where weights are 1, (m,)."""
    total = weights.sum(dim=(1, 2)).clamp_min(1)
    a, b = (
        (each - ((each * weights).sum(dim=(1, 2)) / total)[:, None, None]) * weights
        for each in (one, other)
    )
    norms = a.square().sum(dim=(1, 2)) * b.square().sum(dim=(1, 2))
    return (a * b).sum(dim=(1, 2)) / norms.sqrt().clamp_min(1e-9)
