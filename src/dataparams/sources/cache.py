"""A data set prepared once: smaller images in one file that is read in any order.

The file is an Arrow IPC file, which Arrow's libraries for other languages read as well. It has a
row per sample of the source: the image as a JPEG or PPM file, id, label, and why there is no image
where there is none. Its metadata tell of the source.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, require_image
from dataparams.contents.pixmap import to_pixmap
from dataparams.contents.region_decoding import (
    resized_jpeg,
    resized_pixels,
)
from dataparams.errors import ArgumentError, DataError, RunError, is_finite
from dataparams.sources.arrow_types import numpy_array
from dataparams.sources.reading_processes import read_in_processes
from dataparams.sources.source import Contents, LeftOut, Source, require_image_source
from dataparams.sources.text_column import TextColumn
from dataparams.terminal.words import counted, reasons_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

_FORMAT = 1
_KEY = b"dataparams.image_cache"
_ROWS_AT_ONCE = 64
_NAMES = 100
_LARGEST_SIDE, _MOST_PROCESSES = 4096, 1024
_COLUMNS = {
    "image": pa.large_binary(),
    "id": pa.large_string(),
    "label": pa.int64(),
    "reason": pa.large_string(),
}


@dataclass(frozen=True, eq=False)
class ImageCache:
    """An opened cache.

    Attributes:
        source: Its images, as those of a data source.
        source_name: What the source was called: a path, or a name on the hub.
        source_fingerprint: The source's own.
        fingerprint: Of the source and of how its images were prepared.
        size: Pixels of the images' shorter side.
        encoding: Such as ``JPEG 90``, or ``raw``.
    """

    source: Source
    source_name: str
    source_fingerprint: str
    fingerprint: str
    size: int
    encoding: str


@dataclass(frozen=True)
class CacheSummary:
    """What was written.

    Attributes:
        images: Number of images.
        unreadable: Number of samples without one.
        num_bytes: Size of the file.
    """

    images: int
    unreadable: int
    num_bytes: int


# --- writing -------------------------------------------------------------------------------------


def require_cache_settings(size: int, quality: int | None, workers: int | None) -> None:
    """Check the numbers that a cache is made by.

    Args:
        size: As of :func:`write_cache`, as the others.
        quality: None keeps the pixels.
        workers: None for one per core.

    Raises:
        ArgumentError: If one is out of its range.
    """
    for name, value, least, most in (
        ("size", size, 1, _LARGEST_SIDE),
        ("quality", quality, 1, 100),
        ("workers", workers, 0, _MOST_PROCESSES),
    ):
        if value is not None and not (is_finite(value) and least <= value <= most):
            raise ArgumentError(
                f"`{name}` is {value}; expected a whole number, {least} ... {most}."
            )


def write_cache(
    source: Source,
    out: Path,
    *,
    size: int = 256,
    quality: int | None = 90,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CacheSummary:
    """Decode, shrink and write all images of a source, in little memory.

    Args:
        source: The images.
        out: The file to write; it appears when it is whole.
        size: Pixels to which the shorter side is resized, 1 ... 4096; smaller images keep theirs.
        quality: Of the JPEG files, 1 ... 100; None keeps the pixels as they are. A JPEG file that
            is small enough already is kept as it is.
        workers: Number of processes; by default one per core.
        overwrite: Replace ``out`` where it exists.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        What was written.

    Raises:
        ArgumentError: If a number is out of its range.
        RunError: If ``out`` exists, or cannot be written.
        DataError: If most images are unreadable.
    """
    require_cache_settings(size, quality, workers)
    require_image_source(source)
    require_absent(out, overwrite=overwrite)
    encoding = "raw" if quality is None else f"JPEG {quality}"
    metadata = {
        "format": _FORMAT,
        "name": source.name,
        "class_names": source.class_names,
        "rows": len(source.ids),
        "train_rows": source.train_rows,
        "split_names": source.split_names,
        "columns": dict(source.columns),
        "kind": source.kind,
        "left_out": [(one.reason, list(one.names[:_NAMES]), one.count) for one in source.left_out],
        "notes": source.notes,
        "source_name": source.place,
        "source_fingerprint": source.fingerprint(),
        "size": size,
        "encoding": encoding,
    }
    temporary = out.with_name(f".{out.name}.{uuid4().hex}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            unreadable = _write_rows(
                source, temporary, metadata, _Preparation(source.contents, size, quality), workers,
                on_progress,
            )  # fmt: skip
            require_absent(out, overwrite=overwrite)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    return CacheSummary(len(source.ids) - unreadable, unreadable, out.stat().st_size)


def require_absent(out: Path, *, overwrite: bool) -> None:
    """Raise RunError if a file exists that may not be replaced.

    Args:
        out: The file.
        overwrite: Whether it may be.
    """
    if out.is_dir():
        raise RunError(f"{out} is a folder; expected the name of a file for `out`.")
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists already. Choose another `out`, or give `overwrite=True`.")


def _write_rows(
    source: Source,
    file: Path,
    metadata: dict[str, Any],
    preparation: _Preparation,
    workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> int:
    """Write the rows as they come from the processes; returns the number without an image."""
    total = len(source.ids)
    bounds = [*range(0, total, _ROWS_AT_ONCE), total]
    jobs = [range(start, stop) for start, stop in pairwise(bounds)]
    schema = pa.schema(list(_COLUMNS.items()), metadata={_KEY: json.dumps(metadata)})
    reasons: list[str] = []
    with file.open("wb") as stream, pa.ipc.new_file(stream, schema) as writer:
        blocks = read_in_processes(preparation, jobs, workers)
        for rows, block in zip(jobs, blocks, strict=True):
            reasons += [cell for cell in block if isinstance(cell, str)]
            writer.write_batch(_record_batch(source, rows, block, schema))
            if on_progress is not None:
                on_progress(rows.stop, total)
        if 2 * len(reasons) > total:
            raise DataError(
                f"{len(reasons):,} of {counted(total, 'image')} cannot be read: "
                f"{reasons_text(reasons)}."
            )
        writer.close()
        stream.flush()
        os.fsync(stream.fileno())
    return len(reasons)


def _record_batch(
    source: Source, rows: range, block: list[bytes | str], schema: pa.Schema
) -> pa.RecordBatch:
    columns = [
        [cell if isinstance(cell, bytes) else None for cell in block],
        source.ids.arrow.slice(rows.start, len(rows)),
        source.labels[rows.start : rows.stop].numpy(),
        [cell if isinstance(cell, str) else None for cell in block],
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, kind)
        for column, kind in zip(columns, schema.types, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


class _Preparation(torch.utils.data.Dataset[list["bytes | str"]]):
    """A dataset whose items are prepared images; it is sent to worker processes."""

    def __init__(self, contents: Contents, size: int, quality: int | None) -> None:
        self._contents, self._size, self._quality = contents, size, quality

    def __getitem__(self, rows: Sequence[int]) -> list[bytes | str]:
        return [self._prepare(content) for content in self._contents.read(rows)]

    def _prepare(self, content: Content | UnreadableContentError) -> bytes | str:
        """An image as it is kept, or the reason why there is none."""
        try:
            data = bytes(require_image(content).encoded())
            if self._quality is None:
                return to_pixmap(resized_pixels(data, self._size))
            return resized_jpeg(data, self._size, self._quality)
        except UnreadableContentError as error:
            return str(error)


# --- reading -------------------------------------------------------------------------------------


class CacheContents(Contents):
    """The images of a cache; each process that reads maps the file for itself.

    Args:
        file: The cache.
    """

    def __init__(self, file: Path) -> None:
        self._file = file.resolve()
        self._opened: tuple[list[pa.Array], list[pa.Array], NDArray[np.int64]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_file": self._file, "_opened": None}

    def __len__(self) -> int:
        return int(self._chunks()[2][-1])

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """View some images in the file, none copied."""
        images, reasons, starts = self._chunks()
        read: list[Content | UnreadableContentError] = []
        for row, chunk in zip(rows, np.searchsorted(starts, rows, "right") - 1, strict=True):
            place = row - int(starts[chunk])
            buffer = images[chunk][place].as_buffer()
            if buffer is None:
                read.append(UnreadableContentError(reasons[chunk][place].as_py() or "no image"))
            else:
                read.append(EncodedImage(memoryview(buffer)))
        return read

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image, -1 where there is none."""
        import pyarrow.compute as pc

        images = pa.chunked_array(self._chunks()[0], pa.large_binary())
        lengths = pc.fill_null(pc.binary_length(images), -1)
        return np.asarray(numpy_array(lengths), dtype=np.int64)

    def _chunks(self) -> tuple[list[pa.Array], list[pa.Array], NDArray[np.int64]]:
        if self._opened is None:
            table, _ = _read_table(self._file)
            images, reasons = table["image"].chunks, table["reason"].chunks
            starts = np.cumsum([0, *map(len, images)], dtype=np.int64)
            self._opened = images, reasons, starts
        return self._opened


def open_cache(file: Path) -> ImageCache:
    """Open a cache, mapping it into memory.

    Args:
        file: What ``write_cache`` wrote.

    Returns:
        The cache; of its images none is looked at.

    Raises:
        DataError: If there is none, or it is damaged or not whole.
    """
    if not file.is_file():
        raise DataError(
            f"There is no cache {file}. Make one: dataparams cache DATASET --out {file}"
        )
    table, known = _read_table(file)
    reasons = table["reason"]
    without = np.flatnonzero(np.asarray(table["image"].is_null()))
    source = Source(
        kind=f"{known['kind']}, read from a cache" if "kind" in known else "cache",
        place=known["source_name"],
        name=known["name"],
        class_names=tuple(known["class_names"]),
        ids=TextColumn(table["id"]),
        labels=torch.from_numpy(numpy_array(table["label"]).copy()),
        train_rows=known["train_rows"],
        contents=CacheContents(file),
        split_names=tuple(known.get("split_names", ())),
        columns=known.get("columns", {}),
        left_out=tuple(LeftOut(*one) for one in known.get("left_out", ())),
        notes=tuple(known.get("notes", ())),
        unreadable={row: reasons[row].as_py() or "no image" for row in without.tolist()},
    )
    made = f"{known['source_fingerprint']} {known['size']} {known['encoding']}"
    return ImageCache(
        source=source,
        source_name=known["source_name"],
        source_fingerprint=known["source_fingerprint"],
        fingerprint=hashlib.sha256(made.encode()).hexdigest(),
        size=known["size"],
        encoding=known["encoding"],
    )


def _read_table(file: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Map a cache, after checks without which a damaged file could end the process."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
        table.validate(full=True)
        known = json.loads(table.schema.metadata[_KEY])
        is_sound = dict(zip(table.column_names, table.schema.types, strict=True)) == _COLUMNS
        is_sound &= known["format"] == _FORMAT and known["rows"] == len(table)
        _require_labels(table, known)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(_damaged(file, str(error).partition("\n")[0].rstrip("."))) from error
    if not is_sound:
        raise DataError(_damaged(file, "its columns or its length are not as written"))
    return table, known


def _require_labels(table: pa.Table, known: dict[str, Any]) -> None:
    labels, train_rows = numpy_array(table["label"]), known["train_rows"]
    if not len(labels) or not 0 <= labels.min() <= labels.max() < len(known["class_names"]):
        raise ValueError("labels are out of range")
    if train_rows is not None and not 0 < train_rows < len(labels):
        raise ValueError("the number of training samples is out of range")


def _damaged(file: Path, reason: str) -> str:
    return (
        f"{file} is damaged, not whole, or not a cache of this program ({reason}). Make it again: "
        "dataparams cache DATASET --out FILE --overwrite."
    )
