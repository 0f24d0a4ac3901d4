"""Reading a folder of images: ``<class>/<image>``, perhaps below ``train/`` and ``val/``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from dataparams.batches.decoding import ListedDataset, SplitRows, decode_dataset
from dataparams.errors import DataError
from dataparams.sources.splits import split_by_class
from dataparams.sources.tables import choose_splits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataparams.batches.decoding import Progress
    from dataparams.batches.labeled_images import ImageDataset

IMAGE_EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".tga"),
    }
)


def load_folder(
    path: Path,
    *,
    val_frac: float,
    seed: int,
    image_size: int | None = None,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Load an image folder.

    ``<path>/<class>/**/<image>``; or the same below ``train`` and one of ``val``, ``valid``,
    ``validation``, ``test``, which then is the split. Hidden files and files that are not images
    by their extension are passed over, as are empty class folders.

    Args:
        path: The folder.
        val_frac: Share of every class to set aside where the folder has no split of its own.
        seed: What that choice depends on.
        image_size: Height and width of the result; None decides by the images.
        on_progress: Called with the number of images done and the number of all images.

    Returns:
        The data set. Ids are paths relative to the folder, with forward slashes, in sorted order.

    Raises:
        DataError: If there are no images, fewer than two classes, or mostly unreadable images.
    """
    listed = split_folder(path, val_frac=val_frac, seed=seed)
    return decode_dataset(listed, image_size=image_size, on_progress=on_progress)


def split_folder(path: Path, *, val_frac: float, seed: int) -> ListedDataset:
    """List and split what ``load_folder`` loads, decoding nothing; arguments are the same."""
    listing = list_folder(path)
    if listing.train_rows is None:
        train, val = split_by_class(listing.labels, val_frac, seed=seed)
    else:
        every = torch.arange(len(listing.ids))
        train, val = every[: listing.train_rows], every[listing.train_rows :]
    splits = _take(listing, train, 0), _take(listing, val, len(train))
    return ListedDataset(
        listing.name,
        listing.class_names,
        splits,
        ([path / sample for sample in split.ids] for split in splits),
    )


class FolderListing(NamedTuple):
    """The images of a folder, none of them opened.

    Attributes:
        name: Short name of the data set.
        class_names: Name of class 0, 1, ...
        ids: Paths relative to the folder, with forward slashes, in sorted order; where there is a
            split, those of the training split first.
        labels: Class of each, (n,), int64.
        train_rows: How many are of the training split; None where there is no split.
    """

    name: str
    class_names: tuple[str, ...]
    ids: list[str]
    labels: Tensor
    train_rows: int | None


def list_folder(path: Path) -> FolderListing:
    """List an image folder, as ``load_folder`` describes it.

    Args:
        path: The folder.

    Raises:
        DataError: If there are no images, or fewer than two classes.
    """
    splits = _split_folders(path)
    names: dict[str, str] = {}
    ids: list[str] = []
    counts = []
    for folder in splits or (path,):
        found = dict(_walk_images(path, folder))
        counts.append(len(found))
        ids += sorted(found)
        names |= found
    class_names = tuple(sorted(set(names.values())))
    if len(class_names) < 2:
        raise DataError(
            f"{path} has images of one class only ({class_names[0]}); expected at least two "
            f"class folders with images."
        )
    number = {name: position for position, name in enumerate(class_names)}
    return FolderListing(
        safe_name(path.resolve().name),
        class_names,
        ids,
        torch.tensor([number[names[sample]] for sample in ids], dtype=torch.int64),
        None if splits is None else counts[0],
    )


def safe_name(name: str) -> str:
    """Turn a name into one that can be a folder's name.

    Example:
        >>> safe_name("owner/my data")
        'owner-my-data'
    """
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "dataset"


def require_images(path: Path) -> None:
    """Check that an image folder still holds images, without listing them all.

    Args:
        path: The folder.

    Raises:
        DataError: If there are no images in class folders, as of ``load_folder``.
    """
    for folder in _split_folders(path) or (path,):
        next(_walk_images(path, folder))


def is_image_file(name: str) -> bool:
    """Whether a file's name is that of an image that is not hidden.

    Example:
        >>> is_image_file("a.JPG"), is_image_file("._a.jpg"), is_image_file("Thumbs.db")
        (True, False, False)
    """
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS  # noqa: PTH122 - called for millions of names, where Path is slow


def walk_visible(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Visit a folder and those below, in sorted order, following each link once.

    Args:
        folder: Where to start.

    Yields:
        A folder's path and the sorted names of the files in it that are not hidden.
    """
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = [] if real in seen else sorted(f for f in folders if not f.startswith("."))
        if real not in seen:
            yield root, sorted(f for f in files if not f.startswith("."))
        seen.add(real)


def _subfolders(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _split_folders(path: Path) -> tuple[Path, Path] | None:
    """Find ``train`` and ``val``; folders of those names with images in them are classes."""
    train, val = choose_splits(_subfolders(path))
    if train is None or val is None:
        return None
    folders = path / train, path / val
    return folders if all(_subfolders(folder) for folder in folders) else None


def _walk_images(path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Visit the images below the class folders of ``folder``: the id and class of each."""
    only = _subfolders(folder)
    if folder == path and only == ["train"] and _subfolders(path / "train"):
        folder = path / "train"
    is_empty = True
    for name in _subfolders(folder):
        for root, files in walk_visible(folder / name):
            prefix = os.path.relpath(root, path).replace(os.sep, "/")
            for file in filter(is_image_file, files):
                is_empty = False
                yield f"{prefix}/{file}", name
    if is_empty:
        raise DataError(
            f"{folder} has no images in class folders; expected <class>/<image> with one of the "
            f"extensions {', '.join(sorted(IMAGE_EXTENSIONS))}."
        )


def _take(listing: FolderListing, positions: Tensor, start: int) -> SplitRows:
    """Take a split; its images are read from row ``start`` on."""
    return SplitRows(
        tuple(listing.ids[position] for position in positions.tolist()),
        listing.labels[positions],
        torch.arange(start, start + len(positions)),
    )
