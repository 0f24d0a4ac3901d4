"""The nearest neighbors of an audit's samples by their features, kept in the run folder."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.run.folder import RunFolder

KEPT = 10
"""How many neighbors of each sample are kept."""
_FILE = "neighbors.npy"


def write_neighbors(run: RunFolder, near: NDArray[np.int64]) -> None:
    """Write ``neighbors.npy``.

    Args:
        run: The run folder.
        near: Of each sample its neighbors, (n, k), the nearest first: places in
            ``samples.parquet``. The first ten are kept.

    Raises:
        RunError: If it cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, near[:, :KEPT].astype(np.int32), allow_pickle=False)
    write_whole(run.path / _FILE, stream.getvalue())


def read_neighbors(run: RunFolder, count: int) -> NDArray[np.int32] | None:
    """The neighbors that :func:`write_neighbors` wrote.

    Args:
        run: The run folder.
        count: Number of samples.

    Returns:
        (count, up to 10), the nearest first; None where there are none that can be used.

    Example:
        >>> import tempfile
        >>> from dataparams.run.folder import RunFolder
        >>> run = RunFolder(tempfile.mkdtemp())
        >>> write_neighbors(run, np.array([[1], [0]]))
        >>> read_neighbors(run, 2).tolist(), read_neighbors(run, 3)
        ([[1], [0]], None)
    """
    try:
        near = np.load(run.path / _FILE, allow_pickle=False)
    except (OSError, ValueError):
        return None
    if near.ndim != 2 or len(near) != count or near.dtype != np.int32:
        return None
    is_place = not near.size or 0 <= int(near.min()) <= int(near.max()) < count
    return near if is_place else None
