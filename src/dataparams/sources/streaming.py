"""Opening a data set by what the user calls it, its images left encoded where they are."""

from __future__ import annotations

import glob
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from dataparams.batches.streamed_images import (
    DEFAULT_STREAMED_SIZE,
    EncodedSource,
    StreamedDataset,
    split_source,
)
from dataparams.errors import DataError, UserError
from dataparams.sources.builtin import builtin_name
from dataparams.sources.cache import open_cache
from dataparams.sources.folder import list_folder
from dataparams.sources.hub.tables import HubTable, hub_repository, list_hub, quiet_libraries
from dataparams.sources.loading import from_hub, is_parquet, local_path, require_arguments
from dataparams.sources.parquet import list_parquet
from dataparams.sources.stores import FileStore, TableStore
from dataparams.sources.tables import require_rows
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from dataparams.sources.cache import ImageCache
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.parquet import ParquetListing


def stream_dataset(
    name: str,
    *,
    val_frac: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
    cache: Path | None = None,
    on_fetch: FetchProgress | None = None,
) -> StreamedDataset:
    """Open a labeled image data set whose images stay encoded until a batch needs them.

    Ids, labels, classes and the validation split are those of ``load_dataset``. Tables, of the hub
    and in Parquet files, are read through the Hugging Face library ``datasets``, which keeps a
    copy in its cache that can be read in any order.

    Args:
        name: As in ``load_dataset``, but for the built-in data sets, which fit into memory.
        val_frac: Share of every class to set aside for validation, above 0 and below 1, where the
            data set does not come split.
        seed: What that choice depends on.
        image_size: Height and width of the images that batches bring, in pixels; 224 by default.
        cache: A file of ``write_cache`` to read the images from, in place of the source.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.

    Returns:
        The data set.

    Raises:
        DataError: If nothing of that name is found, what is found cannot be read, or the cache is
            damaged or of another source.
        UserError: If an argument is out of its range.
    """
    require_arguments(val_frac, image_size)
    if cache is None:
        source = open_source(name, on_fetch=on_fetch)
        fingerprint = source.fingerprint()
    else:
        prepared = open_cache(cache)
        _require_same_source(prepared, name, cache)
        source, fingerprint = prepared.source, prepared.fingerprint
    size = image_size or DEFAULT_STREAMED_SIZE
    return split_source(source, fingerprint, val_frac=val_frac, seed=seed, image_size=size)


def open_source(name: str, *, on_fetch: FetchProgress | None = None) -> EncodedSource:
    """Open all encoded images of a data source.

    Args:
        name: The path of an image folder, of a Parquet file or of a folder of such, or a name on
            the Hugging Face hub.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        UserError: If it is the name of a built-in data set.
    """
    if builtin_name(name) is not None:
        raise UserError(
            f"{name} is built in and lies in memory whole; expected an image folder, Parquet, or a "
            "name on the Hugging Face hub to stream or to cache. Give --loader memory for it."
        )
    path = local_path(name)
    if path is None:
        return from_hub(name, partial(_open_hub, on_fetch=on_fetch))
    return _open_parquet(path) if is_parquet(path) else _open_folder(path)


def _open_folder(path: Path) -> EncodedSource:
    listing = list_folder(path)
    ids = TextColumn(listing.ids)
    return EncodedSource(
        name=listing.name,
        class_names=listing.class_names,
        ids=ids,
        labels=listing.labels,
        train_rows=listing.train_rows,
        store=FileStore(path, ids),
        unreadable={},
    )


def _open_hub(name: str, *, on_fetch: FetchProgress | None) -> EncodedSource:
    listing = list_hub(name, on_fetch=on_fetch)
    return _from_tables(listing.name, listing.class_names, listing.labels, listing.tables)


def _open_parquet(path: Path) -> EncodedSource:
    listing = list_parquet(path)
    return _from_tables(
        listing.name, listing.class_names, listing.labels, _read_with_library(path, listing)
    )


def _read_with_library(path: Path, listing: ParquetListing) -> list[HubTable]:
    """Have the library copy Parquet files to where rows can be read in any order."""
    import datasets

    # Paths in a table are relative to its file, so each folder is a table of its own.
    groups: list[tuple[Path, list[str]]] = []
    for split_files in listing.files.values():
        for file in split_files:
            if not groups or groups[-1][0] != file.parent:
                groups.append((file.parent, []))
            groups[-1][1].append(glob.escape(str(file)))
    named = {f"part{number}": files for number, (_, files) in enumerate(groups)}
    try:
        with quiet_libraries():
            loaded: Mapping[str, Any] = datasets.load_dataset("parquet", data_files=named)
    except Exception as error:
        reason = str(error.__cause__ or error).partition("\n")[0].rstrip(".")
        raise DataError(f"{path} cannot be read as Parquet: {reason}.") from error
    return [
        HubTable(loaded[part], listing.image, folder)
        for part, (folder, _) in zip(named, groups, strict=True)
    ]


def _from_tables(
    name: str,
    class_names: tuple[str, ...],
    labels: Mapping[str, Tensor],
    tables: list[HubTable],
) -> EncodedSource:
    require_rows(labels)
    ids = [_row_ids(split, len(classes)) for split, classes in labels.items()]
    return EncodedSource(
        name=name,
        class_names=class_names,
        ids=TextColumn(pa.chunked_array(ids)),
        labels=torch.cat(list(labels.values())),
        train_rows=None if len(labels) == 1 else len(next(iter(labels.values()))),
        store=TableStore(tables),
        unreadable={},
    )


def _row_ids(split: str, count: int) -> pa.Array:
    """The ids ``<split>/<row>``, without making an object of each."""
    numbers = pa.array(np.arange(count)).cast(pa.large_string())
    prefix, nothing = (pa.scalar(text, pa.large_string()) for text in (f"{split}/", ""))
    return pc.binary_join_element_wise(prefix, numbers, nothing)


def _require_same_source(prepared: ImageCache, name: str, file: Path) -> None:
    """Refuse a cache that was made from another source, or from the same before it changed.

    A name on the hub stands for its contents: looking at them would download them.
    """
    path = local_path(name)
    if path is None:
        if not _is_named(prepared, name):
            raise DataError(
                f"The cache {file} was made from {prepared.source_name}, not from {name}. Give "
                f"--dataset {prepared.source_name}, or make a cache of {name}: dataparams cache "
                f"{name} --out FILE."
            )
        return
    if open_source(name).fingerprint() != prepared.source_fingerprint:
        raise DataError(
            f"The cache {file} is not of {name} as it is now: it was made from "
            f"{prepared.source_name}, and names, labels or sizes of the images differ. Make it "
            f"again: dataparams cache {name} --out FILE."
        )


def _is_named(prepared: ImageCache, name: str) -> bool:
    """Whether a cache was made from what has this name, though it may no longer be there."""
    return prepared.source_name in (hub_repository(name), str(Path(name).expanduser().resolve()))


def whole_name(name: str) -> str:
    """A name that means the same data source from any folder.

    Args:
        name: A path, or a name on the hub.
    """
    path = local_path(name)
    return hub_repository(name) if path is None else str(path.resolve())
