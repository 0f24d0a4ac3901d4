"""What is far out: by a limit of its own and beside the other samples, both together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NORMAL = 1.4826
"""From the median absolute deviation to the standard deviation of normal values."""


@dataclass(frozen=True)
class Limit:
    """When a value is too high.

    Attributes:
        least: The value from which on it is too high by itself.
        spreads: How many robust standard deviations above the median of all it must be as well.
        least_spread: The least that such a deviation is taken for, where the others hardly differ.
        most: The largest share of all samples that may be above ``least``: if more are, it is the
            rule in these data, and nothing is said.
    """

    least: float
    spreads: float
    least_spread: float
    most: float = 0.2


@dataclass(frozen=True, eq=False)
class FarOut:
    """What is too high.

    Attributes:
        rows: Which samples, the highest first.
        strength: Of each of them, 0.5 at the limit and more above it, below 1.
        share: Of all samples, the share above the limit of its own.
        is_rule: Whether that is the rule in these data, so that none is named.
        middle: The median of all.
    """

    rows: NDArray[np.intp]
    strength: Floats
    share: float
    is_rule: bool
    middle: float


def far_out(values: Floats, limit: Limit) -> FarOut:
    """The samples whose value is too high by itself and beside the others.

    Args:
        values: (n,); NaN where there is none.
        limit: When a value is too high.

    Example:
        >>> values = np.array([1.0, 1.1, 0.9, 1.0, 9.0])
        >>> far_out(values, Limit(5.0, spreads=4, least_spread=0.5)).rows.tolist()
        [4]
        >>> everywhere = far_out(values + 8, Limit(5.0, spreads=4, least_spread=0.5))
        >>> everywhere.rows.tolist(), everywhere.is_rule
        ([], True)
    """
    is_known = ~np.isnan(values)
    known = values[is_known]
    none = np.empty(0, dtype=np.intp)
    if not len(known):
        return FarOut(none, np.empty(0), 0.0, is_rule=False, middle=np.nan)
    is_above = is_known & (values > limit.least)
    middle = float(np.median(known))
    share = float(is_above.sum() / len(known))
    if is_above.sum() > max(1, limit.most * len(known)):
        return FarOut(none, np.empty(0), share, is_rule=True, middle=middle)
    spread = max(_NORMAL * float(np.median(np.abs(known - middle))), limit.least_spread)
    beside = middle + limit.spreads * spread
    rows = np.flatnonzero(is_above & (values > beside))
    rows = rows[np.argsort(-values[rows], kind="stable")]
    edge = max(limit.least, beside)
    excess = (values[rows] - edge) / max(edge - middle, limit.least_spread)
    return FarOut(rows, (0.5 + excess) / (1 + excess), share, is_rule=False, middle=middle)
