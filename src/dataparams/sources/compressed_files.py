"""Files as streams of bytes, decompressed on the way where they are compressed."""

from __future__ import annotations

import bz2
import contextlib
import lzma
import os
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataparams.errors import DataError
from dataparams.sources.row_groups import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPRESSED_EXTENSIONS = (".gz", ".bz2", ".xz", ".zst", ".zip")
_MAGICS = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PK\x03\x04": ".zip",
}
FAILURES = (pa.ArrowException, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a damaged file raises."""


def compression_of(path: Path) -> str | None:
    """How a file is compressed, by its first bytes, as an extension; None where it is not.

    Raises:
        DataError: If it cannot be read.
    """
    if not path.is_file():
        # A named pipe would be waited for.
        raise DataError(f"{shown_path(path)} cannot be read: there is no file.")
    try:
        with path.open("rb") as stream:
            first = stream.read(max(map(len, _MAGICS)))
    except OSError as error:
        raise DataError(f"{shown_path(path)} cannot be read: {error.strerror}.") from error
    return next((kind for magic, kind in _MAGICS.items() if first.startswith(magic)), None)


@contextlib.contextmanager
def opened_decompressed(path: Path) -> Iterator[Any]:
    """Open a file as a stream of what it holds, decompressed a piece at a time.

    Args:
        path: The file; of a ZIP archive, the one file that is in it.

    Yields:
        An Arrow stream.

    Raises:
        DataError: If it cannot be read, or is an archive of several files.
    """
    kind = compression_of(path)
    with contextlib.ExitStack() as stack:
        if kind == ".zip":
            yield stack.enter_context(pa.PythonFile(stack.enter_context(_in_archive(path)), "r"))
        elif kind in (".xz", ".bz2"):
            # Arrow's own reading of bz2 ends at the first of several streams.
            opened = lzma.open(path) if kind == ".xz" else bz2.open(path)  # noqa: SIM115 - closed by the stack
            yield stack.enter_context(pa.PythonFile(stack.enter_context(opened), "r"))
        else:
            # The name is given as bytes since it may not be UTF-8.
            stored = stack.enter_context(pa.OSFile(os.fsencode(path)))
            names = {".gz": "gzip", ".zst": "zstd"}
            if kind is None:
                yield stored
            else:
                yield stack.enter_context(pa.CompressedInputStream(stored, names[kind]))


@contextlib.contextmanager
def _in_archive(path: Path) -> Iterator[Any]:
    with zipfile.ZipFile(path) as archive:
        names = [
            info.filename
            for info in archive.infolist()
            if not info.is_dir() and not _is_of_system(info.filename)
        ]
        if len(names) != 1:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise DataError(
                f"{shown_path(path)} is an archive of {len(names)} files"
                + (f" ({shown})" if names else "")
                + "; expected one table. Unpack it, and give the folder."
            )
        with archive.open(names[0]) as stream:
            yield stream


def _is_of_system(name: str) -> bool:
    """Whether a file in an archive was put there by the system that made it."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
