"""The features that an audit's heads were trained on, found again in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataparams.encoders.feature_cache import FeatureCache, StoredFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.runs import RunFolder


def features_of_run(run: RunFolder, index: NDArray[np.int64]) -> NDArray[np.floating] | None:
    """Features of some samples of an audit.

    Args:
        run: The run folder.
        index: Rows of the samples in the source, (n,).

    Returns:
        (n, d), perhaps mapped from disk; None where they are no longer there, or the run is no
        audit.
    """
    encoder = run.description().get("audit", {}).get("encoder", {})
    if "features" in encoder:
        try:
            return _ready_features(Path(encoder["features"]))[index]
        except (OSError, ValueError, IndexError):
            return None
    width = run.description().get("audit", {}).get("width")
    if not isinstance(encoder.get("key"), str) or not isinstance(width, int):
        return None
    contents = run.contents()
    order = np.argsort(contents["index"].to_numpy())
    places = order[np.searchsorted(contents["index"].to_numpy()[order], index)]
    words = contents["content"].gather(places).to_list()
    folder = FeatureCache().folder / encoder["key"]
    if not folder.is_dir() or None in words:
        return None
    digests = np.frombuffer(bytes.fromhex("".join(words)), np.uint8).reshape(len(words), -1)
    try:
        return StoredFeatures(folder, width).read(digests)
    except (KeyError, FileNotFoundError):
        return None


def _ready_features(path: Path) -> NDArray[np.floating]:
    values: NDArray[np.floating] = np.load(path, mmap_mode="r", allow_pickle=False)
    return values
