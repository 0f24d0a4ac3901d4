"""What figures, report and review share of an axis of temperatures: its numbers, and its labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FEWEST, _MOST = 4, 10
_ROUND: tuple[tuple[float, ...], ...] = ((1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_WIDE: tuple[tuple[float, ...], ...] = ((1.0, 3.0), (1.0,))
_STEPS = (5.0, 2.0, 1.0)
_NARROW = math.log(5)
"""Over less than this, equal steps look equal on a logarithmic axis."""


def round_temperatures(low: float, high: float) -> list[float]:
    """Four to ten round temperatures between two log temperatures, however near or far they are.

    Args:
        low: The lower log temperature.
        high: The higher one.

    Example:
        >>> round_temperatures(-2.0, 1.0)
        [0.2, 0.5, 1.0, 2.0]
        >>> round_temperatures(-0.25, 0.25)
        [0.8, 0.9, 1.0, 1.1, 1.2]
        >>> round_temperatures(-0.025, 0.03)
        [0.98, 0.99, 1.0, 1.01, 1.02, 1.03]
        >>> round_temperatures(math.log(0.05), math.log(20))
        [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
        >>> round_temperatures(-14.0, 3.0)
        [1e-06, 1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]
    """
    for values in _candidates(low, high):
        if _FEWEST <= len(values) <= _MOST:
            return values
    return [float(f"{math.exp(value):.6g}") for value in (low, high)]


def _candidates(low: float, high: float) -> Iterator[list[float]]:
    """Sets of round temperatures, the best first."""
    # A temperature at the end of the axis belongs to it, whatever was lost in rounding.
    low, high = low - 1e-9, high + 1e-9
    for factors in _ROUND:
        yield _powers(low, high, factors)
    if high - low < _NARROW:
        span = math.exp(high) - math.exp(low)
        for exponent in range(math.floor(math.log10(span)), math.floor(math.log10(span)) - 3, -1):
            for step in _STEPS:
                yield _multiples(low, high, step, exponent)
    for factors in _WIDE:
        yield _powers(low, high, factors)
    for stride in (2, 5, 10, 20, 50, 100):
        yield _powers(low, high, (1.0,), stride)


def _powers(low: float, high: float, factors: tuple[float, ...], stride: int = 1) -> list[float]:
    """Powers of ten, every so many, times some factors."""
    first, last = (math.floor(value / math.log(10)) for value in (low, high))
    exponents = (number for number in range(first, last + 1) if number % stride == 0)
    values = [float(f"{factor:g}e{number}") for number in exponents for factor in factors]
    return [value for value in values if value > 0 and low <= math.log(value) <= high]


def _multiples(low: float, high: float, step: float, exponent: int) -> list[float]:
    """Multiples of a step times a power of ten."""
    size = float(f"{step:g}e{exponent}")
    first, last = math.ceil(math.exp(low) / size), math.floor(math.exp(high) / size)
    return [float(f"{number * size:.10g}") for number in range(first, min(last, first + _MOST) + 1)]


def spread(
    places: Sequence[float], distance: float, most: float, least: float = -math.inf
) -> list[float]:
    """Move labels apart, in their order, as little as it takes, and none out of a range.

    Args:
        places: Where the labels would stand.
        distance: How far apart they must stand; less where there is no room for that.
        most: The highest place.
        least: The lowest place.

    Example:
        >>> spread([50.0, 10.0, 55.0], 10.0, most=90.0)
        [47.5, 10.0, 57.5]
        >>> spread([0.0, 1.0, 2.0], 10.0, most=100.0, least=0.0)
        [0.0, 10.0, 20.0]
        >>> spread([0.0, 0.0, 0.0], 10.0, most=10.0, least=0.0)
        [0.0, 5.0, 10.0]
    """
    if len(places) > 1:
        distance = min(distance, (most - least) / (len(places) - 1))
    order = sorted(range(len(places)), key=lambda number: places[number])
    # Pooling adjacent violators: names that are too near each other move together, and their mean
    # stays where it was.
    pools: list[tuple[float, int]] = []
    for rank, number in enumerate(order):
        total, count = places[number] - rank * distance, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    bases = [total / count for total, count in pools for _ in range(count)]
    highest = most - (len(places) - 1) * distance
    moved = [0.0] * len(places)
    for rank, number in enumerate(order):
        moved[number] = min(max(bases[rank], least), highest) + rank * distance
    return moved
