"""Reading Parquet files of labeled images, as the Hugging Face hub lays them out and plainer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.batches.decoding import ListedDataset, decode_dataset
from dataparams.errors import DataError
from dataparams.sources.folder import safe_name, walk_visible
from dataparams.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    PATH_COLUMNS,
    arrange_splits,
    choose_column,
    choose_splits,
    encode_labels,
    split_word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    from torch import Tensor

    from dataparams.batches.decoding import Progress
    from dataparams.batches.labeled_images import ImageDataset
    from dataparams.contents.image_files import EncodedImage

_BYTES_AT_ONCE = 512 * 2**20


def load_parquet(
    path: Path,
    *,
    val_frac: float,
    seed: int,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Load a Parquet file, or the Parquet files of a folder.

    Needed are a column of images (a struct with ``bytes`` and ``path``, bytes, or paths relative
    to the file) and a column of labels (integers or strings). Files whose name, or folder's name,
    contains ``train``, ``val`` or ``test`` are the split; class names come from the metadata that
    Hugging Face writes, and otherwise are the distinct labels.

    Args:
        path: The file or folder.
        val_frac: Share of every class to set aside where the files tell of no split.
        seed: What that choice depends on.
        image_size: Height and width of the result; None decides by the images.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        The data set, with ids ``<split>/<row>``.

    Raises:
        DataError: If files are damaged, columns cannot be told apart, or labels are not usable.
    """
    listed = split_parquet(path, val_frac=val_frac, seed=seed)
    with _readable(path):
        return decode_dataset(listed, image_size=image_size, on_progress=on_progress)


def split_parquet(path: Path, *, val_frac: float, seed: int) -> ListedDataset:
    """List and split what ``load_parquet`` loads, reading labels only; arguments are the same."""
    listing = list_parquet(path)
    return ListedDataset(
        listing.name,
        listing.class_names,
        arrange_splits(listing.labels, val_frac=val_frac, seed=seed),
        _read_images([f for files in listing.files.values() for f in files], listing.image),
    )


class ParquetListing(NamedTuple):
    """The rows of Parquet files, none of their images read.

    Attributes:
        name: Short name of the data set.
        class_names: Name of class 0, 1, ...
        files: The files by split.
        labels: Class of each row by split, (n,) each, int64.
        image: Name of the column of images.
    """

    name: str
    class_names: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, Tensor]
    image: str


def list_parquet(path: Path) -> ParquetListing:
    """List a Parquet file, or the Parquet files of a folder, as ``load_parquet`` describes them.

    Args:
        path: The file or folder.

    Raises:
        DataError: If files are damaged, columns cannot be told apart, or labels are not usable.
    """
    import polars as pl

    files = files_by_split(path)
    first = next(iter(files.values()))[0]
    with _readable(path):
        image, label = _choose_columns(first)
        columns = {
            split: pl.concat([_read_column(file, label) for file in split_files])
            for split, split_files in files.items()
        }
        labels, names = encode_labels(columns, _declared_classes(first, label))
    name = safe_name(path.resolve().name.removesuffix(".parquet"))
    return ParquetListing(name, names, files, labels, image)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read as Parquet: {_first_line(error)}") from error


def find_image_column(path: Path) -> str:
    """Find the column that ``load_parquet`` reads images from.

    Args:
        path: The file or folder.

    Returns:
        The column's name.

    Raises:
        DataError: If the first file is damaged, or columns cannot be told apart.
    """
    first = next(iter(files_by_split(path).values()))[0]
    with _readable(path):
        return _choose_columns(first)[0]


def has_parquet(folder: Path) -> bool:
    """Whether a folder holds Parquet files rather than images; the first of either decides."""
    from dataparams.sources.folder import is_image_file

    for _, files in walk_visible(folder):
        if any(file.lower().endswith(".parquet") for file in files):
            return True
        if any(map(is_image_file, files)):
            return False
    return False


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") + "."


def files_by_split(path: Path) -> dict[str, list[Path]]:
    """Find the files whose rows are numbered on within each split.

    Args:
        path: A Parquet file, or a folder of such files.

    Returns:
        Files by the name of their split, in the order train, val; one entry where there is only
        one split.
    """
    if path.is_file():
        return {"train": [path]}
    files = [
        Path(root, name)
        for root, names in walk_visible(path)
        for name in names
        if name.lower().endswith(".parquet")
    ]
    by_split: dict[str, list[Path]] = {}
    for file in sorted(files, key=lambda f: f.relative_to(path).as_posix()):
        parts = [file.stem, *reversed(file.relative_to(path).parent.parts)]
        word = next(filter(None, map(split_word, parts)), None)
        by_split.setdefault(word or "", []).append(file)
    train, val = choose_splits(list(by_split))
    if train is None:
        return {"train": [file for split in by_split.values() for file in split]}
    return {split: by_split[split] for split in (train, val) if split is not None}


def _choose_columns(file: Path) -> tuple[str, str]:
    """Choose the columns of the images and of the labels."""
    import polars as pl

    schema = pl.scan_parquet(file, glob=False).collect_schema()
    columns = list(schema)
    images = [name for name, kind in schema.items() if _holds_bytes(kind)]
    texts = [name for name, kind in schema.items() if kind == pl.String]
    paths = [name for name in texts if name.lower() in (*IMAGE_COLUMNS, *PATH_COLUMNS)]
    image = choose_column("images", (*IMAGE_COLUMNS, *PATH_COLUMNS), images or paths, columns)
    numbers = [name for name, kind in schema.items() if kind.is_integer()]
    named = [
        name
        for name, kind in schema.items()
        if name != image and isinstance(kind, (pl.String, pl.Categorical, pl.Enum))
    ]
    usual = [name for name in (*numbers, *named) if name.lower() in LABEL_COLUMNS]
    label = choose_column("labels", LABEL_COLUMNS, usual or numbers or named, columns)
    return image, label


def _holds_bytes(kind: pl.DataType) -> bool:
    import polars as pl

    if isinstance(kind, pl.Struct):
        return any(field.name == "bytes" and field.dtype == pl.Binary for field in kind.fields)
    return kind == pl.Binary


def _read_column(file: Path, column: str) -> pl.Series:
    import polars as pl

    series = pl.read_parquet(file, columns=[column], glob=False)[column]
    plain: pl.Series = series.cast(pl.Int64 if series.dtype.is_integer() else pl.String)
    return plain


def _declared_classes(file: Path, label: str) -> Sequence[str] | None:
    """Class names in the metadata that Hugging Face writes, if they are there."""
    import polars as pl

    try:
        features = json.loads(pl.read_parquet_metadata(file)["huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _read_images(files: Sequence[Path], column: str) -> Iterator[Sequence[EncodedImage]]:
    """Read encoded images piece by piece: all of ImageNet's would not fit into memory."""
    import polars as pl

    for file in files:
        lazy = pl.scan_parquet(file, glob=False).select(column)
        rows = lazy.select(pl.len()).collect().item()
        pieces = -(-file.stat().st_size // _BYTES_AT_ONCE)
        step = max(1, -(-rows // pieces))
        for start in range(0, rows, step):
            values = lazy.slice(start, step).collect()[column]
            yield [encoded_image(value, file.parent) for value in values]


def encoded_image(value: bytes | str | Mapping[str, Any] | None, folder: Path) -> EncodedImage:
    """Bring a cell of an image column into the form that is decoded.

    Args:
        value: Bytes, a path, or a mapping with ``bytes`` and ``path``.
        folder: What a path is relative to.

    Returns:
        Bytes, a path, or None if the cell is empty.

    Example:
        >>> encoded_image({"bytes": b"...", "path": "a.jpg"}, Path())
        b'...'
    """
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return folder / value
    if value.get("bytes") is not None:
        return bytes(value["bytes"])
    path = value.get("path")
    return folder / path if path else None
