"""Processes that decide, are killed, or find the disk full; a program for test_decisions.py.

Children are forked before anything is opened, so that each begins within milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import RunError

KILLS = 40
PER_REQUEST = 7
PROCESSES, REQUESTS, ROUNDS = 6, 15, 4


def _decide_until_killed(file: Path, attempt: int, acknowledged: int) -> None:
    store = DecisionStore(file)
    number = 0
    while True:
        name = f"{attempt}/{number}"
        if number % 5 == 4:
            store.undo(name, "ann")
        else:
            first = 100 * (number % 3)
            wanted = [Decision(first + i, "relabel", attempt) for i in range(PER_REQUEST)]
            store.record(name, "ann", wanted)
        os.write(acknowledged, f"{name}\n".encode())
        number += 1


def killed(folder: Path, seed: int) -> None:
    """Kill what decides at random moments; print the requests that were acknowledged."""
    moments = random.Random(seed)  # noqa: S311
    words = b""
    for attempt in range(KILLS):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _decide_until_killed(folder / "review.sqlite", attempt, writing)
        os.close(writing)
        if attempt % 4:
            words += os.read(reading, 1 << 16)
        time.sleep(moments.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while piece := os.read(reading, 1 << 16):
            words += piece
        os.close(reading)
    sys.stdout.write(json.dumps([word for word in words.decode().split("\n") if word]))


def together(folder: Path) -> None:
    """Let several processes begin a file at the same moment and decide."""
    for round_ in range(ROUNDS):
        children = []
        for process in range(PROCESSES):
            child = os.fork()
            if child == 0:
                store = DecisionStore(folder / str(round_) / "review.sqlite")
                for number in range(REQUESTS):
                    name = f"{process}/{number}"
                    # Two processes for each annotator.
                    store.record(name, f"a{process % 3}", [Decision(number, "discard")])
                os._exit(0)
            children.append(child)
        if any(os.waitpid(child, 0)[1] for child in children):
            sys.exit("a process failed")


def full(folder: Path) -> None:
    """Decide until nothing more can be written; print what was acknowledged, and the error."""
    store = DecisionStore(folder / "review.sqlite")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    acknowledged, error = 0, ""
    try:
        while True:
            many = [Decision(i, "discard") for i in range(acknowledged, acknowledged + 100)]
            acknowledged += store.record(f"r{acknowledged}", "ann", many)
    except RunError as refused:
        error = str(refused)
    rows = len(store.in_force())
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    store.record("after", "ann", [Decision(10**6, "discard")])
    sys.stdout.write(json.dumps([acknowledged, rows, len(store.in_force()), error]))


def unwritable(folder: Path) -> None:
    """Look at decisions, and try to decide, as somebody who may only read."""
    if os.getuid() == 0:
        os.setuid(65534)
    rows = len(DecisionStore(folder / "review.sqlite", read_only=True).in_force())
    try:
        DecisionStore(folder / "review.sqlite").record("other", "ann", [Decision(1, "discard")])
        error = ""
    except RunError as refused:
        error = str(refused)
    sys.stdout.write(json.dumps([rows, error]))


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "killed":
        killed(folder, int(sys.argv[3]))
    else:
        {"together": together, "full": full, "unwritable": unwritable}[what](folder)
