"""Which part of an image a network sees: at random in training, the middle in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataparams.contents.regions import TRIES, Region, center_region, random_resized_region

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIDDLE_SHARE = 224 / 256
"""The part of the shorter side that is usual."""
_NUMBERS = 4 * TRIES + 1


def draw(seed: int, epoch: int, index: int) -> NDArray[np.float64]:
    """Draw random numbers that depend on seed, epoch and sample alone.

    Args:
        seed: 0 or above.
        epoch: 0 or above.
        index: Position of the sample in the data source, 0 or above.

    Returns:
        (41,), each from 0 to below 1.

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

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        drawn: Random numbers of ``draw``.

    Returns:
        The part; see ``random_resized_region``.

    Example:
        >>> part = random_region(500, 375, draw(0, 0, 0))
        >>> 0.07 < part.width * part.height / (500 * 375) <= 1
        True
    """
    return random_resized_region(width, height, drawn[:-1].reshape(TRIES, 4).tolist())


def is_mirrored(drawn: NDArray[np.float64]) -> bool:
    """Whether the sample is mirrored; half are.

    Args:
        drawn: Random numbers of ``draw``.
    """
    return bool(drawn[-1] < 0.5)


def middle_region(width: int, height: int, share: float = MIDDLE_SHARE) -> Region:
    """Choose the square in the middle that evaluation sees.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        share: Its side as a part of the shorter side.

    Example:
        >>> middle_region(500, 256)
        Region(left=138, top=16, width=224, height=224)
    """
    return center_region(width, height, share)
