"""Records a loop once undisturbed and once killed at random moments; a program for a test.

Prints the number of kills. Children are forked before any tensor work, so that each attempt starts
within milliseconds of the import.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import polars as pl  # noqa: F401
import torch
import torch._dynamo  # see _start

from dataparams.run.folder import RunFolder
from recorded_loops import record

KILLS, EPOCHS = 20, 120


def _start(folder: Path) -> int:
    # What a loop imports on its way is imported above, once for all children.
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        record(folder, epochs=EPOCHS, count=300, learn="both")
        os._exit(0)
    return child


def _require_success(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"a loop failed with wait status {status}")


def main() -> None:
    """Compare nothing; leave that to the test."""
    folder = Path(sys.argv[1])
    _require_success(_start(folder / "whole"))
    run = RunFolder(folder / "broken")
    moments = random.Random(int(sys.argv[2]))  # noqa: S311
    kills = 0
    while kills < KILLS:
        before = len(run.epochs())
        child = _start(run.path)
        # A kill before the first new epoch every time would never come to an end.
        while kills % 3 and len(run.epochs()) <= before and before < EPOCHS:
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
        elif status != 0:
            sys.exit(f"a loop failed with wait status {status}")
        else:
            break
    _require_success(_start(run.path))
    sys.stdout.write(f"{kills}\n")


if __name__ == "__main__":
    main()
