"""Features of the contents of a source: those that are kept are read, the others computed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from dataparams.encoders.extraction import Measurements, Sweep, extract
from dataparams.encoders.feature_cache import FeatureCache, StoredFeatures, no_room
from dataparams.encoders.feature_piece import DIGEST_BYTES
from dataparams.encoders.measuring import StoredMeasurements
from dataparams.errors import DataError, RunError, Stopped, UserError
from dataparams.terminal.words import counted, reasons_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.encoders.encoder import Encoder
    from dataparams.encoders.measuring import Measuring
    from dataparams.encoders.row_features import TreeTable
    from dataparams.sources.source import Contents

T = TypeVar("T")
_ROWS_OF_A_SHARE = 1024
MOST_BYTES_IN_MEMORY = 1 << 29
ROWS_AT_ONCE = 4096


class Companions(Protocol):
    """The processes that compute features together."""

    @property
    def rank(self) -> int:
        """Number of this process, ``0 ... count - 1``."""

    @property
    def count(self) -> int:
        """Number of processes."""

    def gathered(self, value: T) -> list[T]:
        """The value of each process, by rank; comes back when all have given theirs."""


class Alone:
    """One process by itself.

    Example:
        >>> Alone().gathered("a")
        ['a']
    """

    rank = 0
    count = 1

    def gathered(self, value: T) -> list[T]:
        """The value."""
        return [value]


@dataclass(frozen=True, eq=False)
class ComputedFeatures:
    """Features that are in the cache, all of those that were wanted.

    Attributes:
        wanted: Rows of the samples, (n,), ascending.
        sweeps: What each process found out about its share.
        stored: The encoder's part of the cache.
    """

    wanted: NDArray[np.int64]
    sweeps: list[Sweep]
    stored: StoredFeatures

    def assembled(self) -> Features:
        """The features in the order of the source, in memory or in a file that is mapped.

        Raises:
            DataError: If more than half of the samples cannot be read.
            RunError: If there is no room for the file, or the cache was emptied meanwhile.
        """
        return _assembled(self.wanted, self.sweeps, self.stored)


@dataclass(frozen=True, eq=False)
class Features:
    """Features of the samples whose contents could be read.

    Attributes:
        values: (m, width), half precision; mapped from the disk where they are many. Row k belongs
            to ``rows[k]``.
        rows: Rows of the source, (m,), ascending.
        digests: What tells each one's content from others, (m,), 32 hexadecimal digits.
        unreadable: Why the others could not be read, by row.
        computed: For how many contents the network was asked, in all processes together.
        for_trees: Rows of a table as trees take them; None for all that is no such row.
        columns: What each column of a table was taken for, by its name.
    """

    values: NDArray[np.float16]
    rows: NDArray[np.int64]
    digests: pl.Series
    unreadable: dict[int, str]
    computed: int
    for_trees: TreeTable | None = None
    columns: dict[str, str] | None = None


def features_of(
    contents: Contents,
    rows: Sequence[int] | NDArray[np.int64],
    encoder: Encoder,
    cache: FeatureCache,
    *,
    measuring: Measuring | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], int] = lambda: 0,
    companions: Companions | None = None,
) -> Features:
    """Compute the features of some samples, of each content once and never again.

    What is stored together is read together, once. Contents that are the same, whatever they are
    called, are encoded once. What is computed is written every 15 seconds, so that a process that
    is killed goes on from there. A feature does not depend on which contents are encoded beside
    it; networks compute slightly other numbers on other devices.

    Args:
        contents: The contents.
        rows: Rows of those wanted, each once.
        encoder: The network.
        cache: Where features are kept.
        measuring: What is measured of pictures while they are decoded, and kept beside features.
        on_progress: Called with the number of samples done and of all (of this process's share);
            what is in the cache is done.
        should_stop: Asked between batches; the number of the signal that asks to stop, 0 for none.
        companions: Other processes that call this with the same arguments: each computes its
            share, and all get all features. They share the cache's folder.

    Returns:
        The features, in the order of the source.

    Raises:
        DataError: If more than half of the samples cannot be read, or the encoder gives something
            that is no number.
        RunError: If the cache cannot be written. What was written before is kept.
        Stopped: If ``should_stop`` said so. What was computed is written first.
    """
    computed = compute_features(
        contents,
        rows,
        encoder,
        cache,
        measuring=measuring,
        on_progress=on_progress,
        should_stop=should_stop,
        companions=companions,
    )
    return computed.assembled()


def compute_features(
    contents: Contents,
    rows: Sequence[int] | NDArray[np.int64],
    encoder: Encoder,
    cache: FeatureCache,
    *,
    measuring: Measuring | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], int] = lambda: 0,
    companions: Companions | None = None,
) -> ComputedFeatures:
    """Have the features of some samples in the cache, without reading them from there.

    That is enough for a process that computes its share for another one; otherwise as
    :func:`features_of`, which takes the same arguments and raises the same errors.
    """
    together = companions or Alone()
    wanted = np.unique(np.asarray(rows, dtype=np.int64))
    share = wanted[np.arange(len(wanted)) // _ROWS_OF_A_SHARE % together.count == together.rank]
    opened: list[StoredFeatures] = []
    kept: list[StoredMeasurements] = []

    def compute() -> Sweep:
        opened.append(cache.open(encoder))
        if measuring is not None:
            kept.append(StoredMeasurements(cache, measuring))
        return extract(
            encoder,
            opened[0],
            contents,
            share,
            measurements=Measurements(measuring, kept[0]) if measuring and kept else None,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    sweeps = _swept(together, compute)
    (stored,) = opened
    if together.rank == 0:
        stored.merge()
        for one in kept:
            one.merge()
    together.gathered(None)
    stored.refresh()
    return ComputedFeatures(wanted, sweeps, stored)


def _swept(together: Companions, compute: Callable[[], Sweep]) -> list[Sweep]:
    """What each process computed; an error of one is raised in all, and none waits for ever."""
    outcome: Sweep | _Failure
    error: BaseException | None = None
    try:
        outcome = compute()
    except BaseException as raised:
        if together.count == 1:
            raise
        error = raised
        outcome = _Failure.of(raised)
    outcomes = together.gathered(outcome)
    if error is not None:
        raise error
    for rank, one in enumerate(outcomes):
        if isinstance(one, _Failure):
            raise one.error(f"Process {rank} of {together.count}")
    return [one for one in outcomes if isinstance(one, Sweep)]


@dataclass(frozen=True)
class _Failure:
    """Why a process has no features; exceptions themselves do not all travel."""

    kind: str
    message: str
    exit_code: int | None
    is_stop: bool

    @classmethod
    def of(cls, error: BaseException) -> _Failure:
        exit_code = error.exit_code if isinstance(error, UserError | Stopped) else None
        return cls(type(error).__name__, str(error), exit_code, isinstance(error, Stopped))

    def error(self, process: str) -> RunError | Stopped:
        """What the other processes raise, so that all end with the same exit code."""
        if self.is_stop and self.exit_code is not None:
            return Stopped(self.message, self.exit_code - 128)
        if self.exit_code is None:
            return RunError(f"{process} failed: {self.kind}: {self.message}")
        told = RunError(f"{process} failed: {self.message}")
        told.exit_code = self.exit_code
        return told


def _assembled(wanted: NDArray[np.int64], sweeps: list[Sweep], stored: StoredFeatures) -> Features:
    if not len(wanted):
        raise DataError("There is no sample to compute features of.")
    unreadable = {row: reason for sweep in sweeps for row, reason in sweep.unreadable.items()}
    if 2 * len(unreadable) > len(wanted) or len(unreadable) == len(wanted):
        raise DataError(
            f"{len(unreadable):,} of {counted(len(wanted), 'sample')} cannot be read: "
            f"{reasons_text(unreadable.values())}."
        )
    rows = np.concatenate([sweep.rows for sweep in sweeps])
    order = np.argsort(rows)
    digests = np.concatenate([sweep.digests for sweep in sweeps])[order]
    return Features(
        values=read_features(digests, stored),
        rows=rows[order],
        digests=_words(digests),
        unreadable=dict(sorted(unreadable.items())),
        computed=sum(sweep.computed for sweep in sweeps),
    )


def read_features(digests: NDArray[np.uint8], stored: StoredFeatures) -> NDArray[np.float16]:
    """Features in the order of some digests: in memory, or in a file that nobody else sees.

    Args:
        digests: Of contents whose features are kept, (n, 16), uint8.
        stored: Where they are kept.

    Raises:
        RunError: If there is no room for the file, or the cache was emptied meanwhile.
    """
    shape = len(digests), stored.width
    size = 2 * shape[0] * shape[1]
    if size <= MOST_BYTES_IN_MEMORY:
        return _read(digests, stored)
    try:
        with tempfile.TemporaryFile(dir=stored.folder) as file:
            for start in range(0, len(digests), ROWS_AT_ONCE):
                file.write(_read(digests[start : start + ROWS_AT_ONCE], stored).data)
            file.flush()
            return np.memmap(file, np.float16, mode="r", shape=shape)
    except OSError as error:
        raise no_room(error, stored.folder, len(digests), size) or UserError(
            f"{stored.folder} cannot be used: {error.strerror or error}."
        ) from error


def _read(digests: NDArray[np.uint8], stored: StoredFeatures) -> NDArray[np.float16]:
    try:
        return stored.read(digests)
    except (KeyError, FileNotFoundError):
        raise RunError(
            f"Features that were in {stored.folder} are gone: somebody removed them, or the "
            "processes do not share that folder. Give the same command again."
        ) from None


def _words(digests: NDArray[np.uint8]) -> pl.Series:
    import polars as pl

    letters = 2 * DIGEST_BYTES
    text = digests.tobytes().hex()
    words = [text[at : at + letters] for at in range(0, len(text), letters)]
    return pl.Series("content", words, dtype=pl.String)
