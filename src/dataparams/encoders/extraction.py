"""The way from contents to features in the cache: read, digest, prepare, encode, write.

Contents are read in one thread and prepared in others, or in processes where contents and cores are
many, while the network is at work. On a CPU it is at work on a batch in each core: that is quicker
than all cores on one batch, and very much so where other programs use the machine as well.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.encoders.feature_piece import DIGEST_BYTES
from dataparams.encoders.measuring import FEWEST_FOR_PROCESSES, prepare, whole_picture
from dataparams.encoders.reading_ahead import examined_ahead
from dataparams.errors import DataError, Stopped
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.encoder import Encoder
    from dataparams.encoders.feature_cache import StoredFeatures
    from dataparams.encoders.measuring import Measuring, StoredMeasurements
    from dataparams.encoders.reading_ahead import Placed
    from dataparams.sources.source import Contents

_SECONDS_OF_A_PIECE = 15.0
_BYTES_OF_A_PIECE = 1 << 27
_LAST = 8


@dataclass(frozen=True, eq=False)
class Sweep:
    """What was found out about some samples, whose features are in the cache now.

    Attributes:
        rows: Those whose contents could be read, (m,).
        digests: Of their contents, (m, 16), uint8.
        unreadable: Why the others could not be read, by row.
        computed: For how many contents the network was asked.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.uint8]
    unreadable: dict[int, str]
    computed: int


class Measurements(NamedTuple):
    """What is measured of pictures, and where it is kept."""

    measuring: Measuring
    kept: StoredMeasurements


class Examined(NamedTuple):
    """A content that was looked at.

    Attributes:
        place: Where its row stands among those wanted.
        digest: Its digest; empty where it cannot be read.
        prepared: What the network is given of it; None where its features are here, or on their
            way, already.
        reason: Why it cannot be read.
        measured: What was measured of it; None where that is here already, or nobody asks.
    """

    place: int
    digest: bytes
    prepared: NDArray[Any] | None = None
    reason: str | None = None
    measured: NDArray[np.uint8] | None = None


def extract(
    encoder: Encoder,
    stored: StoredFeatures,
    contents: Contents,
    rows: NDArray[np.int64],
    *,
    measurements: Measurements | None = None,
    processes: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], int] = lambda: 0,
) -> Sweep:
    """Have the features of some samples in the cache, whatever of them is there already.

    Args:
        encoder: The network.
        stored: Its part of the cache.
        contents: The contents.
        rows: Rows of those wanted, (n,), each once.
        measurements: What is measured of pictures while they are decoded, and where that is kept.
        processes: Number of processes in which contents are prepared, 0 for threads; None for as
            many as suit the encoder, where contents are many and the last of them are not in the
            cache.
        on_progress: Called with the number of samples done and of all.
        should_stop: The number of the signal that asks to stop, 0 for none.

    Raises:
        DataError: If the encoder gives something that is no number, or a process ends unexpectedly.
        RunError: If the cache cannot be written.
        Stopped: If ``should_stop`` said so; what was computed is written.
    """
    measuring, kept = measurements or (None, None)
    claims = _Claims(stored, kept)
    work = _Work(encoder, stored, kept, rows, on_progress)
    if processes is None:
        is_much = len(rows) >= FEWEST_FOR_PROCESSES and not _is_last_kept(contents, rows, claims)
        processes = encoder.processes if is_much else 0

    def examine(some: list[Placed]) -> list[Examined]:
        return [_examine(place, content, encoder, measuring, claims) for place, content in some]

    with (
        network_threads(encoder) as networks,
        examined_ahead(contents, rows.tolist(), examine, processes=processes) as blocks,
    ):
        try:
            for block in blocks:
                # Each process knows only what it has examined itself.
                work.take([claims.once(one) for one in block] if processes else block, networks)
                work.stop_if(should_stop())
            work.encode_rest(networks)
            work.finish()
        except BaseException as error:
            # The error that led here is the one to tell of, unless a signal ended processes too.
            if isinstance(error, DataError | RuntimeError):
                work.stop_if(should_stop())
            with suppress(Exception):
                work.write()
            raise
    return work.sweep()


# --- before the network --------------------------------------------------------------------------


def _is_last_kept(contents: Contents, rows: NDArray[np.int64], claims: _Claims) -> bool:
    """Whether nothing remains to do for the last contents: then probably for none."""
    read = contents.read(rows[-_LAST:].tolist())
    return not any(claims.is_needed(content) for content in read)


class _Claims:
    """Which contents are taken care of, so that each is encoded once; for several threads."""

    def __init__(self, stored: StoredFeatures, kept: StoredMeasurements | None) -> None:
        self._stored, self._kept = stored, kept
        self._taken: set[bytes] = set()
        self._lock = threading.Lock()

    def take(self, digest: bytes) -> tuple[bool, bool]:
        """Whether the caller is the one to have a content encoded, and to have it measured."""
        if not self._is_first(digest):
            return False, False
        word = np.frombuffer(digest, np.uint8)[None]
        lacks_measures = self._kept is not None and not self._kept.has(word)[0]
        return not self._stored.has(word)[0], lacks_measures

    def is_needed(self, content: Content | UnreadableContentError) -> bool:
        """Whether a content is to be encoded or measured, whoever does it."""
        try:
            if isinstance(content, UnreadableContentError):
                return False
            word = np.frombuffer(bytes.fromhex(content.loaded().digest()), np.uint8)[None]
        except UnreadableContentError:
            return False
        is_measured = self._kept is None or bool(self._kept.has(word)[0])
        return not (is_measured and self._stored.has(word)[0])

    def once(self, examined: Examined) -> Examined:
        """The same, without what was made of the same content before, in another process."""
        is_made = examined.prepared is not None or examined.measured is not None
        if not is_made or self._is_first(examined.digest):
            return examined
        return examined._replace(prepared=None, measured=None)

    def _is_first(self, digest: bytes) -> bool:
        with self._lock:
            is_first = digest not in self._taken
            self._taken.add(digest)
            return is_first


def _examine(
    place: int,
    content: Content | UnreadableContentError,
    encoder: Encoder,
    measuring: Measuring | None,
    claims: _Claims,
) -> Examined:
    digest = b""
    try:
        if isinstance(content, UnreadableContentError):
            return Examined(place, digest, reason=str(content))
        loaded = content.loaded()
        digest = bytes.fromhex(loaded.digest())
        is_to_encode, is_to_measure = claims.take(digest)
        asked = measuring if is_to_measure else None
        if is_to_encode:
            prepared, measured = prepare(loaded, encoder, asked)
            return Examined(place, digest, prepared, measured=measured)
        if asked is not None:
            return Examined(place, digest, measured=asked.measure(whole_picture(loaded)))
        return Examined(place, digest)
    except UnreadableContentError as error:
        return Examined(place, digest, reason=str(error))


# --- the network ---------------------------------------------------------------------------------


@contextmanager
def network_threads(encoder: Encoder) -> Iterator[ThreadPoolExecutor]:
    """Threads in which batches are encoded side by side, each by one core where they are many."""
    import torch

    before = torch.get_num_threads()
    initializer = (lambda: torch.set_num_threads(1)) if encoder.threads > 1 else None
    pool = ThreadPoolExecutor(encoder.threads, initializer=initializer)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        # What one thread sets holds for threads that begin later, too.
        torch.set_num_threads(before)


def _encode(encoder: Encoder, some: Sequence[Examined], rows: list[int]) -> NDArray[np.float16]:
    values = encoder.encode([one.prepared for one in some if one.prepared is not None])
    if values.shape != (len(some), encoder.width):
        raise DataError(
            f"The encoder {encoder.name} gave features of the shape {values.shape}; expected "
            f"({len(some)}, {encoder.width})."
        )
    is_finite = np.isfinite(values).all(axis=1)
    if not is_finite.all():
        bad = np.flatnonzero(~is_finite)
        raise DataError(
            f"The encoder {encoder.name} gave numbers that are infinite or not a number (NaN) for "
            f"{counted(len(bad), 'sample')} of {len(some)}, the first of them in row "
            f"{rows[bad[0]]}. Its weights may be damaged; choose another encoder, or other weights."
        )
    return values


@dataclass
class _Work:
    """What is on its way through the network and to the disk, and what has arrived."""

    encoder: Encoder
    stored: StoredFeatures
    kept: StoredMeasurements | None
    rows: NDArray[np.int64]
    on_progress: Callable[[int, int], None] | None
    done: int = 0
    computed: int = 0
    waiting: list[Examined] = field(default_factory=list)
    encoding: deque[tuple[list[Examined], Future[NDArray[np.float16]]]] = field(
        default_factory=deque
    )
    unreadable: dict[int, str] = field(default_factory=dict)
    without: dict[bytes, str] = field(default_factory=dict)
    unwritten: list[NDArray[np.float16]] = field(default_factory=list)
    unwritten_digests: list[bytes] = field(default_factory=list)
    measured: dict[bytes, NDArray[np.uint8]] = field(default_factory=dict)
    last_written: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.digests = np.zeros((len(self.rows), DIGEST_BYTES), np.uint8)
        self._report(0)

    def take(self, block: list[Examined], networks: ThreadPoolExecutor) -> None:
        """Hand on what needs the network, in whole batches; write what has come back."""
        for one in block:
            if one.digest:
                self.digests[one.place] = np.frombuffer(one.digest, np.uint8)
            if one.reason is not None and one.digest:
                self.without[one.digest] = one.reason
            elif one.reason is not None:
                self.unreadable[int(self.rows[one.place])] = one.reason
            if one.measured is not None:
                self.measured[one.digest] = one.measured
            if one.prepared is not None:
                self.waiting.append(one)
        self._report(sum(one.prepared is None for one in block))
        size = self.encoder.batch_size
        while len(self.waiting) >= size:
            self._submit(self.waiting[:size], networks)
            self.waiting = self.waiting[size:]
        self._receive(2 * self.encoder.threads)

    def encode_rest(self, networks: ThreadPoolExecutor) -> None:
        """Hand on what is less than a batch."""
        if self.waiting:
            self._submit(self.waiting, networks)
            self.waiting = []

    def finish(self) -> None:
        """Wait for what the network is at work on, and write it."""
        self._receive(0)
        self.write()

    def stop_if(self, signal_number: int) -> None:
        """Write what is done and raise Stopped, if a signal asks for it."""
        if signal_number:
            self.finish()
            raise Stopped(
                f"Stopped: the features of {self.done:,} of {counted(len(self.rows), 'sample')} "
                f"are kept in {self.stored.folder}. The same command goes on from there.",
                signal_number,
            )

    def sweep(self) -> Sweep:
        """What was found out."""
        unreadable = dict(self.unreadable)
        is_read: NDArray[np.bool_] = np.asarray(self.digests.any(axis=1))
        for place in np.flatnonzero(is_read) if self.without else ():
            reason = self.without.get(self.digests[place].tobytes())
            if reason is not None:
                unreadable[int(self.rows[place])] = reason
                is_read[place] = False
        return Sweep(self.rows[is_read], self.digests[is_read], unreadable, self.computed)

    def _submit(self, some: list[Examined], networks: ThreadPoolExecutor) -> None:
        rows = [int(self.rows[one.place]) for one in some]
        self.encoding.append((some, networks.submit(_encode, self.encoder, some, rows)))

    def _receive(self, most: int) -> None:
        """Take what the network gave, until at most so many batches are on their way."""
        while len(self.encoding) > most:
            some, future = self.encoding.popleft()
            self.unwritten.append(future.result())
            self.unwritten_digests += [one.digest for one in some]
            self.computed += len(some)
            self._report(len(some))
        age = time.monotonic() - self.last_written
        size = 2 * self.encoder.width * len(self.unwritten_digests)
        if age > _SECONDS_OF_A_PIECE or size > _BYTES_OF_A_PIECE:
            self.write()

    def write(self) -> None:
        """Write what has come back."""
        self.last_written = time.monotonic()
        if self.kept is not None and self.measured:
            digests = np.frombuffer(b"".join(self.measured), np.uint8)
            self.kept.add(digests.reshape(-1, DIGEST_BYTES), list(self.measured.values()))
            self.measured = {}
        if not self.unwritten:
            return
        digests = np.frombuffer(b"".join(self.unwritten_digests), np.uint8)
        left = len(self.rows) - self.done
        self.stored.add(digests.reshape(-1, DIGEST_BYTES), self.unwritten, left=left)
        self.unwritten, self.unwritten_digests = [], []

    def _report(self, count: int) -> None:
        self.done += count
        if self.on_progress is not None:
            self.on_progress(self.done, len(self.rows))
