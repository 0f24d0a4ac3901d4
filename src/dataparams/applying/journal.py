"""The journal of what is changed in the data: written before, so that all of it can be undone.

A call is a folder of ``applied/``, made under another name and renamed when it is whole. Its status
goes from ``applying`` to ``applied``, and with an undo on to ``undoing`` and ``undone``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dataparams.cleaning.changes import CHANGES, changes_csv
from dataparams.encoders.cache_folder import cache_folder
from dataparams.errors import RunError
from dataparams.run.applied_changes import (
    SAMPLES,
    STEP,
    read_changed_samples,
    read_step,
    steps_in,
)
from dataparams.run.safe_files import explained_refusals, parquet_bytes, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import polars as pl

    from dataparams.run.applied_changes import Status
    from dataparams.run.folder import RunFolder

_AT_ONCE = 1 << 20
_LOCK = ".apply.lock"


@dataclass(frozen=True, eq=False)
class Step:
    """A call in the journal.

    Attributes:
        path: Its folder.
        known: The contents of its ``step.json``.
    """

    path: Path
    known: dict[str, Any]

    @property
    def status(self) -> Status:
        """How far it is."""
        status: Status = self.known["status"]
        return status

    def samples(self) -> pl.DataFrame:
        """The samples that it changes.

        Raises:
            RunError: If their file is damaged.
        """
        return read_changed_samples(self.path)

    def with_status(self, status: Status) -> Step:
        """The same, after its new status was written."""
        known = {**self.known, "status": status}
        write_whole(self.path / STEP, _json_bytes(known))
        flush_folder(self.path)
        return Step(self.path, known)


def last_step(run: RunFolder) -> Step | None:
    """The last call that was not undone; None where there is none.

    Raises:
        RunError: If the journal is damaged.
    """
    steps = [Step(path, read_step(path)) for path in steps_in(run.applied_folder)]
    return next((step for step in reversed(steps) if step.status != "undone"), None)


def begin_step(
    run: RunFolder,
    known: dict[str, Any],
    samples: pl.DataFrame,
    changes: pl.DataFrame,
    kept: Mapping[str, Path],
) -> Step:
    """Write all that is needed to finish or undo a call, before it changes anything.

    Args:
        run: The run folder.
        known: What goes into ``step.json``, but for the status.
        samples: The samples that are changed.
        changes: The same for people.
        kept: Files of which a copy is kept, by its name.

    Raises:
        RunError: If it cannot be written; then nothing is left of it.
    """
    folder = run.applied_folder
    number = max((int(step.name) for step in steps_in(folder)), default=0) + 1
    whole, partial = folder / f"{number:04}", folder / f".{number:04}.tmp"
    step = Step(whole, {**known, "status": "applying"})
    with explained_refusals(whole):
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for name, file in kept.items():
                copy_flushed(file, partial / "kept" / name)
            write_whole(partial / SAMPLES, parquet_bytes(samples))
            write_whole(partial / CHANGES, changes_csv(changes))
            write_whole(partial / STEP, _json_bytes(step.known))
            flush_folder(partial)
            partial.rename(whole)
            flush_folder(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return step


@contextmanager
def only_one(run: RunFolder, place: str) -> Iterator[None]:
    """Let nobody else change these data, or the journal, at the same time.

    The lock of a process that died is gone.

    Args:
        run: The run folder.
        place: Where the data lie.

    Raises:
        RunError: If somebody else is at it.
    """
    name = f"{sha256(place.encode(errors='surrogateescape')).hexdigest()[:32]}.lock"
    locks = cache_folder() / "applying"
    with ExitStack() as held:
        for file in (run.path / _LOCK, locks / name):
            held.enter_context(_locked(file, place))
        yield


@contextmanager
def _locked(file: Path, place: str) -> Iterator[None]:
    lock = FileLock(file, timeout=0)
    try:
        with explained_refusals(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            # A lock that somebody holds is an error of the system as well.
            with suppress(Timeout):
                lock.acquire()
        if not lock.is_locked:
            raise RunError(
                f"Another dataparams apply is changing {place} at this moment. Wait until it is "
                "done."
            )
        yield
    finally:
        lock.release()


def digest_of_file(file: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


def copy_flushed(file: Path, target: Path) -> None:
    """Copy a file with its times, rights and owner, and flush it to the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    copy_rights(file, target)
    # Of a file that may only be read, what is written is flushed all the same.
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


def copy_rights(file: Path, target: Path) -> None:
    """Give a file the times, rights and, where that is allowed, the owner of another one."""
    shutil.copystat(file, target)
    if sys.platform != "win32":
        known = file.stat()
        with suppress(PermissionError):
            os.chown(target, known.st_uid, known.st_gid)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    if sys.platform == "win32":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _json_bytes(known: dict[str, Any]) -> bytes:
    return (json.dumps(known, indent=2) + "\n").encode()
