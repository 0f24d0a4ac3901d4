"""The map of all samples by what the model sees in them: made once, beside the server, and kept."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dataparams.errors import RunError, UserError
from dataparams.review.own_process import OwnProcess
from dataparams.review.preparing import npy_of
from dataparams.run.features import RunFeatures, features_of_run
from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.review.samples import ReviewSamples
    from dataparams.run.folder import RunFolder

MOST_IN_THREAD = 500
"""Of so many samples at most the map is made in a thread: it takes less than a second."""
_POINTS, _POSITIONS = "points.npy", "positions.npy"
_SHARE_OF_FEATURES = 0.3
_AT_ONCE = 65_536
_NOTHING_SEEN = (
    "This run has no features to lay samples out by; an audit has, and find_issues(features=...)."
)


@dataclass(frozen=True)
class MapState:
    """How far a map is.

    Attributes:
        state: Whether it is there, being made, impossible, or could not be made.
        share: How much of it is made, 0 ... 1.
        words: Why there is none; empty where there is one, or will be.
    """

    state: Literal["ready", "making", "none", "failed"]
    share: float = 0.0
    words: str = ""


class FeatureMap:
    """Lays all samples out by their features, and keeps the features as short points.

    Args:
        run: The run, whose features are looked for.
        samples: All samples.
        cache: Where what is made lies, in a folder named after the features and the samples.
        is_possible: Whether the run has features that can be read.

    Attributes:
        is_possible: The same.
    """

    def __init__(
        self, run: RunFolder, samples: ReviewSamples, cache: Path, *, is_possible: bool
    ) -> None:
        self._run, self._samples, self.is_possible = run, samples, is_possible
        self._key = _key(run, samples)
        self._folder = cache / f"layout_{self._key}"
        self._process = OwnProcess("the map of all samples")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="layout")
        self._making: Future[None] | None = None
        self._has_points = Event()
        self._share = 0.0
        self._lock = Lock()

    @property
    def folder_name(self) -> str:
        """Name of the folder in which it is kept."""
        return self._folder.name

    def state(self, *, tries_again: bool = False) -> MapState:
        """How far the map is; it is begun where it was not yet.

        Args:
            tries_again: Whether to begin anew where it could not be made.
        """
        if self.positions is not None:
            return MapState("ready", 1.0)
        if not self.is_possible:
            return MapState("none", words=_NOTHING_SEEN)
        making = self._begun()
        error = making.exception() if making.done() else None
        if error is not None and tries_again:
            with self._lock:
                self._making = None
            return self.state()
        if error is not None:
            return MapState("failed", self._share, _words_of(error))
        return MapState("making", self._share)

    @property
    def positions(self) -> NDArray[np.uint16] | None:
        """Where samples lie, (n, 2) by rank; None where that is not known yet."""
        with self._lock:
            if self._positions is None:
                found = _read_positions(self._folder, len(self._samples))
                if found is not None:
                    by_rank: NDArray[np.uint16] = np.empty(found.shape, dtype=np.uint16)
                    by_rank[self._samples.ranks_in_source] = found
                    self._positions = by_rank
            return self._positions

    _positions: NDArray[np.uint16] | None = None

    def points(self, patience: float) -> NDArray[np.float16] | None:
        """Features as points of length 1, (n, d) in the order of the source, left on the disk.

        Args:
            patience: Seconds to wait for them at most where they are being made.

        Returns:
            The points; None where there are none yet, or no features to make them of.
        """
        found = _read_points(self._folder, len(self._samples))
        if found is None and self.is_possible:
            self._begun()
            self._has_points.wait(patience)
            found = _read_points(self._folder, len(self._samples))
        return found

    def close(self) -> None:
        """Make nothing further."""
        self._process.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begun(self) -> Future[None]:
        with self._lock:
            if self._making is None:
                self._making = self._thread.submit(self._make)
            return self._making

    def _make(self) -> None:
        index = self._samples.index[self._samples.ranks_in_source]
        try:
            if len(index) <= MOST_IN_THREAD:
                make_map(self._run, index, self._folder, on_progress=self._hear)
            else:
                self._process.run_told(self._hear, make_map, self._run, index, self._folder)
        finally:
            self._has_points.set()

    def _hear(self, share: float) -> None:
        self._share = share
        if share >= _SHARE_OF_FEATURES:
            self._has_points.set()


def make_map(
    run: RunFolder,
    index: NDArray[np.int64],
    folder: Path,
    on_progress: Callable[[float], None] = lambda _: None,
) -> None:
    """Write the points of some samples, then where they lie; points that are there are kept.

    Args:
        run: The run, which has features.
        index: The samples by their rows in the source, (n,), ascending.
        folder: Where to.
        on_progress: Told the share of the work that is done, 0 ... 1.

    Raises:
        RunError: If the features are gone, or there is no room on the disk.
    """
    # What lays out takes seconds and memory to import, and many ask for no map.
    from dataparams.review.layout import layout

    points = _read_points(folder, len(index))
    if points is None:
        points = short_points(
            _features(run, index, lambda done: on_progress(_SHARE_OF_FEATURES * 0.99 * done))
        )
        write_whole(folder / _POINTS, npy_of(points))
    on_progress(_SHARE_OF_FEATURES)
    rest = 1 - _SHARE_OF_FEATURES
    positions = layout(
        points, on_progress=lambda done: on_progress(_SHARE_OF_FEATURES + rest * 0.99 * done)
    )
    write_whole(folder / _POSITIONS, npy_of(positions))
    on_progress(1.0)


def short_points(features: RunFeatures) -> NDArray[np.float16]:
    """Features in the up to 64 directions in which they differ most, of length 1, (n, d).

    See :class:`dataparams.analysis.feature_space.FeatureSpace`.
    """
    from dataparams.analysis.feature_space import FeatureSpace

    space = FeatureSpace(features)
    pieces = [
        space.of(np.arange(start, min(start + _AT_ONCE, len(space)))).astype(np.float16)
        for start in range(0, len(space), _AT_ONCE)
    ]
    return np.concatenate(pieces)


def _features(
    run: RunFolder, index: NDArray[np.int64], on_progress: Callable[[float], None]
) -> RunFeatures:
    """The features of some samples, in their order."""
    features = features_of_run(run)
    if features is None:
        raise RunError(f"The features of {run.path} are no longer there, so there is no map.")

    def read(places: NDArray[np.integer]) -> NDArray[np.floating]:
        on_progress(float(places.max()) / len(index) if len(places) else 1.0)
        # One picture may have no features that are numbers; the others have their places.
        values: NDArray[np.floating] = np.nan_to_num(
            features.of(index[places]), posinf=0.0, neginf=0.0
        )
        return values

    return RunFeatures(np.arange(len(index)), read)


def _key(run: RunFolder, samples: ReviewSamples) -> str:
    """A name for the features and samples of a run: what is laid out."""
    is_run = (run.path / "run.json").is_file()
    made = run.description().get("audit") if is_run else None
    digest = hashlib.sha256(repr(made).encode(errors="replace"))
    digest.update(np.ascontiguousarray(samples.index[samples.ranks_in_source]).tobytes())
    return digest.hexdigest()[:16]


def _read_points(folder: Path, count: int) -> NDArray[np.float16] | None:
    """The points that were kept, left on the disk; None where they are not what they should be."""
    found = _read(folder / _POINTS)
    is_usable = found is not None and found.ndim == 2 and len(found) == count
    return found if is_usable and found is not None and found.dtype == np.float16 else None


def _read_positions(folder: Path, count: int) -> NDArray[np.uint16] | None:
    """The positions that were kept; None where they are not what they should be."""
    found = _read(folder / _POSITIONS)
    is_usable = found is not None and found.shape == (count, 2) and found.dtype == np.uint16
    return found if is_usable else None


def _read(file: Path) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array


def _words_of(error: BaseException) -> str:
    known = str(error) if isinstance(error, UserError) else type(error).__name__
    return f"The map could not be made: {known}"
