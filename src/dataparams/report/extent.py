"""How much of very many samples a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.report.samples import MOST_ON_MAP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

USUAL_PILE = 2000
MOST_SHOWN, _SMALLEST_PILE = 50_000, 16
MOST_MAPPED = 60_000
_PILES = 3


@dataclass(frozen=True)
class ReportExtent:
    """How much of each class is shown.

    Attributes:
        pile_limit: The most samples of a category on the page of a class.
        without_map: Classes whose map is left out, though they have samples for one.
    """

    pile_limit: int
    without_map: frozenset[int]


def report_extent(
    classes: Mapping[int, NDArray[np.intp]], is_doubtful: NDArray[np.bool_], wanted: int | None
) -> ReportExtent:
    """Choose how much is shown.

    Up to 50,000 samples it is 2,000 of a category on each page, and a map of each class. Of more
    samples as many of each category are shown as make about 50,000 in all, but 16 at least; and
    the classes with the most doubtful samples get maps, until 60,000 samples are on one.

    Args:
        classes: Rows of the samples of each class.
        is_doubtful: Whether a sample is hard or needs review, (n,).
        wanted: The most samples of a category that the user wants; then every class has its map.

    Example:
        >>> rows = {label: np.arange(1300) + 1300 * label for label in range(1000)}
        >>> extent = report_extent(rows, np.zeros(1_300_000, dtype=bool), None)
        >>> extent.pile_limit, len(extent.without_map)
        (16, 954)
    """
    total = sum(map(len, classes.values()))
    if wanted is not None or total <= MOST_SHOWN:
        return ReportExtent(wanted or USUAL_PILE, frozenset())
    limit = max(_SMALLEST_PILE, MOST_SHOWN // (_PILES * len(classes)))
    return ReportExtent(min(USUAL_PILE, limit), _without_map(classes, is_doubtful))


def _without_map(
    classes: Mapping[int, NDArray[np.intp]], is_doubtful: NDArray[np.bool_]
) -> frozenset[int]:
    doubtful = {label: int(is_doubtful[rows].sum()) for label, rows in classes.items()}
    ranked = sorted(classes, key=lambda label: (-doubtful[label], label))
    sizes = [min(len(classes[label]), MOST_ON_MAP) for label in ranked]
    room = int(np.searchsorted(np.cumsum(sizes), MOST_MAPPED, side="right"))
    return frozenset(ranked[max(room, 1) :])
