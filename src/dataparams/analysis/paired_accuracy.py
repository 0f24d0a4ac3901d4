"""The accuracies of two models on the same samples, with what chance makes of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES = 20_000
_SEED = 0
_LEVEL = 0.95


@dataclass(frozen=True)
class PairedAccuracy:
    """Two models on the same samples.

    Attributes:
        samples: How many.
        before: Accuracy of the first, 0 ... 1.
        after: Accuracy of the second.
        gained: Samples that the second alone is right about.
        lost: Samples that the first alone is right about.
        low: Lower end of the 95 % interval of ``after - before``.
        high: Upper end.
        chance: Probability of a difference as large in either direction if both were as good.
    """

    samples: int
    before: float
    after: float
    gained: int
    lost: int
    low: float
    high: float
    chance: float

    @property
    def difference(self) -> float:
        """How much more accurate the second is, -1 ... 1."""
        return self.after - self.before

    @property
    def is_within_noise(self) -> bool:
        """Whether chance alone makes such a difference once in twenty times, or more often."""
        return self.chance >= 1 - _LEVEL or self.low <= 0 <= self.high


def paired_accuracy(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> PairedAccuracy:
    """Compare two models that were asked about the same samples.

    The probability is of McNemar's exact test (McNemar, "Note on the sampling error of the
    difference between correlated proportions or percentages", 1947), which looks at the samples
    that one alone is right about. The interval is a bootstrap over the samples, drawn in pairs
    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993), by percentiles of 20,000
    draws.

    Args:
        before: Whether the first is right about each sample, (n,), one or more.
        after: The same of the second.

    Example:
        >>> right = np.arange(200) < 150
        >>> found = paired_accuracy(right, np.roll(right, 2) | right)
        >>> found.before, found.after, found.gained, found.lost
        (0.75, 0.76, 2, 0)
        >>> found.is_within_noise, round(found.chance, 2)
        (True, 0.5)
    """
    count = len(before)
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    low, high = _interval(gained, lost, count)
    differing = gained + lost
    chance = float(binomtest(gained, differing).pvalue) if differing else 1.0
    return PairedAccuracy(
        samples=count,
        before=float(before.mean()),
        after=float(after.mean()),
        gained=gained,
        lost=lost,
        low=low,
        high=high,
        chance=chance,
    )


def _interval(gained: int, lost: int, count: int) -> tuple[float, float]:
    """The middle 95 % of the differences in samples drawn with replacement."""
    shares = np.array([gained, lost, count - gained - lost]) / count
    drawn = np.random.default_rng(_SEED).multinomial(count, shares, size=_RESAMPLES)
    differences = (drawn[:, 0] - drawn[:, 1]) / count
    low, high = np.quantile(differences, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
