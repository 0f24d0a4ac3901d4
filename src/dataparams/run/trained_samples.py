"""The samples of a run as training saw them, read again from its source to be shown to a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import torch

from dataparams.batches import (
    StreamedImages,
    load_images,
    load_rows,
    open_streamed,
    stream_images,
)
from dataparams.errors import RunError
from dataparams.run.applied_changes import applied_changes
from dataparams.run.source import (
    cache_of,
    changed_error,
    differing_labels,
    is_kept,
    source_of,
)
from dataparams.sources.identity import size_words
from dataparams.sources.opening import open_source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.batches import AnyDataset, LabeledImages, Split
    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import Source


def samples_of_run(run: RunFolder, data: str | None = None) -> Split:
    """The samples of a run, as training saw them and as they were then.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.

    Returns:
        The samples of ``samples.parquet``, in its order, in memory or as a stream. In memory, those
        that were discarded before training follow: images are normalized by them, too.

    Raises:
        DataError: If the source is gone or cannot be read.
        RunError: If samples are missing or are not what they were; the message names them.
    """
    description = run.description()
    if is_kept(description):
        raise RunError(
            f"{run.path} was recorded in a loop of somebody's own, whose samples are not here to "
            "be shown to its model."
        )
    arguments = source_of(description, data)
    is_streamed = description["source"].get("loader", "memory") != "memory"
    if is_streamed:
        # What is streamed are images.
        for name in ("data_dir", "text_column", "row_columns", "all_splits"):
            del arguments[name]
        source, prepared = open_streamed(**arguments, cache=cache_of(description, data))
    else:
        source, prepared = open_source(**arguments), None
    samples, known = run.samples(), run.known_contents()
    changes = applied_changes(run.applied_folder, run.path)
    rows = source.ids.find(changes.ids_now(samples["id"]))
    _require_unchanged(run, source, samples["id"].filter(pl.Series(rows < 0)).to_list())
    if known.is_empty:
        _require_unchanged(run, source, differing_labels(run, samples, source).to_list())
        if "content" not in run.columns():
            return _samples_of_older_run(run, source, prepared, is_streamed=is_streamed)
    if is_streamed:
        words = size_words(source.contents.sizes()[rows])
        _require_unchanged(run, source, known.changed_words(samples["id"], words))
        streamed = _streamed(description, source, rows)
        if changes.is_empty:
            return streamed
        return replace(streamed, ids=TextColumn(changes.ids_in_run(list(streamed.ids))))
    loaded = _loaded_again(description, source, rows)
    if not changes.is_empty:
        loaded = replace(loaded, ids=tuple(changes.ids_in_run(loaded.ids)))
    _require_unchanged(run, source, known.changed_words(loaded.ids, loaded.digests))
    return loaded


def _require_unchanged(run: RunFolder, source: Source, changed: Sequence[str]) -> None:
    if changed:
        raise changed_error(run, source.place, changed)


def _streamed(
    description: dict[str, Any], source: Source, rows: NDArray[np.int64]
) -> StreamedImages:
    size, index = description["source"].get("image_size"), torch.from_numpy(rows)
    return StreamedImages(
        source.contents,
        source.labels[index],
        source.ids.take(rows),
        index,
        **({} if size is None else {"image_size": size}),
    )


def _loaded_again(
    description: dict[str, Any], source: Source, rows: NDArray[np.int64]
) -> LabeledImages:
    """Samples in the size and with the channels that they were trained on."""
    settings, shape = description["source"], description.get("image_shape")
    size, index = settings.get("image_size"), torch.from_numpy(rows)
    # Where images of several sizes were made alike, some of them may share one of their own; what
    # is not square was not made alike, and is taken as it is.
    if shape and shape[1] == shape[2]:
        size = shape[1]
    if description.get("cleaned") is not None:
        train, _ = split_rows(source, settings.get("val_frac", 0.1), seed=settings.get("seed", 0))
        index = torch.cat((index, train[~torch.isin(train, index)]))
    loaded = load_rows(source, index, image_size=size)
    return loaded.in_color() if shape and loaded.image_shape[0] < shape[0] else loaded


def _samples_of_older_run(
    run: RunFolder, source: Source, prepared: str | None, *, is_streamed: bool
) -> Split:
    """The training samples of a run that recorded a fingerprint of all data and no contents."""
    description = run.description()
    settings = description["source"]
    how: dict[str, Any] = {
        "val_frac": settings.get("val_frac", 0.1),
        "seed": settings.get("seed", 0),
        "image_size": settings.get("image_size"),
    }
    dataset: AnyDataset = (
        stream_images(source, prepared, **how) if is_streamed else load_images(source, **how)
    )
    if dataset.fingerprint != description.get("fingerprint"):
        raise RunError(
            f"{source.place} is not what {run.path} was trained on (its fingerprint differs); "
            "expected the same images and labels. `data=PATH` says where they lie."
        )
    return dataset.train
