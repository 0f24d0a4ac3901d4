"""Which part of a picture is seen: at random for training, in the middle for everything else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRIES = 10
_AREA_SHARES = (0.08, 1.0)
_ASPECT_RATIOS = (3 / 4, 4 / 3)


class Region(NamedTuple):
    """A rectangle of a picture, in pixels of the upright picture.

    Attributes:
        left: Columns before it.
        top: Rows above it.
        width: Its columns, at least 1.
        height: Its rows, at least 1.
    """

    left: int
    top: int
    width: int
    height: int


def random_resized_region(width: int, height: int, draws: Iterable[Sequence[float]]) -> Region:
    """Turn random numbers into a region: 8 to 100 % of the area, sides 3:4 to 4:3.

    Args:
        width: Pixels of a row of the picture.
        height: Rows of the picture.
        draws: A row for each try, usually ``TRIES`` of them: four numbers, uniform in
            0 <= x < 1, that decide on area, ratio of the sides, column and row. The first try
            that fits counts.

    Returns:
        The region; the largest of an allowed ratio in the middle if no try fits.

    Example:
        >>> random_resized_region(500, 375, [(0.5, 0.5, 0.0, 0.5)])
        Region(left=0, top=29, width=318, height=318)
    """
    smallest, largest = _AREA_SHARES
    log_ratios = [math.log(ratio) for ratio in _ASPECT_RATIOS]
    for for_area, for_ratio, for_column, for_row in draws:
        area = width * height * (smallest + for_area * (largest - smallest))
        ratio = math.exp(log_ratios[0] + for_ratio * (log_ratios[1] - log_ratios[0]))
        region_width, region_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < region_width <= width and 0 < region_height <= height:
            left = int(for_column * (width - region_width + 1))
            top = int(for_row * (height - region_height + 1))
            return Region(left, top, region_width, region_height)
    narrowest, widest = _ASPECT_RATIOS
    region_width = max(1, min(width, round(height * widest)))
    region_height = max(1, min(height, round(width / narrowest)))
    return _in_the_middle(width, height, region_width, region_height)


def center_region(width: int, height: int, share: float) -> Region:
    """Find the square in the middle of a picture.

    Args:
        width: Pixels of a row of the picture.
        height: Rows of the picture.
        share: The side of the square as a share of the shorter side, 0 < share <= 1; 224 / 256
            is usual.

    Returns:
        The region.

    Raises:
        ValueError: If the share is out of range.

    Example:
        >>> center_region(500, 256, 224 / 256)
        Region(left=138, top=16, width=224, height=224)
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected more than 0 and at most 1.")
    side = max(1, round(min(width, height) * share))
    return _in_the_middle(width, height, side, side)


def _in_the_middle(width: int, height: int, region_width: int, region_height: int) -> Region:
    left, top = (width - region_width) // 2, (height - region_height) // 2
    return Region(left, top, region_width, region_height)
