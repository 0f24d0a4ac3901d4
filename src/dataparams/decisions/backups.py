"""Copies of ``review.sqlite`` as it was before its tables were brought to a newer version."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path

_LAST = "SELECT max(number), (SELECT group_concat(name) FROM request), count(*) FROM decision"


def keep_backup(file: Path, version: int) -> Path:
    """Keep a copy of a file beside it; a copy of the same decisions that is there already will do.

    The copy is whole under its name, or not there: it is written to another name, and flushed.

    Args:
        file: The file. Nobody may write to it meanwhile.
        version: The version of its tables, which goes into the name of the copy.

    Returns:
        The copy: ``review.version-1.sqlite``, with a number where another file has that name.

    Raises:
        sqlite3.Error: If the file cannot be read or the copy not be written.
        OSError: If the copy cannot be given its name.
    """
    with closing(_opened(file)) as source:
        for number in count(1):
            suffix = "" if number == 1 else f"-{number}"
            copy = file.with_name(f"{file.stem}.version-{version}{suffix}{file.suffix}")
            if not copy.exists():
                _write(source, copy)
                return copy
            if _is_same(source, copy):
                return copy
    raise AssertionError


def copied_to_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of a file in memory, which may be changed where the file may not."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    source.backup(memory)
    return memory


def _write(source: sqlite3.Connection, copy: Path) -> None:
    temporary = copy.with_name(f".{copy.name}.{uuid4().hex}.tmp")
    try:
        with closing(sqlite3.connect(temporary)) as target:
            source.backup(target)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(copy)
    finally:
        temporary.unlink(missing_ok=True)


def _is_same(source: sqlite3.Connection, copy: Path) -> bool:
    """Whether a copy holds the same requests; rows are only ever added."""
    try:
        with closing(_opened(copy)) as other:
            known: tuple[object, ...] = other.execute(_LAST).fetchone()
    except sqlite3.Error:
        return False
    return bool(known == source.execute(_LAST).fetchone())


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
