"""Features that were computed elsewhere, in a NumPy file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import ArgumentError
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_FORMAT = b"\x93NUMPY"
_EXPECTED = (
    "expected a .npy file with a row of numbers for each sample (numpy.save of a float16, float32 "
    "or float64 array, samples x numbers)"
)
_KINDS = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))
_NUMBERS_AT_ONCE = 1 << 24


def read_ready_features(path: Path, count: int) -> NDArray[Any]:
    """Features of all samples of a source, memory-mapped; no code in the file is run.

    Args:
        path: A ``.npy`` file with a row per sample, in the order of the source.
        count: Number of samples of the source.

    Returns:
        The features, (count, d), float16, float32 or float64.

    Raises:
        ArgumentError: If it is not such a file, has another number of rows, or has numbers that are
            infinite or NaN.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "features.npy"
        >>> np.save(path, np.zeros((3, 8), np.float32))
        >>> read_ready_features(path, 3).shape
        (3, 8)
    """
    features = _mapped(path)
    if features.ndim != 2 or features.dtype.newbyteorder("=") not in _KINDS:
        shape = " x ".join(map(str, features.shape)) or "one number"
        raise ArgumentError(
            f"`features` is {path}, which holds {features.dtype} in the shape {shape}; {_EXPECTED}."
        )
    if not features.shape[1]:
        raise ArgumentError(f"`features` is {path}, whose rows have no numbers; {_EXPECTED}.")
    if len(features) != count:
        raise ArgumentError(
            f"`features` is {path}, which has {counted(len(features), 'row')}; expected "
            f"{count:,}, one for each sample of the source, in its order."
        )
    _require_finite(features, path)
    return features


def ready_features_count(path: Path) -> int:
    """Number of rows of a ``.npy`` file of features; 0 where it has no rows.

    Raises:
        ArgumentError: If it is no such file.
    """
    shape = _mapped(path).shape
    return int(shape[0]) if shape else 0


def _mapped(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            is_numpy = file.read(len(_FORMAT)) == _FORMAT
        if not is_numpy:
            raise ArgumentError(f"`features` is {path}, which is not a .npy file; {_EXPECTED}.")
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArgumentError(
            f"`features` is {path}, which cannot be read ({reason}); {_EXPECTED}."
        ) from None
    except (ValueError, SyntaxError, EOFError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ArgumentError(
            f"`features` is {path}, which is damaged or holds objects ({reason}); {_EXPECTED}."
        ) from None
    return mapped


def _require_finite(features: NDArray[Any], path: Path) -> None:
    rows_at_once = max(1, _NUMBERS_AT_ONCE // features.shape[1])
    bad: list[int] = []
    for start in range(0, len(features), rows_at_once):
        is_finite = np.isfinite(features[start : start + rows_at_once]).all(axis=1)
        bad += (start + np.flatnonzero(~is_finite)).tolist()
    if bad:
        verb = "holds" if len(bad) == 1 else "hold"
        raise ArgumentError(
            f"`features` is {path}, in which {counted(len(bad), 'row')} of {len(features):,} "
            f"{verb} infinite numbers or NaN, first row {bad[0]:,} (counted from "
            "0); expected finite numbers."
        )
