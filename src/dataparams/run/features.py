"""The features that an audit's heads were trained on, found again where they are kept."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataparams.encoders.feature_cache import FeatureCache, StoredFeatures
from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder

    Read = Callable[[NDArray[np.int64]], NDArray[np.floating]]


KEPT_FEATURES = "features.npy"
"""Where a run folder keeps features that lie nowhere else."""


class RunFeatures:
    """Features of an audit's samples, read on demand.

    Args:
        index: Rows of the samples in the source, (n,), none twice.
        read: Gives features, (m, d), of samples by their places among these, (m,).

    Example:
        >>> table = np.arange(6.0).reshape(3, 2)
        >>> features = RunFeatures(np.array([7, 2, 5]), lambda places: table[places])
        >>> len(features), features[1:].tolist(), features.of(np.array([5])).tolist()
        (3, [[2.0, 3.0], [4.0, 5.0]], [[4.0, 5.0]])
    """

    def __init__(self, index: NDArray[np.int64], read: Read) -> None:
        self._order = np.argsort(index)
        self._sorted = index[self._order]
        self._read = read

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, places: slice | NDArray[np.integer]) -> NDArray[np.floating]:
        """Features of the samples at some places, (m, d)."""
        return self._read(np.arange(len(self))[places])

    def of(self, index: NDArray[np.int64]) -> NDArray[np.floating]:
        """Features of samples by their rows in the source, (m, d)."""
        return self._read(self._order[np.searchsorted(self._sorted, index)])

    def ordered(self, index: NDArray[np.int64]) -> RunFeatures:
        """The same features in another order, read on demand too.

        Args:
            index: Rows of samples in the source, none twice.
        """
        return RunFeatures(index, lambda places: self.of(index[places]))


def features_of_run(run: RunFolder) -> RunFeatures | None:
    """Features of the samples that an audit judged, in the order of ``samples.parquet``.

    Args:
        run: The run folder.

    Returns:
        The features; None where they are no longer there, or the run is no audit.
    """
    made = run.description().get("audit", {})
    encoder, width = made.get("encoder") or {}, made.get("width")
    contents = run.contents()
    index = contents["index"].to_numpy().astype(np.int64)
    if encoder.get("is_kept") is True:
        read = _kept(run.path / KEPT_FEATURES, len(index), width)
    elif isinstance(encoder.get("features"), str):
        rows = _rows_of_ids(contents["id"]) if run.content_kind() is None else index
        read = _from_file(Path(encoder["features"]), rows, width)
    elif isinstance(encoder.get("key"), str) and isinstance(width, int):
        read = _from_cache(FeatureCache().folder / encoder["key"], width, contents["content"])
    else:
        read = None
    return None if read is None else RunFeatures(index, read)


def _rows_of_ids(ids: pl.Series) -> NDArray[np.int64]:
    """Rows of features by ids such as ``train/7``, where there are more features than labels."""
    rows: NDArray[np.int64] = ids.str.split("/").list.last().cast(int).to_numpy()
    return rows


def write_kept_features(run: RunFolder, features: NDArray[np.floating]) -> None:
    """Write ``features.npy``: features of the samples of a run that lie nowhere else.

    Args:
        run: The run folder.
        features: In the order of ``samples.parquet``, (n, d).

    Raises:
        RunError: If it cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, features, allow_pickle=False)
    write_whole(run.path / KEPT_FEATURES, stream.getvalue())


def _kept(path: Path, count: int, width: object) -> Read | None:
    """Features of all samples of the run, in their order."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return (lambda places: np.asarray(values[places])) if values.shape == (count, width) else None


def _from_file(path: Path, index: NDArray[np.int64], width: object) -> Read | None:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    if values.ndim != 2 or values.shape[1] != width or len(values) <= index.max():
        return None
    return lambda places: np.asarray(values[index[places]])


def _from_cache(folder: Path, width: int, words: pl.Series) -> Read | None:
    if not folder.is_dir() or words.null_count():
        return None
    digests = np.frombuffer(bytes.fromhex(words.str.join("")[0]), np.uint8).reshape(len(words), -1)
    stored = StoredFeatures(folder, width)
    if not stored.has(digests).all():
        return None
    return lambda places: stored.read(digests[places])
