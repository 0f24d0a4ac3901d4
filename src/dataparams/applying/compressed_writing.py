"""Writing a file compressed as another one is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path  # noqa: TC003 - doctests read it
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dataparams.sources.compressed_files import compression_of, opened_decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read_decompressed(path: Path) -> bytes:
    """All that a file holds, decompressed.

    Raises:
        DataError: If it cannot be read.
    """
    with opened_decompressed(path) as stream:
        data: bytes = stream.read()
    return data


def write_compressed_like(path: Path, target: Path, data: bytes) -> None:
    """Write a file in the compression of another one.

    Args:
        path: The other file; of a ZIP archive, what else is in it is copied.
        target: Where to.
        data: What it is to hold.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = __import__("pathlib").Path(folder.name, "a.csv.gz")
        >>> _ = file.write_bytes(gzip.compress(b"old"))
        >>> write_compressed_like(file, file.with_name("b.csv.gz"), b"new")
        >>> read_decompressed(file.with_name("b.csv.gz"))
        b'new'
        >>> folder.cleanup()
    """
    kind = compression_of(path)
    if kind == ".zip":
        _write_archive(path, target, data)
    else:
        target.write_bytes(_compressed(kind, data))


def _compressed(kind: str | None, data: bytes) -> bytes:
    if kind == ".gz":
        return gzip.compress(data, mtime=0)
    if kind == ".bz2":
        return bz2.compress(data)
    if kind == ".xz":
        return lzma.compress(data)
    if kind == ".zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(data)
        whole: bytes = sink.getvalue().to_pybytes()
        return whole
    return data


def write_archive(path: Path, target: Path, changed: Mapping[str, bytes]) -> None:
    """Write a ZIP archive with some of its files changed, and the others as they are.

    Args:
        path: The archive.
        target: Where to.
        changed: What each file that changes is to hold, by its name in the archive.
    """
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        new.comment = old.comment
        for info in old.infolist():
            name = info.filename
            new.writestr(info, changed[name] if name in changed else old.read(info))


def _write_archive(path: Path, target: Path, data: bytes) -> None:
    with zipfile.ZipFile(path) as old:
        names = [info.filename for info, is_table in _members(old) if is_table]
    write_archive(path, target, dict.fromkeys(names, data))


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, bool]]:
    """The files of an archive, and which one is the table: the first that no system put there."""
    for info in archive.infolist():
        name: Any = info.filename
        is_of_system = name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
        yield info, not info.is_dir() and not is_of_system
