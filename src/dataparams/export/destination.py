"""The folder that an export goes to: whole files only, and files of other origin stay untouched."""

from __future__ import annotations

import filecmp
import os
import shutil
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PARTIAL = ".dataparams-export"


class Destination:
    """Puts files into a folder, each under a temporary name first.

    A file that is there already with the same bytes is left alone, so an export that was stopped
    goes on where it was. One with other bytes is an error, unless ``overwrite`` is set.

    Args:
        folder: The folder.
        overwrite: Replace files that are there with other bytes.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with open_destination(Path(tempfile.mkdtemp())) as destination:
        ...     destination.put("cat/a.txt", b"meow"), destination.put("cat/a.txt", b"meow")
        (True, False)
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        self.folder = folder
        self.overwrite = overwrite
        self.written, self.kept, self.bytes = 0, 0, 0
        self.not_linked = 0
        self._partial = folder / _PARTIAL
        self._folders: set[Path] = set()
        self._lock = Lock()

    def put(self, name: str, data: bytes, *, linked_to: Path | None = None) -> bool:
        """Put a small file; safe to call from several threads.

        Args:
            name: Path below the folder, with forward slashes.
            data: Its contents.
            linked_to: A file of the same contents to make a hard link to, where the file system
                can.

        Returns:
            Whether it was written; otherwise it was there already.

        Raises:
            RunError: If another file of that name is there, or it cannot be written.
        """
        target = self.folder / name
        with _explained(target):
            self._require_folder(target.parent)
            if _is_there(target):
                if _holds(target, data):
                    return self._count(is_written=False, size=len(data))
                self._refuse(target)
            temporary = self.temporary()
            is_linked = linked_to is not None and _link(linked_to, temporary)
            if not is_linked:
                _write(temporary, data)
            temporary.replace(target)
        if linked_to is not None and not is_linked:
            with self._lock:
                self.not_linked += 1
        return self._count(is_written=True, size=len(data))

    def place(self, temporary: Path, name: str) -> bool:
        """Put a file that was written under a temporary name.

        Args:
            temporary: The file, one that :meth:`temporary` named.
            name: Path below the folder.

        Returns:
            As of :meth:`put`.

        Raises:
            RunError: As of :meth:`put`.
        """
        target = self.folder / name
        with _explained(target):
            size = temporary.stat().st_size
            self._require_folder(target.parent)
            if _is_there(target):
                if target.is_file() and filecmp.cmp(temporary, target, shallow=False):
                    temporary.unlink()
                    return self._count(is_written=False, size=size)
                self._refuse(target)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(target)
        return self._count(is_written=True, size=size)

    def temporary(self) -> Path:
        """A name for a file, or a folder, that is not whole yet."""
        return self._partial / uuid4().hex

    def _refuse(self, target: Path) -> None:
        if not self.overwrite or (target.is_dir() and not target.is_symlink()):
            raise RunError(
                f"{target} exists already, and is not what this export would write there. "
                "Nothing was overwritten. Choose another folder"
                f"{'.' if self.overwrite else ', or give `overwrite=True` to replace it.'}"
            )

    def _require_folder(self, folder: Path) -> None:
        with self._lock:
            if folder in self._folders:
                return
            for part in (folder, *folder.parents):
                if part == self.folder:
                    break
                if part.is_symlink():
                    raise RunError(
                        f"{part} is a link, which would lead the export out of {self.folder}. "
                        "Remove it, or choose another folder."
                    )
            folder.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)

    def keep(self, size: int) -> None:
        """Count a large file that was found to be there already."""
        self._count(is_written=False, size=size)

    def _count(self, *, is_written: bool, size: int) -> bool:
        with self._lock:
            self.written += is_written
            self.kept += not is_written
            self.bytes += size
        return is_written


@contextmanager
def open_destination(folder: Path, *, overwrite: bool = False) -> Iterator[Destination]:
    """Make a folder ready for an export.

    Args:
        folder: The folder; it is made.
        overwrite: Replace files that are there with other bytes.

    Raises:
        RunError: If the folder cannot be made.
    """
    partial = folder / _PARTIAL
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # What a killed export left half written; nothing else ever lies there.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
    try:
        yield Destination(folder, overwrite=overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_there(target: Path) -> bool:
    return os.path.lexists(target)


def _holds(target: Path, data: bytes) -> bool:
    return target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data


def _link(file: Path, temporary: Path) -> bool:
    """Make a hard link where that can be done: not across file systems, nor on all of them."""
    try:
        os.link(file.resolve(), temporary)
    except OSError:
        return False
    return True


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Explain an error of the operating system, and what has been kept."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{path} cannot be written: {error.strerror or error}. What was written before is "
            "whole. Make room, or see to the folder's rights; the same command then goes on."
        ) from error
