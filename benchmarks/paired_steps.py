"""Two ways to take a step, taken in turns."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WARMING_UP = 3


def paired(
    step: Callable[[bool], None],
    pairs: int,
    *,
    clock: Callable[[], float],
    synchronize: Callable[[], None],
) -> tuple[float, float, float]:
    """Median seconds without and with, and the median of the pairs' ratios; order alternates.

    Args:
        step: Takes a step without (False) or with (True) what is measured.
        pairs: How many count, after three that do not.
        clock: Seconds.
        synchronize: Waits for the device.
    """
    times: dict[bool, list[float]] = {False: [], True: []}
    for pair in range(pairs + _WARMING_UP):
        for on in (False, True) if pair % 2 else (True, False):
            synchronize()
            started = clock()
            step(on)
            synchronize()
            if pair >= _WARMING_UP:
                times[on].append(clock() - started)
    ratios = [on / off for off, on in zip(times[False], times[True], strict=True)]
    return (
        statistics.median(times[False]),
        statistics.median(times[True]),
        statistics.median(ratios),
    )
