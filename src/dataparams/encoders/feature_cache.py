"""Features on disk, by the digest of their content, whatever its name.

The features of an encoder are in the folder of its key, in pieces: files that are written whole and
never changed. Processes that compute at the same time write pieces of their own, and find each
other's. Nothing that was written is lost if a process is killed.
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

_SECONDS_UNTIL_FORGOTTEN = 3600.0
_MANY_PIECES = 32
_SMALL_BYTES = 1 << 27
_MERGED_BYTES = 1 << 28


class FeatureCache:
    """The cached features of all encoders.

    Args:
        folder: The folder of the cache; None takes ``cache_folder()``.
        on_notice: Called with a sentence for each damaged file.

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
            RunError: If the folder cannot be created or read.
        """
        return StoredFeatures(self.folder / encoder.key, encoder.width, on_notice=self._on_notice)

    def size_on_disk(self, encoder: Encoder | None = None) -> int:
        """Size in bytes of the cached features of one encoder, or of all."""
        folder = self.folder / encoder.key if encoder else self.folder
        total = 0
        for path in folder.rglob(f"*{SUFFIX}*"):
            with suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    @staticmethod
    def disk_needed(count: int, width: int) -> int:
        """Size in bytes of the features of some contents.

        Args:
            count: Number of contents.
            width: Length of a feature.
        """
        return count * (2 * width + DIGEST_BYTES)


class StoredFeatures:
    """The cached features of one encoder; several threads may use it.

    Args:
        folder: Their folder; created if it does not exist.
        width: Length of a feature.
        on_notice: Called with a sentence for each damaged file.

    Raises:
        RunError: If the folder cannot be created or read.
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
        """List the pieces again, which other processes write and merge."""
        with self._lock:
            known = {piece.path: piece for piece in self._pieces}
            pieces = []
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                piece = known.get(path) or self._read(path)
                if piece is not None:
                    pieces.append(piece)
            self._take(pieces)

    def has(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether the features of some contents are cached, whole and undamaged.

        Args:
            digests: Digests of the contents, (k, 16), uint8.

        Returns:
            One value per content, (k,).
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
        """Write features to a new piece.

        Args:
            digests: Digests of their contents, (n, 16), uint8.
            parts: The features, in arrays (k, width) with n rows in all.
            left: How many more will follow, for the message if the disk is full.

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
            digests: Digests of the contents, (k, 16), uint8.

        Returns:
            The features, (k, width).

        Raises:
            KeyError: If one is not cached.
        """
        with suppress(FileNotFoundError, KeyError):
            return self._gathered(digests)
        # Another process has merged pieces and removed the old ones.
        self.refresh()
        return self._gathered(digests)

    def merge(self) -> None:
        """Merge many small files into a few large ones, if there are many.

        Processes that read meanwhile find each feature in an old or in a new file.
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
        # Two processes may have computed the same feature.
        first = list({word: row for row, word in enumerate(_words(digests))}.values())
        piece = write_piece(self.folder, digests[first], [self.read(digests[first])])
        with self._lock:
            self._sound.add(piece.path)
            merged = {old.path for old in pieces}
            self._take([*(one for one in self._pieces if one.path not in merged), piece])
        for path in merged:
            # Windows does not remove an open file; the next merge will.
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
        """The places of features in all pieces together, (k,); -1 for those not cached."""
        places = (self._places.get(word, -1) for word in _words(digests))
        return np.fromiter(places, np.int64, len(digests))

    def _owners(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the piece of each place."""
        return np.searchsorted(self._starts, places, side="right") - 1

    def _examine(self, path: Path) -> None:
        """Check a piece before it is used; remove it if it is damaged."""
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
                f"{path} is damaged ({reason.rstrip('.')}): it is removed, and its features are "
                "computed again."
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
        needed = FeatureCache.disk_needed(count, self.width)
        return no_room(error, self.folder, count, needed) or RunError(
            f"Features cannot be kept in {self.folder} ({error.strerror or error}). Set the "
            f"environment variable {VARIABLE} to a folder that can be written."
        )


def no_room(error: OSError, folder: Path, count: int, needed: int) -> RunError | None:
    """The error for a full disk, a used-up quota or a file too large; None for any other error.

    Args:
        error: The error that writing raised.
        folder: The folder that was written to.
        count: Number of samples whose features are not written yet.
        needed: Their size in bytes.
    """
    if error.errno == errno.ENOSPC:
        limit = f"{size_text(shutil.disk_usage(folder).free)} are free"
        remedy = "Free space"
    elif error.errno == errno.EDQUOT:
        # How much of a quota is left cannot be asked in a way that all file systems know.
        limit = "your quota there is used up, whatever else is free on the disk"
        remedy = "Remove files of yours there, or have the quota raised,"
    elif error.errno == errno.EFBIG:
        limit = "a file may not become so large there (see ulimit -f)"
        remedy = "Raise the limit"
    else:
        return None
    return RunError(
        f"There is no room for features in {folder}: {size_text(needed)} are needed for "
        f"{counted(count, 'more sample')}, and {limit}. The features written before are kept. "
        f"{remedy} and start again, which goes on from there; or set the environment variable "
        f"{VARIABLE} to a folder with enough room."
    )


def _words(digests: NDArray[np.uint8]) -> list[bytes]:
    """Digests as keys of a dictionary, k of them."""
    stored = digests.tobytes()
    return [stored[at : at + DIGEST_BYTES] for at in range(0, len(stored), DIGEST_BYTES)]


def _bytes_of(piece: FeaturePiece) -> int:
    return FeatureCache.disk_needed(len(piece), piece.width)


def _groups(pieces: list[FeaturePiece]) -> list[list[FeaturePiece]]:
    """Groups of pieces that are small enough to be read at once."""
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
    """Remove unfinished files of processes that were killed."""
    for path in folder.glob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _SECONDS_UNTIL_FORGOTTEN:
                path.unlink()
