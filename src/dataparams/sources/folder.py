"""An image folder as a source: ``<class>/<image>``, perhaps below ``train/`` and ``val/``."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import HEIC_EXTENSIONS, can_read_heic
from dataparams.contents.images import EncodedImage
from dataparams.errors import DataError
from dataparams.sources.arrow_types import numpy_array
from dataparams.sources.file_kinds import (
    IMAGE_EXTENSIONS,
    extension,
    is_text,
    shown_name,
    why_no_image,
)
from dataparams.sources.folder_layout import choose_layout
from dataparams.sources.folder_notes import folder_notes, no_classes
from dataparams.sources.folder_tree import Folder, Placed, folders_below, read_tree, walk_folders
from dataparams.sources.source import Contents, LeftOut, Source
from dataparams.sources.splits import split_numbers
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

_NO_CLASS = "in no class folder"
_NOT_UTF8 = "with a name, or in a folder with a name, that is not valid UTF-8; rename it"
_REPEATED = "link to a folder that is read already"
_NO_ID = "the source has no image of this id"
# No part is hidden; "..", the way out, begins with a dot as well. Read by two libraries.
_NO_SEPARATOR = r"/\x00" if os.sep == "/" else r"/\x00\\:"
_PART = f"[^.{_NO_SEPARATOR}][^{_NO_SEPARATOR}]*"
_ENDINGS = "|".join(ending[1:] for ending in sorted(IMAGE_EXTENSIONS | HEIC_EXTENSIONS))
_IMAGE_ID = rf"(?i)(?:{_PART}/)+{_PART}\.(?:{_ENDINGS})"


def open_folder(path: Path, *, all_splits: bool = False) -> Source:
    """Open an image folder; no image is opened.

    Classes are the folders in it, with all images below them; or those in ``train`` and in one of
    ``val``, ``validation``, ``test`` and the like, which then are the split, as
    :func:`dataparams.sources.folder_layout.choose_layout` describes it. What is passed over is in
    ``left_out``: other files by their extension, what is hidden, what is in no class folder. Of a
    folder that is hidden, or that a system keeps for itself, only its name is known. A link is
    followed once in a class.

    Args:
        path: The folder.
        all_splits: Whether to read all splits with labels: ``test`` beside ``val``, too.

    Returns:
        The source. Ids are paths relative to the folder, with forward slashes, in sorted order;
        where there is a split, those of the training split go first, then those of the one to
        validate on.

    Raises:
        DataError: If there are no images, fewer than two classes, splits without classes, or the
            folder cannot be read.
    """
    whole = path.resolve()
    if not is_text(str(whole)):
        raise DataError(f"The name of {shown_name(str(path))} is not valid UTF-8. Rename it.")
    top = read_tree(path)
    if top.error:
        raise DataError(f"{path} cannot be read ({top.error}).")
    layout = choose_layout(path, top, all_splits=all_splits)
    left_out = _LeftOutNames()
    splits = [_list_split(split, top, layout.beside, left_out) for split in layout.splits]
    if layout.splits[0].prefix:
        _add_left_out(Placed("", top), left_out, _NO_CLASS)
    _list_beside(top, layout.beside, left_out)
    class_names = tuple(sorted({name for split in splits for name in split.counts}))
    if len(class_names) < 2:
        raise DataError(no_classes(path, top, layout, class_names))
    ids = TextColumn([one for split in splits for one in split.ids])
    names = tuple(split.prefix.rstrip("/") for split in layout.splits if split.prefix)
    return Source(
        kind="image folder",
        place=str(whole),
        name=as_folder_name(whole.name),
        class_names=class_names,
        ids=ids,
        labels=_number(splits, class_names),
        train_rows=len(splits[0].ids) if len(splits) > 1 else None,
        contents=FileContents(path, ids, is_listed=True),
        split_names=names,
        split_numbers=split_numbers([len(split.ids) for split in splits]),
        left_out=left_out.grouped(),
        notes=tuple(
            map(shown_name, folder_notes(path, layout, [split.counts for split in splits]))
        ),
    )


class FileContents(Contents):
    """Images in files of their own, read when they are looked at.

    Args:
        folder: Where they are.
        names: Path of each, relative to that, with forward slashes.
        is_listed: Whether the names are what was found in the folder. Others may come from a
            stranger's table: of those what is no plain path of an image below the folder has no
            content, nor has a named pipe.

    Example:
        >>> from pathlib import Path
        >>> contents = FileContents(Path("pets"), ["cat/1.jpg", "../../secret.jpg"])
        >>> [str(content) for content in contents.read([1])], contents.sizes().tolist()
        (['the source has no image of this id'], [-1, -1])
    """

    def __init__(
        self, folder: Path, names: TextColumn | Sequence[str], *, is_listed: bool = False
    ) -> None:
        self._folder = str(folder.resolve())
        self._names = names if isinstance(names, TextColumn) else TextColumn(names)
        self._is_listed = is_listed

    def __len__(self) -> int:
        return len(self._names)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; no file is opened. See :meth:`Contents.read`."""
        if self._is_listed:
            return [EncodedImage(None, self._path(self._names[row])) for row in rows]
        return [self._find(self._names[row]) for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each file, (n,), -1 where there is none; see :meth:`Contents.sizes`."""
        if self._is_listed:
            return np.fromiter(map(self._size, self._names), np.int64, len(self._names))
        is_id = pc.match_substring_regex(self._names.arrow, f"^(?:{_IMAGE_ID})$")
        rows = np.flatnonzero(numpy_array(is_id))
        sizes = np.full(len(self._names), -1, dtype=np.int64)
        sizes[rows] = np.fromiter(map(self._size, self._names.take(rows)), np.int64, len(rows))
        return sizes

    def _find(self, name: str) -> Content | UnreadableContentError:
        if not is_image_id(name):
            return UnreadableContentError(_NO_ID)
        file = self._path(name)
        try:
            mode = os.stat(file).st_mode  # noqa: PTH116 - a Path per image costs more than this
        except FileNotFoundError:
            return UnreadableContentError("the file is missing")
        except (OSError, ValueError):
            # Opening it finds out why.
            return EncodedImage(None, file)
        if stat.S_ISREG(mode):
            return EncodedImage(None, file)
        # A named pipe would be waited for.
        return UnreadableContentError("it is not a file")

    def _size(self, name: str) -> int:
        try:
            return os.stat(self._path(name)).st_size  # noqa: PTH116 - as above
        except (OSError, ValueError):
            return -1

    def _path(self, name: str) -> str:
        return f"{self._folder}{os.sep}{name}"


def require_images(path: Path) -> None:
    """Check that an image folder still holds images, without listing them all.

    Args:
        path: The folder.

    Raises:
        DataError: If there are no images in class folders, as of :func:`open_folder`.
    """
    if not any(place.folder.images and place.prefix for place in walk_folders(path)):
        raise DataError(no_classes(path, read_tree(path)))


def is_image_file(name: str) -> bool:
    """Whether a file's name is that of an image that is not hidden and that can be read here.

    Example:
        >>> is_image_file("a.JPG"), is_image_file("._a.jpg"), is_image_file("Thumbs.db")
        (True, False, False)
    """
    ending = extension(name)
    if name.startswith("."):
        return False
    return ending in IMAGE_EXTENSIONS or (ending in HEIC_EXTENSIONS and can_read_heic())


def is_image_id(name: str) -> bool:
    """Whether this is a plain path of an image file below a folder.

    Links are followed, as they are in listing: what they lead to was put there on purpose.

    Example:
        >>> [is_image_id(name) for name in ("cat/1.jpg", "cat/../1.jpg", "/cat/1.jpg", "1.jpg")]
        [True, False, False, False]
    """
    return re.fullmatch(_IMAGE_ID, name) is not None


def as_folder_name(name: str) -> str:
    """A name for a folder, made from any name.

    Example:
        >>> as_folder_name("owner/my data")
        'owner-my-data'
    """
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "dataset"


def walk_visible(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Visit a folder and those below, in sorted order, following each link once.

    Args:
        folder: Where to start.

    Yields:
        A folder's path and the sorted names of the files in it that are not hidden.
    """
    for prefix, found in walk_folders(folder):
        root = os.path.join(folder, prefix)  # noqa: PTH118 - a Path for each of many folders is slow
        yield root, sorted([*found.images, *found.others])


# --- listing -------------------------------------------------------------------------------------


class _ListedSplit(NamedTuple):
    """Images of a split in sorted order.

    Attributes:
        ids: Their paths.
        counts: How many are of each class that has any, in their order.
    """

    ids: list[str]
    counts: dict[str, int]


class _LeftOutNames:
    """Names of what is left out, by reason."""

    def __init__(self) -> None:
        self._names: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, names: Iterable[str]) -> None:
        self._names[reason] += names

    def grouped(self) -> tuple[LeftOut, ...]:
        """What most are left out for goes first."""
        groups = [
            LeftOut(reason, sorted(map(shown_name, names)), len(names))
            for reason, names in self._names.items()
            if names
        ]
        return tuple(sorted(groups, key=lambda group: (-group.count, group.reason)))


def _list_split(
    split: Placed, top: Folder, beside: Container[str], left_out: _LeftOutNames
) -> _ListedSplit:
    _add_left_out(split, left_out, _NO_CLASS)
    listed = _ListedSplit([], {})
    above = (top, split.folder)
    # In this order all ids are sorted: they begin with these words.
    for name in sorted(split.folder.folders, key=lambda name: f"{name}/"):
        if split.folder is top and name in beside:
            continue
        place = Placed(f"{split.prefix}{name}/", split.folder.folders[name])
        ids = _list_images(place, above, left_out)
        if ids:
            listed.ids.extend(ids)
            listed.counts[name] = len(ids)
    return listed


def _list_images(place: Placed, above: Sequence[Folder], left_out: _LeftOutNames) -> list[str]:
    """List the images of a class, sorted."""
    places, repeated = folders_below(place, above)
    left_out.add(_REPEATED, repeated)
    ids: list[str] = []
    for one in places:
        _add_left_out(one, left_out)
        found = [one.prefix + name for name in one.folder.images]
        if not is_text("".join(found)):
            left_out.add(_NOT_UTF8, (name for name in found if not is_text(name)))
            found = list(filter(is_text, found))
        ids += found
    ids.sort()
    return ids


def _list_beside(top: Folder, beside: Mapping[str, str], left_out: _LeftOutNames) -> None:
    """Note what is in the folders that are neither splits nor classes."""
    for name, reason in beside.items():
        places, repeated = folders_below(Placed(f"{name}/", top.folders[name]), (top,))
        left_out.add(_REPEATED, repeated)
        for place in places:
            _add_left_out(place, left_out, reason)


def _add_left_out(place: Placed, left_out: _LeftOutNames, why_images: str | None = None) -> None:
    """Note what one folder holds beside images, or with them where there is a reason."""
    prefix, folder = place
    if folder.error:
        left_out.add(f"folder that cannot be read ({folder.error})", [prefix])
    for name, reason in folder.passed:
        left_out.add(reason, [prefix + name])
    for name in folder.others:
        left_out.add(why_no_image(name), [prefix + name])
    if why_images is not None:
        left_out.add(why_images, (prefix + name for name in folder.images))


def _number(splits: Sequence[_ListedSplit], class_names: Sequence[str]) -> torch.Tensor:
    """Class of each sample, (n,), int64."""
    number = {name: position for position, name in enumerate(class_names)}
    pairs = [(number[name], count) for split in splits for name, count in split.counts.items()]
    classes, counts = torch.tensor(pairs, dtype=torch.int64).T
    return torch.repeat_interleave(classes, counts)
