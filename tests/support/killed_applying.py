"""Applies and undoes corrections, killed before every step, or every n-th; a program for a test.

A child is forked after all imports, and kills itself as it is about to make its n-th change to a
file system. Then, in turn, the same call goes on, or all is undone; the data are held against what
they were and what they are to be. Prints how many kills there were. The parent computes nothing: a
child of a process with threads of its own might wait for them for ever.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock  # noqa: F401
import numpy as np
import polars as pl  # noqa: F401
import pyarrow.parquet  # noqa: F401

from dataparams.applying.apply import apply_plan, finish, undo
from dataparams.applying.journal import last_step
from dataparams.applying.planning import plan
from dataparams.run.folder import RunFolder
from made_applied import decide, run_on, run_on_labels, tree_of
from made_workbooks import write_workbook

if TYPE_CHECKING:
    from collections.abc import Callable

with suppress(ImportError):
    # PyArrow imports it where it is there, which each child would wait for.
    import pandas as pd  # noqa: F401

CHANGING = ("rename", "replace", "mkdir", "rmdir", "unlink", "fsync", "link", "symlink")
_NEVER = 1 << 30


def in_child(action: Callable[[], object], number: int = _NEVER) -> bool:
    """Do something in a child that kills itself before its n-th change; whether it got so far."""
    child = os.fork()
    if child == 0:
        count = 0

        def watched(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*words: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*words, **named)

            return call

        for name in CHANGING:
            setattr(os, name, watched(getattr(os, name)))
        try:
            action()
        except Exception:  # noqa: BLE001 - it ends here
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and status != 0:
        sys.exit(f"a child failed with wait status {status}")
    return os.WIFSIGNALED(status)


def kept_aside(place: Path) -> None:
    shutil.rmtree(place.with_name("aside"), ignore_errors=True)
    shutil.copytree(place, place.with_name("aside"), symlinks=True)


def restored(place: Path) -> None:
    shutil.rmtree(place)
    shutil.copytree(place.with_name("aside"), place, symlinks=True)


def require(words: str, found: dict[str, str], expected: dict[str, str]) -> None:
    """End the program unless two trees are the same."""
    if found != expected:
        strange = dict(found.items() ^ expected.items())
        sys.exit(f"{words}: {strange}")


def try_all(run: RunFolder, whole: Path, stride: int) -> int:
    """Kill an apply and an undo before every step, or every n-th; a folder holds data and run."""
    data = whole / "data"
    before = tree_of(data)
    kept_aside(whole)
    in_child(lambda: apply_plan(plan(run)))
    after = tree_of(data)
    kills = 0
    for number in range(1, _NEVER, stride):
        restored(whole)
        if not in_child(lambda: apply_plan(plan(run)), number):
            break
        kills += 1
        if kills % 2:
            in_child(lambda: go_on(run))
            require(f"not whole after kill {number}", tree_of(data), after)
        else:
            in_child(lambda: go_back(run))
            require(f"not undone after kill {number}", _without_staged(tree_of(data)), before)
    kept_aside(whole)
    for number in range(1, _NEVER, stride):
        if not in_child(lambda: undo(run), number):
            break
        kills += 1
        if kills % 2:
            in_child(lambda: finish(run))
        in_child(lambda: go_back(run))
        require(f"not undone after kill {number} of undo", tree_of(data), before)
        restored(whole)
    return kills


def go_on(run: RunFolder) -> None:
    """The same call once more."""
    if finish(run) is None and len(planned := plan(run)):
        apply_plan(planned)


def go_back(run: RunFolder) -> None:
    """An undo, where the call had come so far that there is something to undo."""
    if last_step(run) is not None:
        undo(run)


def _without_staged(tree: dict[str, str]) -> dict[str, str]:
    """What a kill before the journal was there left beside a table: hidden, and written over."""
    return {name: told for name, told in tree.items() if ".dataparams-apply." not in name}


def try_spreadsheet(folder: Path, stride: int) -> int:
    """Try a spreadsheet, of which a label and a mark are written."""
    place, run = folder / "data/cards.xlsx", RunFolder(folder / "run")
    place.parent.mkdir(parents=True)
    cells = [[f"text {row}", "ab"[row % 2]] for row in range(6)]
    write_workbook(place, [["text", "label"], *cells])
    wanted: dict[str, str | None] = {"train/0": "b", "train/3": None}
    columns = {"text_column": "text", "label_column": "label"}
    in_child(lambda: decide(run_on(run.path, place, **columns), wanted))
    return try_all(run, folder, stride)


def main() -> None:
    """Try folders, with links and new folders, then tables, a spreadsheet and labels alone."""
    folder, stride = Path(sys.argv[1]), int(sys.argv[2])
    photos = folder / "first/data/photos"
    for name in ("cat/0.jpg", "cat/1.jpg", "dog/0.jpg", "dog/2.jpg"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_text(name)
    (photos / "cat/link.jpg").symlink_to("1.jpg")
    run = RunFolder(folder / "first/run")
    wanted: dict[str, str | None] = {"cat/0.jpg": "dog", "cat/link.jpg": "dog", "dog/2.jpg": None}
    in_child(lambda: decide(run_on(run.path, photos), wanted))
    kills = try_all(run, folder / "first", stride)
    tables = folder / "second/data/tables"
    tables.mkdir(parents=True)
    for split in ("train", "test"):
        rows = "".join(f"text {split} {row},{'ab'[row % 2]}\n" for row in range(6))
        (tables / f"{split}.csv").write_text(f"text,label\n{rows}")
    second = RunFolder(folder / "second/run")
    others: dict[str, str | None] = {"train/0": "b", "test/1": "a", "test/2": None}
    in_child(lambda: decide(run_on(second.path, tables), others))
    kills += try_all(second, folder / "second", stride)
    if find_spec("fastexcel") is not None:
        kills += try_spreadsheet(folder / "third", 2 * stride + 1)
    fourth = folder / "fourth/data/y.npy"
    fourth.parent.mkdir(parents=True)
    np.save(fourth, np.array([0, 1, 0, 1, 1]))
    run = RunFolder(folder / "fourth/run")
    labels: dict[str, str | None] = {"train/1": "0"}
    in_child(lambda: decide(run_on_labels(run.path, fourth), labels))
    kills += try_all(run, folder / "fourth", 2 * stride + 1)
    sys.stdout.write(f"{kills}\n")


if __name__ == "__main__":
    main()
