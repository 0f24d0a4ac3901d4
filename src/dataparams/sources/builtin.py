"""The data sets that are known by name: scikit-learn's digits and four of torchvision's."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import socket
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from dataparams.errors import DataError
from dataparams.sources.arrays import ArrayContents
from dataparams.sources.source import Source
from dataparams.sources.table_ids import row_ids
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

BUILTIN_NAMES = ("digits", "cifar10", "cifar100", "mnist", "fashion-mnist")
_SYSTEM_FOLDER = Path("/usr/share/datasets")
_SECONDS_TO_ANSWER = 10.0
_DIGITS = tuple("0123456789")
_FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_IDX_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
_DOWNLOAD_TROUBLE = (
    OSError, RuntimeError, EOFError, ValueError, http.client.HTTPException, tarfile.TarError,
    zlib.error,
)  # fmt: skip


class _Split(NamedTuple):
    """Pixels (n, channels, height, width) uint8 and labels (n,) int64."""

    images: Tensor
    labels: Tensor


def builtin_name(name: str) -> str | None:
    """Find the built-in data set that a name means.

    Args:
        name: In any case, with hyphens, underscores or neither.

    Returns:
        The name as it is written here, or None.

    Example:
        >>> builtin_name("Fashion_MNIST"), builtin_name("cifar-10"), builtin_name("cifar11")
        ('fashion-mnist', 'cifar10', None)
    """
    plain = _plain(name)
    return next((known for known in BUILTIN_NAMES if _plain(known) == plain), None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def open_builtin(name: str, *, data_dir: Path) -> Source:
    """Open a built-in data set, downloading it into ``data_dir`` if it is not there yet.

    Args:
        name: One of ``BUILTIN_NAMES``.
        data_dir: Folder of downloaded data; files that are there already are used.

    Returns:
        The data set, with ids ``<split>/<row>``; all its pixels are in memory.

    Raises:
        DataError: If the files are missing and cannot be downloaded, or are damaged.

    Example:
        >>> digits = open_builtin("digits", data_dir=Path("data"))
        >>> len(digits), digits.ids[3], digits.class_names[2], digits.train_rows
        (1797, 'digits/3', '2', None)
    """
    words: tuple[str, ...] = ("train", "test")
    if name == "digits":
        splits, names, words = [_load_digits()], _DIGITS, ("digits",)
    elif name in ("mnist", "fashion-mnist"):
        splits, names = _load_idx(name, data_dir), _DIGITS if name == "mnist" else _FASHION
    else:
        splits, names = _load_cifar(name, data_dir)
    counts = [len(split.labels) for split in splits]
    return Source(
        kind="built-in data set",
        place=name,
        name=name,
        class_names=names,
        ids=TextColumn(pa.chunked_array(list(map(row_ids, words, map(np.arange, counts))))),
        labels=torch.cat([split.labels for split in splits]),
        train_rows=counts[0] if len(counts) == 2 else None,
        contents=ArrayContents([split.images for split in splits]),
        split_names=words,
    )


def _load_digits() -> _Split:
    from sklearn.datasets import load_digits

    source = load_digits()
    pixels = np.rint(source.images * (255 / 16)).astype(np.uint8)
    return _Split(torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(source.target).long())


def _load_cifar(name: str, data_dir: Path) -> tuple[list[_Split], tuple[str, ...]]:
    import torchvision.datasets

    kind: Any = {
        "cifar10": torchvision.datasets.CIFAR10,
        "cifar100": torchvision.datasets.CIFAR100,
    }[name]
    members = [file for file, _ in (*kind.train_list, *kind.test_list)]

    def make(*, download: bool) -> list[Any]:
        return [kind(str(data_dir), train=train, download=download) for train in (True, False)]

    sources = _found_or_downloaded(
        make,
        data_dir,
        f"{name} was not found: no {kind.filename} in {data_dir}, and no folder "
        f"{data_dir / kind.base_folder} with {', '.join(members)}",
        f"Put {kind.filename} (from {kind.url}) into {data_dir}",
    )
    splits = [
        _Split(
            torch.from_numpy(source.data).permute(0, 3, 1, 2).contiguous(),
            torch.tensor(source.targets, dtype=torch.int64),
        )
        for source in sources
    ]
    return splits, tuple(sources[0].classes)


def _found_or_downloaded(
    make: Callable[..., Any], data_dir: Path, missing: str, remedy: str
) -> Any:
    try:
        return make(download=False)
    except (RuntimeError, OSError):
        pass
    existed = data_dir.exists()
    try:
        with _brief_and_silent():
            return make(download=True)
    except _DOWNLOAD_TROUBLE as error:
        if not existed:
            _remove_empty(data_dir)
        reason = " ".join(str(error).split())
        raise DataError(
            f"{missing}; the download failed ({reason}). {remedy}, or name the folder that has it "
            "with `data_dir`."
        ) from error


@contextlib.contextmanager
def _brief_and_silent() -> Iterator[None]:
    """Give connections a timeout, and keep a download from printing."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_TO_ANSWER)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _remove_empty(folder: Path) -> None:
    """Remove a folder tree in which there is no file."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _load_idx(name: str, data_dir: Path) -> list[_Split]:
    import torchvision.datasets

    kind: Any = {
        "mnist": torchvision.datasets.MNIST,
        "fashion-mnist": torchvision.datasets.FashionMNIST,
    }[name]
    folders = [data_dir, data_dir / name, data_dir / kind.__name__ / "raw", _SYSTEM_FOLDER / name]

    def find(*, download: bool) -> list[_Split]:
        if download:
            kind(str(data_dir), download=True)
        folder = next((f for f in folders if _has_idx_files(f)), None)
        if folder is None:
            raise FileNotFoundError("incomplete")
        return [_read_split(folder, *files) for files in _IDX_FILES]

    wanted = ", ".join(f"{file}.gz" for split in _IDX_FILES for file in split)
    splits: list[_Split] = _found_or_downloaded(
        find,
        data_dir,
        f"{name} was not found: no {wanted} in any of {', '.join(map(str, folders))}",
        f"Put these files into {data_dir / name}",
    )
    return splits


def _has_idx_files(folder: Path) -> bool:
    return all(_idx_path(folder, file) is not None for split in _IDX_FILES for file in split)


def _idx_path(folder: Path, file: str) -> Path | None:
    return next((p for p in (folder / f"{file}.gz", folder / file) if p.is_file()), None)


def _read_split(folder: Path, image_file: str, label_file: str) -> _Split:
    images, labels = _read_idx(folder, image_file, 3), _read_idx(folder, label_file, 1)
    if len(images) != len(labels):
        raise DataError(
            f"{folder / image_file} has {len(images)} images, but {folder / label_file} has "
            f"{len(labels)} labels; expected files of one data set."
        )
    if len(labels) and labels.max() >= len(_DIGITS):
        raise DataError(f"{folder / label_file} has the label {labels.max()}; expected 0 ... 9.")
    return _Split(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)))


def _read_idx(folder: Path, file: str, dimensions: int) -> NDArray[np.uint8]:
    """Read a file of the IDX format: a magic number, the shape, and the bytes."""
    path = _idx_path(folder, file) or folder / file
    header = 4 + 4 * dimensions
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}). Download it again.") from error
    shape = tuple(np.frombuffer(data[4:header], dtype=">u4").tolist())
    is_idx = data[:4] == bytes((0, 0, 8, dimensions)) and len(shape) == dimensions
    if not is_idx or len(data) != header + int(np.prod(shape)):
        raise DataError(f"{path} is damaged or not an IDX file of bytes. Download it again.")
    return np.frombuffer(bytearray(data[header:]), dtype=np.uint8).reshape(shape)
