"""What there is in place of a path that does not exist, for error messages."""

from __future__ import annotations

import difflib
from pathlib import Path

_MOST = 5


def nearest_checkpoints(file: Path) -> str:
    """Name the epoch files whose paths are most like one that does not exist."""
    found = [path.as_posix() for path in _search_root(file).rglob("epoch_*.pth.tar")]
    return _listed(file, found, "checkpoint")


def nearest_runs(path: Path) -> str:
    """Name the run folders whose paths are most like one that does not exist."""
    found = [found.parent.as_posix() for found in _search_root(path).rglob("run.json")]
    return _listed(path, found, "run folder")


def _search_root(path: Path) -> Path:
    """The nearest ancestor that exists, but never as high as the working folder or the root."""
    for parent in path.parents:
        if parent.is_dir():
            is_too_high = parent.resolve() in (Path.cwd(), *Path.cwd().parents)
            return path.parent if is_too_high else parent
    return path.parent


def _listed(path: Path, found: list[str], what: str) -> str:
    if not found:
        return f" There is no {what} near it either."
    wanted = path.as_posix()
    found.sort(key=lambda name: -difflib.SequenceMatcher(None, wanted, name).ratio())
    return f" The nearest {what}s there are:\n  " + "\n  ".join(found[:_MOST])
