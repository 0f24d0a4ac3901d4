"""Writing a ZIP file: reproducible bytes, and no unfinished file under its name."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Protocol

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataparams.export.destination import Destination

_PIECE = 1 << 20
_ROOM = 1 << 30


class Archive(Protocol):
    """Takes the members of a ZIP file one after the other."""

    def add(self, name: str, data: bytes) -> None:
        """Add a member."""

    def add_file(self, name: str, file: Path) -> None:
        """Add a large member, piece by piece."""

    def finish(self) -> bool:
        """Put the whole file under its name; tells whether it was written."""


def open_archive(destination: Destination, name: str) -> Archive:
    """Write a ZIP file, or compare with the one that is there.

    Members are stored as they are: images are compressed already, and what a compressor makes of
    them depends on its version.

    Args:
        destination: Where the file goes.
        name: Its name there.
    """
    target = destination.folder / name
    if target.exists() and not destination.overwrite:
        return _ComparedArchive(destination, target)
    return _WrittenArchive(destination, name)


class _WrittenArchive:
    def __init__(self, destination: Destination, name: str) -> None:
        self._destination, self._name = destination, name
        self._temporary = destination.temporary()
        self._file = zipfile.ZipFile(self._temporary, "w", zipfile.ZIP_STORED)

    def add(self, name: str, data: bytes) -> None:
        self._file.writestr(_member(name), data)

    def add_file(self, name: str, file: Path) -> None:
        member = _member(name)
        member.file_size = file.stat().st_size
        is_large = member.file_size > _ROOM
        with self._file.open(member, "w", force_zip64=is_large) as stream:
            for piece in _pieces(file):
                stream.write(piece)

    def finish(self) -> bool:
        self._file.close()
        return self._destination.place(self._temporary, self._name)


class _ComparedArchive:
    def __init__(self, destination: Destination, target: Path) -> None:
        self._destination, self._target = destination, target
        try:
            self._file = zipfile.ZipFile(target)
        except (zipfile.BadZipFile, OSError):
            self._refuse()
        self._members = iter(self._file.infolist())

    def add(self, name: str, data: bytes) -> None:
        self._compare(name, iter((data,)))

    def add_file(self, name: str, file: Path) -> None:
        self._compare(name, _pieces(file))

    def finish(self) -> bool:
        if next(self._members, None) is not None:
            self._refuse()
        self._file.close()
        self._destination.keep(self._target.stat().st_size)
        return False

    def _compare(self, name: str, pieces: Iterator[bytes]) -> None:
        member = next(self._members, None)
        if member is None or member.filename != name:
            self._refuse()
        assert member is not None  # noqa: S101 - refused above
        try:
            with self._file.open(member) as stream:
                is_same = all(stream.read(len(piece)) == piece for piece in pieces)
                is_same = is_same and not stream.read(1)
        except (zipfile.BadZipFile, OSError, zlib.error):
            is_same = False
        if not is_same:
            self._refuse()

    def _refuse(self) -> None:
        raise RunError(
            f"{self._target} exists already, and is not what this export would write there. "
            "Nothing was overwritten. Choose another folder, or give `overwrite=True` to replace "
            "it."
        )


def _member(name: str) -> zipfile.ZipInfo:
    """A member without the time and system of its writing."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
