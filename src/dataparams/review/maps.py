"""The map of a class: where its samples lie by how their temperatures moved."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.errors import RunError
from dataparams.review.own_process import OwnProcess
from dataparams.review.preparing import npy_of
from dataparams.review.samples import MOST_AT_ONCE
from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]

MOST_ON_MAP = 3000
"""Samples of a class that a map shows at most."""
_MOST_SUSPICIOUS = 2000


@dataclass(frozen=True, eq=False)
class ClassMap:
    """Some samples of a class on a plane.

    Attributes:
        ranks: Which, (m,).
        positions: Where, (m, 2).
        total: How many samples the class has.
    """

    ranks: Ranks
    positions: NDArray[np.float64]
    total: int


class ClassMaps:
    """Computes maps one at a time in a thread, and keeps them on the disk.

    Args:
        samples: All samples.
        folder: Where maps are kept; they must be of the same analysis.
    """

    def __init__(self, samples: ReviewSamples, folder: Path) -> None:
        self._samples = samples
        self._folder = folder
        self._running: dict[int, asyncio.Task[ClassMap]] = {}
        # Drawing takes memory that is short where there are many samples.
        self._process = OwnProcess("the map") if len(samples) > MOST_AT_ONCE else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="maps")

    async def get(self, label: int) -> ClassMap:
        """The map of a class; requests that come meanwhile wait for the same computation."""
        task = self._running.get(label)
        if task is None:
            task = asyncio.create_task(self._compute(label))
            self._running[label] = task
            task.add_done_callback(lambda _: self._running.pop(label, None))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Compute no further maps."""
        if self._process is not None:
            self._process.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _compute(self, label: int) -> ClassMap:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._map, label)

    def _map(self, label: int) -> ClassMap:
        members = self._samples.members(label)
        trajectories = self._samples.trajectories(members)
        usable = np.isfinite(trajectories).all(axis=1)
        shown = _choice(members[usable], self._samples)
        file = self._folder / f"map_{label}.npy"
        positions = _read(file, len(shown))
        if positions is None:
            values = self._samples.trajectories(shown)
            own = self._process
            positions = positions_of(values) if own is None else own.run(positions_of, values)
            with suppress(RunError):  # without room on the disk it is computed again next time
                write_whole(file, npy_of(positions))
        return ClassMap(shown, positions, len(members))


def positions_of(trajectories: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where samples lie on a map, (m, 2), by their log temperatures, (m, epochs)."""
    # What draws figures takes seconds and memory to import, and many ask for no map.
    from dataparams.figures import embed

    return embed(trajectories.T)


def _choice(members: Ranks, samples: ReviewSamples) -> Ranks:
    """All, or of a large class the most suspicious and an even choice of the others."""
    if len(members) <= MOST_ON_MAP:
        return members
    suspicious = int((~samples.is_easy(members)).sum())
    first = min(suspicious, _MOST_SUSPICIOUS)
    rest = np.linspace(first, len(members) - 1, MOST_ON_MAP - first).round().astype(np.intp)
    chosen: Ranks = members[np.concatenate([np.arange(first), rest])]
    return chosen


def _read(file: Path, count: int) -> NDArray[np.float64] | None:
    try:
        positions = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    is_usable = positions.shape == (count, 2) and positions.dtype == np.float64
    return positions if is_usable else None
