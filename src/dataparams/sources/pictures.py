"""The original pictures of a few samples, read from the data source when they are looked at."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from functools import partial
from itertools import accumulate
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dataparams.batches.decoding import decoding_threads
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import decode_whole, shrink_pixels
from dataparams.errors import DataError
from dataparams.sources.builtin import builtin_name
from dataparams.sources.cache import open_cache
from dataparams.sources.folder import is_image_file, require_images
from dataparams.sources.hub.tables import open_hub_images
from dataparams.sources.loading import from_hub, is_parquet, load_dataset, local_path
from dataparams.sources.parquet import encoded_image, files_by_split, find_image_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.analysis.result import Pictures
    from dataparams.batches.labeled_images import ImageDataset
    from dataparams.contents.image_files import EncodedImage
    from dataparams.sources.hub.tables import HubImages

_ROW_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_ROWS_AT_ONCE = 64


def open_pictures(
    name: str,
    *,
    data_dir: Path = Path("data"),
    val_frac: float = 0.1,
    seed: int = 0,
    longest_side: int = 640,
    cache: Path | None = None,
) -> Pictures:
    """Open the pictures of a data set, to read those of some samples by their ids.

    Ids are those of ``load_dataset`` with the same arguments, of either split. Pictures come in
    the source's own resolution, upright, in color, with transparency on white. One that is
    missing or damaged is None, as is one whose id the source does not have.

    Reading looks at no more of the source than it must; built-in data sets are loaded whole by the
    first reading, which then raises what ``load_dataset`` does.

    Args:
        name: What ``load_dataset`` was called with.
        data_dir: Where built-in data sets are kept and downloaded to.
        val_frac: Share of every class that was set aside for validation.
        seed: What that choice depended on.
        longest_side: Pixels of a picture's longer side at most; smaller ones keep their size.
        cache: A file of ``write_cache`` to read from where the source is not a local path that is
            still there.

    Returns:
        What reads pictures.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
        ValueError: If ``longest_side`` is not positive.

    Example:
        >>> pictures = open_pictures("digits")
        >>> digit, nothing = pictures.read(["digits/0", "digits/5000"])
        >>> digit.shape, nothing
        ((8, 8, 3), None)
    """
    if longest_side < 1:
        raise ValueError(f"longest_side is {longest_side}; expected a number of pixels, 1 or more.")
    if builtin_name(name) is not None:
        load = partial(load_dataset, name, data_dir=data_dir, val_frac=val_frac, seed=seed)
        return _LoadedPictures(load, longest_side)
    if cache is not None and local_path(name) is None:
        return _EncodedPictures(_CacheSource(cache), longest_side)
    return _EncodedPictures(open_encoded(name), longest_side)


class Found(NamedTuple):
    """A few encoded images, and the positions of their ids among those that were sought."""

    positions: list[int]
    images: list[EncodedImage]


class EncodedImages(Protocol):
    """Where the encoded images of a data source are read from."""

    def find(self, ids: Sequence[str]) -> Iterable[Found]:
        """Find images a few at a time, in the source's order; ids without one are left out."""


def open_encoded(name: str) -> EncodedImages:
    """Open the encoded images of a data set that is not built in, bytes and files as they are.

    Args:
        name: What ``load_dataset`` was called with.

    Returns:
        What reads them by id, and no more of the source than it must.

    Raises:
        DataError: If nothing of that name is found, or what is found cannot be read.
    """
    path = local_path(name)
    if path is None:
        return _HubSource(from_hub(name, open_hub_images))
    return _ParquetSource(path) if is_parquet(path) else _FolderSource(path)


class _EncodedPictures:
    """Pictures that are decoded when they are read."""

    def __init__(self, source: EncodedImages, longest_side: int) -> None:
        self._source = source
        self._longest_side = longest_side

    def _decode(self, image: EncodedImage) -> NDArray[np.uint8] | None:
        try:
            return decode_whole(image, self._longest_side)
        except UnreadableContentError:
            return None

    def read(self, ids: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        """The pictures of some samples, (height, width, 3) each; None where one is unreadable."""
        with decoding_threads() as pool:
            # Some are decoded while the next are read.
            decoded = {
                position: pool.submit(self._decode, image)
                for found in self._source.find(ids)
                for position, image in zip(found.positions, found.images, strict=True)
            }
            return [decoded[i].result() if i in decoded else None for i in range(len(ids))]


class _LoadedPictures:
    """Pictures of a data set that is small enough to be kept in memory."""

    def __init__(self, load: Callable[[], ImageDataset], longest_side: int) -> None:
        self._load = load
        self._longest_side = longest_side
        self._pixels: dict[str, NDArray[np.uint8]] | None = None

    def read(self, ids: Sequence[str]) -> list[NDArray[np.uint8] | None]:
        """The pictures of some samples, (height, width, 3) each; None where there is none."""
        if self._pixels is None:
            dataset = self._load()
            self._pixels = {
                sample: pixels
                for split in (dataset.train, dataset.val)
                for sample, pixels in zip(split.ids, split.images.numpy(), strict=True)
            }
        found = map(self._pixels.get, ids)
        return [None if pixels is None else self._to_color(pixels) for pixels in found]

    def _to_color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        plain = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
        return shrink_pixels(plain, self._longest_side)


# --- image folders -------------------------------------------------------------------------------


class _FolderSource:
    def __init__(self, path: Path) -> None:
        require_images(path)
        self._path = path

    def find(self, ids: Sequence[str]) -> Iterator[Found]:
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            found = Found([], [])
            for position, sample in enumerate(ids[start : start + _ROWS_AT_ONCE], start):
                file = self._path / sample
                # A named pipe would be waited for. os.path takes names that pathlib raises for.
                if _is_image_id(sample) and os.path.isfile(file):  # noqa: PTH113
                    found.positions.append(position)
                    found.images.append(file)
            yield found


def _is_image_id(sample: str) -> bool:
    """Whether this is a plain path below a folder: ids may come from a stranger's table.

    Links are followed, as they are in loading: what they lead to was put there on purpose.
    """
    path = PurePath(sample)
    return (
        len(path.parts) > 1
        and not path.anchor
        # Loading passes over hidden folders; "..", the way out, begins with a dot as well.
        and not any(part.startswith(".") for part in path.parts)
        and path.as_posix() == sample
        and is_image_file(path.name)
    )


# --- caches --------------------------------------------------------------------------------------


class _CacheSource:
    def __init__(self, file: Path) -> None:
        self._source = open_cache(file).source

    def find(self, ids: Sequence[str]) -> Iterator[Found]:
        rows = pc.index_in(pa.array(ids, pa.large_string()), value_set=self._source.ids.arrow)
        sought = [(i, row) for i, row in enumerate(rows.to_pylist()) if row is not None]
        for start in range(0, len(sought), _ROWS_AT_ONCE):
            some = sought[start : start + _ROWS_AT_ONCE]
            read = self._source.store.read([row for _, row in some])
            found = [
                (position, bytes(image))
                for (position, _), image in zip(some, read, strict=True)
                if not isinstance(image, UnreadableContentError)
            ]
            yield Found([position for position, _ in found], [image for _, image in found])


# --- rows of tables ------------------------------------------------------------------------------


class _HubSource:
    def __init__(self, splits: Mapping[str, HubImages]) -> None:
        self._splits = splits

    def find(self, ids: Sequence[str]) -> Iterator[Found]:
        for split, sought in _rows_by_split(ids, self._splits).items():
            for start in range(0, len(sought), _ROWS_AT_ONCE):
                some = sought[start : start + _ROWS_AT_ONCE]
                images = self._splits[split].read([row for row, _ in some])
                yield Found([position for _, position in some], images)


class _RowGroup(NamedTuple):
    """Rows of a Parquet file that are stored together."""

    file: Path
    number: int
    num_rows: int


class _RowGroups:
    """The row groups of a split's files, whose rows are numbered on from file to file."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._groups = [group for file in files for group in _list_row_groups(file)]
        self._starts = [0, *accumulate(group.num_rows for group in self._groups)]

    def __len__(self) -> int:
        return self._starts[-1]

    def gather(self, rows: Sequence[tuple[int, int]]) -> dict[_RowGroup, list[tuple[int, int]]]:
        """Sort rows into their groups; a row's number counts from its group's first row then."""
        gathered: dict[_RowGroup, list[tuple[int, int]]] = {}
        for row, position in rows:
            place = bisect_right(self._starts, row) - 1
            within = (row - self._starts[place], position)
            gathered.setdefault(self._groups[place], []).append(within)
        return gathered


class _ParquetSource:
    def __init__(self, path: Path) -> None:
        self._column = find_image_column(path)
        self._splits = {split: _RowGroups(files) for split, files in files_by_split(path).items()}

    def find(self, ids: Sequence[str]) -> Iterator[Found]:
        for split, sought in _rows_by_split(ids, self._splits).items():
            for group, rows in self._splits[split].gather(sought).items():
                yield from _read_row_group(group, self._column, rows)


def _rows_by_split(
    ids: Iterable[str], splits: Mapping[str, Sized]
) -> dict[str, list[tuple[int, int]]]:
    """Take ids ``<split>/<row>`` apart: row and position of each by split, in order of rows."""
    rows: dict[str, list[tuple[int, int]]] = {}
    for position, sample in enumerate(ids):
        split, _, number = sample.rpartition("/")
        is_row = split in splits and _ROW_NUMBER.fullmatch(number) is not None
        if is_row and int(number) < len(splits[split]):
            rows.setdefault(split, []).append((int(number), position))
    return {split: sorted(pairs) for split, pairs in rows.items()}


def _list_row_groups(file: Path) -> list[_RowGroup]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"{file} cannot be read as Parquet: {reason}.") from error
    counts = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    return [_RowGroup(file, number, count) for number, count in enumerate(counts) if count]


def _read_row_group(
    group: _RowGroup, column: str, rows: Sequence[tuple[int, int]]
) -> Iterator[Found]:
    """Read some rows of a group, given in ascending order, up to where it is damaged."""
    import pyarrow as pa

    start, done = 0, 0
    try:
        for cells in _iterate_cells(group, column):
            stop = start + len(cells)
            some = rows[done : bisect_right(rows, (stop, -1))]
            done += len(some)
            values = [cells[row - start].as_py() for row, _ in some]
            images = [encoded_image(value, group.file.parent) for value in values]
            yield Found([position for _, position in some], images)
            start = stop
            if done == len(rows):
                return
    except (pa.ArrowException, OSError):
        return


def _iterate_cells(group: _RowGroup, column: str) -> Iterator[Any]:
    """Read a column of a row group piece by piece, since a whole file can be one row group."""
    from pyarrow import parquet

    with parquet.ParquetFile(group.file) as file:
        batches = file.iter_batches(_ROWS_AT_ONCE, row_groups=[group.number], columns=[column])
        for batch in batches:
            yield batch.column(0)
