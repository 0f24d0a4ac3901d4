"""What can be measured of a picture's pixels: brightness, sharpness, information, size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_SIDE = 256
"""Pixels of the longer side at which a picture is measured; a smaller one keeps its size."""
_MOST_AVERAGED = 4 * LONGEST_SIDE
_WINDOW = 8
"""Pixels side by side in which an edge is looked for."""
_LEAST_EDGE = 0.15
"""Of the picture's own contrast: less is texture and noise, which blur does not tell from."""
_LEAST_STEP = 6
_FEWEST_EDGES = 12
_STEEPEST = 90
"""Percentile: a sharp object before a blurred background is a sharp picture."""


class PictureMeasures(NamedTuple):
    """What was measured of a picture; gray values are 0 (black) ... 255 (white).

    Attributes:
        width: Pixels of the picture as it is stored.
        height: Likewise.
        brightness: The mean gray value.
        darkest: The gray value that 1 % of the pixels are below.
        lightest: The gray value that 98 % of the pixels are below.
        contrast: Between the gray values that 1 % and 99 % of the pixels are below.
        entropy: Of the gray values, in bits a pixel, 0 ... 8.
        sharpness: How steep its steepest edges are, 0 ... 1: the share of the whole step that lies
            between two neighboring pixels; NaN where it has no edges. About one over the width of
            an edge in pixels.
        roughness: How much neighboring pixels differ beside how much any two do: near 0 for a
            smooth picture, 1 for noise; 0 for a constant one.
    """

    width: int
    height: int
    brightness: float
    darkest: float
    lightest: float
    contrast: float
    entropy: float
    sharpness: float
    roughness: float


def picture_measures(
    pixels: NDArray[np.uint8], size: tuple[int, int] | None = None
) -> PictureMeasures:
    """Measure a decoded picture, in gray and at 256 pixels of its longer side.

    Args:
        pixels: (height, width, 3) or (height, width), uint8; at least one pixel.
        size: Width and height as it is stored, where it was decoded at a fraction of that; None
            for those of ``pixels``.

    Example:
        >>> dark = np.full((40, 60, 3), 10, np.uint8)
        >>> found = picture_measures(dark)
        >>> found.width, found.height, found.brightness, found.contrast, found.entropy
        (60, 40, 10.0, 0.0, 0.0)
        >>> stripes = np.tile(np.repeat([0, 255], 10).astype(np.uint8), (40, 3))
        >>> picture_measures(stripes).sharpness
        1.0
    """
    height, width = pixels.shape[:2]
    gray = _reduced(pixels)
    counts = np.bincount(gray.ravel(), minlength=256)
    below = np.cumsum(counts)
    darkest, lightest, high = (_percentile(below, share) for share in (1, 98, 99))
    across, down = _differences(gray), _differences(gray.T)
    stored_width, stored_height = size or (width, height)
    return PictureMeasures(
        width=stored_width,
        height=stored_height,
        brightness=float(counts @ np.arange(256) / gray.size),
        darkest=darkest,
        lightest=lightest,
        contrast=high - darkest,
        entropy=_entropy(counts),
        sharpness=_sharpness(gray, across, down, high - darkest),
        roughness=_roughness(counts, across, down),
    )


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in gray, its longer side at most 256 pixels."""
    from PIL import Image

    # Of very many pixels most are left out before the others are averaged: that costs little, and
    # an edge is as steep among fewer.
    every = max(1, max(pixels.shape[:2]) // _MOST_AVERAGED)
    image = Image.fromarray(np.ascontiguousarray(pixels[::every, ::every])).convert("L")
    longest = max(image.size)
    if longest > LONGEST_SIDE:
        scale = LONGEST_SIDE / longest
        size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _percentile(below: NDArray[np.int64], share: float) -> float:
    """The lowest gray value that this share of the pixels, in percent, is not above."""
    return float(np.searchsorted(below, share / 100 * below[-1]))


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return max(0.0, -float(shares @ np.log2(shares)))


def _differences(gray: NDArray[np.uint8]) -> NDArray[np.int16]:
    """How much each pixel of every second row differs from the next in its row."""
    rows = gray[::2].astype(np.int16)
    return np.abs(np.diff(rows, axis=1))


def _roughness(
    counts: NDArray[np.int64], across: NDArray[np.int16], down: NDArray[np.int16]
) -> float:
    values = np.arange(256)
    total = counts.sum()
    mean = counts @ values / total
    deviation = math.sqrt(counts @ (values - mean) ** 2 / total)
    pairs = across.size + down.size
    if deviation == 0 or not pairs:
        return 0.0
    # Two independent normal values differ by 2 / sqrt(pi) standard deviations on the average.
    mean_difference = (across.sum(dtype=np.int64) + down.sum(dtype=np.int64)) / pairs
    return float(mean_difference / (2 / math.sqrt(math.pi) * deviation))


def _sharpness(
    gray: NDArray[np.uint8],
    across: NDArray[np.int16],
    down: NDArray[np.int16],
    contrast: float,
) -> float:
    """The steepness that a tenth of the edges exceeds."""
    least = max(_LEAST_STEP, _LEAST_EDGE * contrast)
    found = [_steepness(gray, across, least), _steepness(gray.T, down, least)]
    steepness = np.concatenate(found)
    if len(steepness) < _FEWEST_EDGES:
        return math.nan
    return float(np.percentile(steepness, _STEEPEST))


def _steepness(
    gray: NDArray[np.uint8], differences: NDArray[np.int16], least: float
) -> NDArray[np.float64]:
    """Of each window of eight pixels with an edge, the share of the step in one pixel."""
    windows = gray.shape[1] // _WINDOW
    if not windows:
        return np.empty(0)
    used = windows * _WINDOW
    values = gray[::2, :used].reshape(-1, windows, _WINDOW)
    step = values.max(axis=2).astype(np.int16) - values.min(axis=2)
    # The difference that leads into the next window is of no step that was seen.
    inside = differences[:, : used - 1]
    padded = np.zeros((len(inside), used), dtype=np.int16)
    padded[:, : used - 1] = inside
    padded = padded.reshape(-1, windows, _WINDOW)[:, :, : _WINDOW - 1]
    steepest = padded.max(axis=2)
    is_edge = step >= least
    steepness: NDArray[np.float64] = steepest[is_edge] / step[is_edge]
    return steepness
