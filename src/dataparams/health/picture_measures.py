"""What can be measured of a picture's pixels: brightness, sharpness, information, size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    Gray = NDArray[np.uint8]

_SHADES = np.arange(256)
LONGEST_SIDE = 256
"""Pixels of the longer side at which a picture is measured; a smaller one keeps its size."""
_MOST_AVERAGED = 2 * LONGEST_SIDE
_WINDOW = 8
"""Pixels side by side in which an edge is looked for."""
_LEAST_SHARE = 0.15
"""Of the picture's own contrast, what an edge must have: less is texture and noise."""
_LEAST_EDGE = 6
_FEWEST_EDGES = 12
_STEEPEST = 0.9
"""Quantile: a sharp object before a blurred background is a sharp picture."""


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
    image = _reduced(pixels)
    counts = np.array(image.histogram())
    below = np.cumsum(counts)
    darkest, lightest, high = (_percentile(below, share) for share in (1, 98, 99))
    gray = np.asarray(image)
    lines = np.ascontiguousarray(gray[:, ::2]), np.ascontiguousarray(gray[::2].T)
    steps = [_steps(each) for each in lines]
    stored_width, stored_height = size or (width, height)
    return PictureMeasures(
        width=stored_width,
        height=stored_height,
        brightness=float(counts @ _SHADES / below[-1]),
        darkest=darkest,
        lightest=lightest,
        contrast=high - darkest,
        entropy=_entropy(counts),
        sharpness=_sharpness(lines, steps, high - darkest),
        roughness=_roughness(counts, steps),
    )


def gray_pixels(pixels: NDArray[np.uint8]) -> Gray:
    """A picture's gray values, which thumbnail and measures are both made of.

    Args:
        pixels: (height, width, 3) or (height, width), uint8; at least one pixel.

    Returns:
        (height, width).

    Example:
        >>> gray_pixels(np.full((2, 3, 3), 51, np.uint8)).tolist()
        [[51, 51, 51], [51, 51, 51]]
    """
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))


def _reduced(pixels: NDArray[np.uint8]) -> Image.Image:
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
    return image


def _percentile(below: NDArray[np.int64], share: float) -> float:
    """The lowest gray value that this share of the pixels, in percent, is not above."""
    return float(np.searchsorted(below, share / 100 * below[-1]))


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return max(0.0, -float(shares @ np.log2(shares)))


def _steps(lines: Gray) -> Gray:
    """How much each pixel differs from the one below; 0 in the last row, so that rows stay."""
    steps = np.zeros_like(lines)
    above, below = lines[:-1], lines[1:]
    # Twice as fast as the difference of wider numbers.
    np.subtract(np.maximum(above, below), np.minimum(above, below), out=steps[:-1])
    return steps


def _roughness(counts: NDArray[np.int64], steps: Sequence[Gray]) -> float:
    total = counts.sum()
    mean = counts @ _SHADES / total
    deviation = math.sqrt(counts @ (_SHADES - mean) ** 2 / total)
    pairs = sum(each[1:].size for each in steps)
    if deviation == 0 or not pairs:
        return 0.0
    # Two independent normal values differ by 2 / sqrt(pi) standard deviations on the average.
    mean_step = sum(int(each.sum(dtype=np.uint32)) for each in steps) / pairs
    return float(mean_step / (2 / math.sqrt(math.pi) * deviation))


def _sharpness(lines: Sequence[Gray], steps: Sequence[Gray], contrast: float) -> float:
    """The steepness that a tenth of the edges exceeds."""
    least = max(_LEAST_EDGE, _LEAST_SHARE * contrast)
    both = zip(lines, steps, strict=True)
    steepness = np.concatenate([_steepness(*each, least) for each in both])
    if len(steepness) < _FEWEST_EDGES:
        return math.nan
    place = int(_STEEPEST * (len(steepness) - 1))
    return float(np.partition(steepness, place)[place])


def _steepness(lines: Gray, steps: Gray, least: float) -> NDArray[np.float32]:
    """Of each window of eight pixels with an edge, the share of the edge in one step."""
    windows = len(lines) // _WINDOW
    if not windows:
        return np.empty(0, dtype=np.float32)
    values, within = (
        each[: windows * _WINDOW].reshape(windows, _WINDOW, lines.shape[1])
        for each in (lines, steps)
    )
    edge = values.max(axis=1) - values.min(axis=1)
    # The last step of a window leads out of it.
    steepest = within[:, :-1].max(axis=1)
    is_edge = edge >= least
    steepness: NDArray[np.float32] = np.divide(steepest[is_edge], edge[is_edge], dtype=np.float32)
    return steepness
