"""Features on the disk, found again by the content that they are of, whatever it is called.

The features of one encoder are in a folder of that encoder's key, in pieces: files that are
written whole and never changed. Processes that compute at the same time write pieces of their own,
and find each other's. Nothing is lost where one of them is killed.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from dataparams.encoders.cache_folder import VARIABLE, cache_folder
from dataparams.encoders.feature_piece import (
    DIGEST_BYTES,
    SUFFIX,
    UNFINISHED,
    DamagedPieceError,
    FeaturePiece,
    read_piece,
    write_piece,
)
from dataparams.errors import RunError
from dataparams.terminal.words import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.encoders.encoder import Encoder

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SECONDS_UNTIL_FORGOTTEN = 3600.0
_MANY_PIECES = 32
_SMALL_BYTES = 1 << 27
_MERGED_BYTES = 1 << 28


class FeatureCache:
    """The features of all encoders that were computed on this machine.

    Args:
        folder: Where they are; None takes ``cache_folder()``.
        on_notice: Told of a file that is damaged, in a sentence.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> cache = FeatureCache(Path(tempfile.mkdtemp()))
        >>> cache.size_on_disk(), cache.disk_needed(2000, 1280)
        (0, 5152000)
    """

    def __init__(
        self, folder: Path | None = None, *, on_notice: Callable[[str], None] | None = None
    ) -> None:
        self.folder = (folder or cache_folder()) / "features"
        self._on_notice = on_notice

    def open(self, encoder: Encoder) -> StoredFeatures:
        """The features of one encoder.

        Raises:
            RunError: If the folder cannot be made or read.
        """
        return StoredFeatures(self.folder / encoder.key, encoder.width, on_notice=self._on_notice)

    def size_on_disk(self, encoder: Encoder | None = None) -> int:
        """Bytes of what is kept of one encoder, or of all."""
        folder = self.folder / encoder.key if encoder else self.folder
        total = 0
        for path in folder.rglob(f"*{SUFFIX}*"):
            with suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    @staticmethod
    def disk_needed(count: int, width: int) -> int:
        """Bytes that the features of some contents will take.

        Args:
            count: How many contents.
            width: Numbers of a feature.
        """
        return count * (2 * width + DIGEST_BYTES)


class StoredFeatures:
    """The features of one encoder; several threads may use it.

    Args:
        folder: Where they are; it is made.
        width: Numbers of a feature.
        on_notice: Told of a file that is damaged, in a sentence.

    Raises:
        RunError: If the folder cannot be made or read.
    """

    def __init__(
        self, folder: Path, width: int, *, on_notice: Callable[[str], None] | None = None
    ) -> None:
        self.folder = folder
        self.width = width
        self._on_notice = on_notice
        self._lock = threading.Lock()
        self._sound: set[Path] = set()
        self._take([])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _remove_forgotten(folder)
        except OSError as error:
            raise self._unwritable(error, 0) from error
        self.refresh()

    def refresh(self) -> None:
        """Look again which pieces there are: other processes write and merge them."""
        with self._lock:
            known = {piece.path: piece for piece in self._pieces}
            pieces = []
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                piece = known.get(path) or self._read(path)
                if piece is not None:
                    pieces.append(piece)
            self._take(pieces)

    def has(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether the features of some contents are here, whole and undamaged.

        Args:
            digests: Of the contents, (k, 16), uint8.

        Returns:
            (k,)
        """
        with self._lock:
            while True:
                places = self._find(digests)
                owners = np.unique(self._owners(places[places >= 0]))
                doubtful = {self._pieces[owner].path for owner in owners} - self._sound
                if not doubtful:
                    found: NDArray[np.bool_] = places >= 0
                    return found
                for path in doubtful:
                    self._examine(path)

    def add(
        self, digests: NDArray[np.uint8], parts: Sequence[NDArray[np.float16]], *, left: int = 0
    ) -> None:
        """Write features to a piece of their own.

        Args:
            digests: Of their contents, (n, 16), uint8.
            parts: Arrays (k, width) that have n rows together.
            left: How many more will follow, for the message where there is no room.

        Raises:
            RunError: If they cannot be written. All that was added before is kept.
        """
        try:
            piece = write_piece(self.folder, digests, parts)
        except OSError as error:
            raise self._unwritable(error, len(digests) + left) from error
        with self._lock:
            self._sound.add(piece.path)
            self._append(piece)

    def read(self, digests: NDArray[np.uint8]) -> NDArray[np.float16]:
        """The features of some contents.

        Args:
            digests: Of the contents, (k, 16), uint8.

        Returns:
            (k, width)

        Raises:
            KeyError: If one is not here.
        """
        with suppress(FileNotFoundError, KeyError):
            return self._gathered(digests)
        # Another process has merged pieces, and removed those that it merged.
        self.refresh()
        return self._gathered(digests)

    def merge(self) -> None:
        """Make a few large files of many small ones, if there are many.

        Readers in other processes find what they look for in one or the other.
        """
        from filelock import FileLock, Timeout

        with suppress(Timeout, OSError), FileLock(self.folder / ".lock", timeout=0):
            self.refresh()
            small = [piece for piece in self._pieces if _bytes_of(piece) < _SMALL_BYTES]
            if len(small) < _MANY_PIECES:
                return
            for group in _groups(small):
                self._merge(group)

    def _merge(self, pieces: list[FeaturePiece]) -> None:
        digests = np.concatenate([piece.digests for piece in pieces])
        if not self.has(digests).all():
            return
        # Of contents that two processes computed, one is enough.
        first = list({word: row for row, word in enumerate(_words(digests))}.values())
        piece = write_piece(self.folder, digests[first], [self.read(digests[first])])
        with self._lock:
            self._sound.add(piece.path)
            merged = {old.path for old in pieces}
            self._take([*(one for one in self._pieces if one.path not in merged), piece])
        for path in merged:
            # Windows removes no file that somebody has open; the next merge does.
            with suppress(OSError):
                path.unlink()

    # --- under the lock --------------------------------------------------------------------------

    def _take(self, pieces: list[FeaturePiece]) -> None:
        self._pieces: list[FeaturePiece] = []
        self._starts = [0]
        self._places: dict[bytes, int] = {}
        for piece in pieces:
            self._append(piece)

    def _append(self, piece: FeaturePiece) -> None:
        start = self._starts[-1]
        places = range(start, start + len(piece))
        self._places.update(zip(_words(piece.digests), places, strict=True))
        self._pieces.append(piece)
        self._starts.append(places.stop)

    def _find(self, digests: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Where in all pieces together some contents' features are, (k,); -1 for nowhere."""
        places = (self._places.get(word, -1) for word in _words(digests))
        return np.fromiter(places, np.int64, len(digests))

    def _owners(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the piece that each place is in."""
        return np.searchsorted(self._starts, places, side="right") - 1

    def _examine(self, path: Path) -> None:
        """Have a piece checked before anything of it is used; drop it where it is damaged."""
        piece = next(one for one in self._pieces if one.path == path)
        try:
            piece.require_sound()
        except FileNotFoundError:
            pass
        except (DamagedPieceError, OSError, ValueError) as error:
            self._report(path, str(error))
        else:
            self._sound.add(path)
            return
        self._take([one for one in self._pieces if one.path != path])

    def _read(self, path: Path) -> FeaturePiece | None:
        try:
            return read_piece(path, self.width)
        except FileNotFoundError:
            return None
        except DamagedPieceError as error:
            self._report(path, str(error))
            return None

    def _report(self, path: Path, reason: str) -> None:
        with suppress(OSError):
            path.unlink()
        if self._on_notice is not None:
            self._on_notice(
                f"{path} is damaged ({reason.rstrip('.')}): it is removed, and the features that "
                "were in it are computed again."
            )

    # --- reading and failing ---------------------------------------------------------------------

    def _gathered(self, digests: NDArray[np.uint8]) -> NDArray[np.float16]:
        with self._lock:
            places = self._find(digests)
            owners = self._owners(places)
            starts, pieces = list(self._starts), list(self._pieces)
        if (places < 0).any():
            raise KeyError(bytes(digests[np.argmin(places)]).hex())
        values = np.empty((len(digests), self.width), np.float16)
        for owner in np.unique(owners):
            wanted = np.flatnonzero(owners == owner)
            values[wanted] = pieces[owner].values()[places[wanted] - starts[owner]]
        return values

    def _unwritable(self, error: OSError, count: int) -> RunError:
        if error.errno not in _FULL:
            return RunError(
                f"Features cannot be kept in {self.folder} ({error.strerror or error}). Set the "
                f"environment variable {VARIABLE} to a folder that can be written."
            )
        return no_room(self.folder, count, FeatureCache.disk_needed(count, self.width))


def no_room(folder: Path, count: int, needed: int) -> RunError:
    """The error of a disk that is full.

    Args:
        folder: Where there is no room.
        count: How many samples' features are not written yet.
        needed: Bytes that they take.
    """
    free = shutil.disk_usage(folder).free
    return RunError(
        f"There is no room for features in {folder}: {size_text(needed)} are needed for "
        f"{counted(count, 'more sample')}, and {size_text(free)} are free. What was written before "
        "is kept. Free space and give the same command, which goes on from there; or set the "
        f"environment variable {VARIABLE} to a folder on a larger disk."
    )


def _words(digests: NDArray[np.uint8]) -> list[bytes]:
    """Digests as words that can be looked up, k of them."""
    stored = digests.tobytes()
    return [stored[at : at + DIGEST_BYTES] for at in range(0, len(stored), DIGEST_BYTES)]


def _bytes_of(piece: FeaturePiece) -> int:
    return FeatureCache.disk_needed(len(piece), piece.width)


def _groups(pieces: list[FeaturePiece]) -> list[list[FeaturePiece]]:
    """Pieces that together are not too large to be read at once."""
    groups: list[list[FeaturePiece]] = [[]]
    size = 0
    for piece in pieces:
        if groups[-1] and size + _bytes_of(piece) > _MERGED_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(piece)
        size += _bytes_of(piece)
    return groups


def _remove_forgotten(folder: Path) -> None:
    """Remove what processes that were killed had begun to write."""
    for path in folder.glob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _SECONDS_UNTIL_FORGOTTEN:
                path.unlink()
