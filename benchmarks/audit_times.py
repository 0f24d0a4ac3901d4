"""How long ``dataparams audit`` takes from the command to the report, and a second time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from results import mean_and_spread, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROUNDS = 3
STAGES = (
    ("source read, features made", "samples.parquet"),
    ("heads, trees, neighbors, planted errors", "planted.parquet"),
    ("analysis", "analysis.parquet"),
    ("report", "report/index.html"),
)


def times_of(file: Path, columns: Sequence[str], folder: Path) -> str:
    """A table of seconds: of each stage, of the whole, and of the same command again.

    Args:
        file: What is audited.
        columns: The flags that name its columns.
        folder: An empty folder for runs and features.
    """
    taken: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        run = folder / str(number)
        words = (sys.executable, "-m", "dataparams", "audit", str(file), *columns)
        command = [*words, "--out", str(run)]
        settings = {**os.environ, "DATAPARAMS_CACHE": str(folder / f"cache-{number}")}
        began, started = time.time(), time.perf_counter()
        subprocess.run(command, check=True, env=settings, stdout=subprocess.DEVNULL)
        whole, before = time.perf_counter() - started, began
        for what, name in STAGES:
            written = (run / name).stat().st_mtime
            taken.setdefault(what, []).append(written - before)
            before = written
        taken.setdefault("whole", []).append(whole)
        started = time.perf_counter()
        subprocess.run(command, check=True, env=settings, stdout=subprocess.DEVNULL)
        taken.setdefault("the same again", []).append(time.perf_counter() - started)
    rows = [[what, mean_and_spread(seconds, digits=1)] for what, seconds in taken.items()]
    load = f"Load of the machine when done (1, 5, 15 minutes): {os.getloadavg()}."
    told = f"`dataparams audit {file.name} {' '.join(columns)}`, {ROUNDS} times. {load}"
    return f"{table(['stage', 'seconds'], rows)}\n\n{told}"
