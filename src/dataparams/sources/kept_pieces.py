"""Keeping pieces of a table: in memory while they are small, else in a file that is mapped."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.terminal.words import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_IN_MEMORY = 1 << 29
_LEFT_FREE = 1 << 30
_LARGE_FILES = Path("/var/tmp")  # noqa: S108 - a file without a name, which nobody else can open


def keep_pieces(pieces: Iterable[Any], what: str) -> tuple[Any, ...]:
    """Go through pieces of a table once, and keep them for any number of later looks.

    What is large lies in a file without a name, which ends with the program: of what is mapped
    from it, the system keeps in memory what fits.

    Args:
        pieces: Arrow record batches of one schema.
        what: What they are, for messages.

    Returns:
        The same pieces, in memory or mapped.

    Raises:
        DataError: If there is no room for them on the disk.

    Example:
        >>> piece = pa.record_batch([["Where is my card?"]], ["text"])
        >>> keep_pieces([piece], "cards.csv")[0]["text"].to_pylist()
        ['Where is my card?']
    """
    first: deque[Any] = deque()
    size, left = 0, iter(pieces)
    for piece in left:
        first.append(piece)
        size += piece.nbytes
        if size > MOST_IN_MEMORY:
            return _mapped(first, left, what)
    return tuple(first)


def _mapped(first: deque[Any], left: Iterator[Any], what: str) -> tuple[Any, ...]:
    """Write pieces to a file, and map them from there; the first are let go on the way."""
    folder = folder_of_large_files()
    try:
        with tempfile.TemporaryFile(prefix="dataparams-", dir=folder) as file:
            with pa.ipc.new_stream(file, first[0].schema) as writer:
                while first:
                    writer.write_batch(first.popleft())
                for piece in left:
                    _require_room(folder, file.tell(), what)
                    writer.write_batch(piece)
            file.flush()
            # The map holds the file, which has no name, until the last piece is gone.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise _no_room(folder, 0, what, error) from error
    return tuple(pa.ipc.open_stream(pa.py_buffer(mapped)))


def folder_of_large_files() -> str:
    """The folder for large files that are needed while the program runs.

    The usual one is kept in memory by many systems, unless somebody named it.
    """
    usual = tempfile.gettempdir()
    named = {os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")}
    with contextlib.suppress(OSError):
        if usual not in named and os.access(_LARGE_FILES, os.W_OK):
            return str(_LARGE_FILES)
    return usual


def _require_room(folder: str, written: int, what: str) -> None:
    if shutil.disk_usage(folder).free < _LEFT_FREE:
        raise _no_room(folder, written, what)


def _no_room(folder: str, written: int, what: str, error: OSError | None = None) -> DataError:
    reason = (
        f"the disk of {folder} is nearly full after {size_text(written)}"
        if error is None
        else f"{folder} cannot be written to ({error.strerror or error})"
    )
    return DataError(
        f"{what} is large, so its columns are put into a file that is gone when the program ends; "
        f"{reason}. Set the environment variable TMPDIR to a folder on a larger disk; or give "
        "Parquet of the columns that are needed, and no others."
    )
