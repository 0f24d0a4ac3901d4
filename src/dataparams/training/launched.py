"""The place of this process among those that a launcher such as ``torchrun`` started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class LaunchedPlace:
    """Where a process stands among the others; the first of one by default.

    Attributes:
        process_index: Number of this process on all machines, 0 ... ``num_processes`` - 1.
        num_processes: Number of processes on all machines.
        local_index: Number of this process on its machine, from 0.
    """

    process_index: int = 0
    num_processes: int = 1
    local_index: int = 0

    @property
    def is_main_process(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.process_index == 0

    @property
    def is_local_main_process(self) -> bool:
        """Whether this is the first process of its machine."""
        return self.local_index == 0


def launched_place(environment: Mapping[str, str] | None = None) -> LaunchedPlace:
    """The place that a launcher wrote into the environment.

    Args:
        environment: Variables of the environment; None takes this process's own.

    Returns:
        The place; that of a process alone, unless a launcher set all that it sets.

    Example:
        >>> launched_place({"WORLD_SIZE": "8"})
        LaunchedPlace(process_index=0, num_processes=1, local_index=0)
        >>> there = {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
        >>> launched_place({**there, "WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1"})
        LaunchedPlace(process_index=5, num_processes=8, local_index=1)
    """
    variables = os.environ if environment is None else environment
    if not all(name in variables for name in _NEEDED):
        return LaunchedPlace()
    rank, count, local_rank = (int(variables[name]) for name in _NEEDED[:3])
    return LaunchedPlace(rank, count, local_rank)
