"""How far annotators agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from dataparams.decisions import kappa_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

_FIRST_VOTE = 2


@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree on what both decided about.

    Attributes:
        first: One's name.
        second: The other's.
        common: How many samples both decided about; those that either skipped do not count.
        agreed: On how many they want the same.
        kappa: Cohen's kappa, -1 ... 1; None where it is not defined, since both always want
            the same one thing or there is nothing in common.
    """

    first: str
    second: str
    common: int
    agreed: int
    kappa: float | None


def agreements(codes: Mapping[str, NDArray[np.int16] | NDArray[np.int32]]) -> list[Agreement]:
    """Every pair of annotators who decided about samples in common, by name.

    Args:
        codes: What each annotator wants of every sample; 0 and 1 do not count.

    Example:
        >>> import numpy as np
        >>> agreements({"ann": np.array([3, 4, 0, 2]), "bob": np.array([3, 3, 3, 2])})
        [Agreement(first='ann', second='bob', common=3, agreed=2, kappa=0.5)]
    """
    found = []
    for first, second in combinations(sorted(codes), 2):
        one, other = codes[first], codes[second]
        common = (one >= _FIRST_VOTE) & (other >= _FIRST_VOTE)
        if common.any():
            one, other = one[common], other[common]
            agreed = int((one == other).sum())
            kappa = kappa_of(one, other)
            rounded = None if kappa is None else round(kappa, 3)
            found.append(Agreement(first, second, len(one), agreed, rounded))
    return found
