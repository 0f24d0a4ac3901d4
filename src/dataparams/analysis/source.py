"""The data source of a run, as ``run.json`` tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.batches import load_dataset, open_pictures, stream_dataset
from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.analysis.result import Pictures
    from dataparams.batches import AnyDataset


def dataset_of(description: dict[str, Any], dataset: AnyDataset | None = None) -> AnyDataset:
    """The data set that a run was trained on, in memory or as a stream, as it was then.

    Args:
        description: The contents of ``run.json``.
        dataset: The data set, where it is open; otherwise it is opened.

    Raises:
        DataError: If it cannot be opened.
        RunError: If its contents are not what they were.
    """
    if dataset is None:
        dataset = _opened(description)
    if dataset.fingerprint != description.get("fingerprint"):
        raise RunError(
            f"The data set {dataset.name} is not what the run was trained on (its fingerprint "
            "differs); expected the same images and labels."
        )
    return dataset


def _opened(description: dict[str, Any]) -> AnyDataset:
    arguments = source_of(description)
    source = description["source"]
    image_size = source.get("image_size")
    if source.get("loader", "memory") == "memory":
        return load_dataset(**arguments, image_size=image_size)
    del arguments["data_dir"]
    return stream_dataset(**arguments, image_size=image_size, cache=_cache(description))


class PicturesOfRun:
    """The original pictures of a run's data source, which is opened when the first is wanted.

    Args:
        description: The contents of ``run.json``.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        self._opened: Pictures | None = None

    def read(self, ids: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        """The pictures of some samples; None where one is unreadable.

        Raises:
            DataError: If the data source is gone.
        """
        if self._opened is None:
            source = source_of(self._description)
            self._opened = open_pictures(**source, cache=_cache(self._description))
        return self._opened.read(ids)


def source_of(description: dict[str, Any]) -> dict[str, Any]:
    """What tells a run's data source from others, as arguments of what reads it.

    Args:
        description: The contents of ``run.json``.

    Raises:
        RunError: If it does not tell where the data came from.
    """
    source = description.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("name"), str):
        raise RunError("run.json does not say where the data came from; expected a 'source'.")
    return {
        "name": source["name"],
        "data_dir": Path(source.get("data_dir", "data")),
        "val_frac": source.get("val_frac", 0.1),
        "seed": source.get("seed", 0),
    }


def _cache(description: dict[str, Any]) -> Path | None:
    """The file of prepared images that a run was trained from, if it was.

    Args:
        description: The contents of ``run.json``.
    """
    cache = description["source"].get("cache")
    return Path(cache) if isinstance(cache, str) else None
