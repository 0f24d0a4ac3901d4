"""How many of the labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NoiseEstimate:
    """The estimated share of wrong labels.

    Attributes:
        rate: The estimate, 0 ... 1.
        low: Where the 90 % interval around it begins.
        high: Where that ends.
    """

    rate: float
    low: float
    high: float
