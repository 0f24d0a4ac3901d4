"""Which part of an image a network sees: at random in training, the middle in evaluation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dataparams.data.region_decoding import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
_TRIES = 10
_NUMBERS = 2 * _TRIES + 3
_SHARE_SHOWN = 224 / 256
"""Of the shorter side: resized to 256 pixels, 224 of them are cut out."""


def draw(seed: int, epoch: int, index: int) -> NDArray[np.float64]:
    """Draw the random numbers of a sample in an epoch, which depend on nothing else.

    Args:
        seed: 0 or above.
        epoch: 0 or above.
        index: Position of the sample in the data source, 0 or above.

    Returns:
        (23,), each from 0 to below 1.

    Example:
        >>> bool((draw(0, 3, 17) == draw(0, 3, 17)).all())
        True
    """
    # A counter-based generator: each sample has a stretch of its own in the epoch's stream.
    key, counter = np.array([seed, epoch], np.uint64), np.array([0, 0, 0, index], np.uint64)
    numbers: NDArray[np.float64] = np.random.Generator(
        np.random.Philox(key=key, counter=counter)
    ).random(_NUMBERS)
    return numbers


def random_region(width: int, height: int, drawn: NDArray[np.float64]) -> Region:
    """Choose a part of random area, shape and place, as torchvision's RandomResizedCrop does.

    Its area is 8 % to 100 % of the picture's, its width 3/4 to 4/3 of its height; where ten tries
    bring none that fits, it is the largest of those shapes in the middle.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        drawn: Random numbers of ``draw``.

    Returns:
        The part, within the picture, of at least one pixel.

    Example:
        >>> part = random_region(500, 375, draw(0, 0, 0))
        >>> 0.07 < part.width * part.height / (500 * 375) <= 1
        True
    """
    low, high = map(math.log, RATIO)
    area = width * height
    for number in range(_TRIES):
        target = area * (SCALE[0] + (SCALE[1] - SCALE[0]) * drawn[2 * number])
        ratio = math.exp(low + (high - low) * drawn[2 * number + 1])
        w, h = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 0 < w <= width and 0 < h <= height:
            left = int(drawn[-3] * (width - w + 1))
            return Region(left, int(drawn[-2] * (height - h + 1)), w, h)
    w = min(width, max(1, round(height * RATIO[1])))
    h = min(height, max(1, round(width / RATIO[0])))
    return Region((width - w) // 2, (height - h) // 2, w, h)


def is_mirrored(drawn: NDArray[np.float64]) -> bool:
    """Whether the sample is mirrored; half are.

    Args:
        drawn: Random numbers of ``draw``.
    """
    return bool(drawn[-1] < 0.5)


def middle_region(width: int, height: int) -> Region:
    """Choose the square in the middle that evaluation sees: 224/256 of the shorter side.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Returns:
        The square.

    Example:
        >>> middle_region(500, 256)
        Region(left=138, top=16, width=224, height=224)
    """
    side = max(1, round(_SHARE_SHOWN * min(width, height)))
    return Region((width - side) // 2, (height - side) // 2, side, side)
