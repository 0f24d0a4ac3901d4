"""Walking a folder and all folders below it, without opening a file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from dataparams.sources.file_kinds import (
    extension,
    readable_extensions,
    why_file_is_hidden,
    why_folder_is_hidden,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LINK = "link that leads nowhere"
_NO_FILE = "named pipe, socket or device, which is not opened"


class Passed(NamedTuple):
    """A file or folder that is passed over.

    Attributes:
        name: Its name; that of a folder ends with a slash.
        reason: Why, in a few words.
    """

    name: str
    reason: str


@dataclass(eq=False, slots=True)
class Folder:
    """One folder; two links to it lead to the same object.

    Attributes:
        images: Names of the files with an extension of images that can be read.
        others: Names of the other files.
        passed: What is hidden, cannot be read, or is no file; hidden folders are not looked into.
        folders: The folders in it by name, in sorted order, without those that were passed over.
        links: Which of these are links.
        error: Why the folder itself cannot be read; empty where it can.
    """

    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    error: str = ""


class Placed(NamedTuple):
    """A folder and where it is.

    Attributes:
        prefix: Its path with a slash at the end, relative to where the walk began; "" there.
        folder: The folder.
    """

    prefix: str
    folder: Folder


def walk_folders(path: Path | str) -> Iterator[Placed]:
    """Visit a folder and all below it in sorted order, each once however many links lead there.

    What a link leads to is visited after all that is there without it. The folders in a folder
    have been read when the last is visited.

    Args:
        path: Where to start.
    """
    extensions = readable_extensions()
    known: dict[tuple[int, int], Folder] = {}
    start = Folder()
    start.folders[""] = Folder()
    pending, linked = [_Sought(start, "", "")], list[_Sought]()
    while pending or linked:
        if not pending:
            pending, linked = linked[::-1], []
        holder, name, prefix = pending.pop()
        file = f"{os.fspath(path)}{os.sep}{prefix}"
        key = _identity(file)
        if key is not None and key in known:
            holder.folders[name] = known[key]
            continue
        folder = holder.folders[name]
        if key is not None:
            known[key] = folder
        _scan(file, folder, extensions)
        yield Placed(prefix, folder)
        for below in reversed(folder.folders):
            sought = _Sought(folder, below, f"{prefix}{below}/")
            (linked if below in folder.links else pending).append(sought)


class _Sought(NamedTuple):
    holder: Folder
    name: str
    prefix: str


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - a Path for each of many folders is slow
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _scan(file: str, folder: Folder, extensions: frozenset[str]) -> None:
    """Read the names in one folder."""
    try:
        with os.scandir(file) as entries:
            for entry in entries:
                # Nearly all of a million are images, so these are told first.
                name = entry.name
                if name[0] != "." and extension(name) in extensions and _is_file(entry):
                    folder.images.append(name)
                else:
                    _add(entry, folder)
    except OSError as error:
        folder.error = error.strerror or str(error)
    folder.images.sort()
    folder.others.sort()
    folder.passed.sort()
    folder.folders = {name: folder.folders[name] for name in sorted(folder.folders)}


def _add(entry: os.DirEntry[str], folder: Folder) -> None:
    """Note what is no image."""
    name = entry.name
    if _is_folder(entry):
        reason = why_folder_is_hidden(name)
        if reason is not None:
            folder.passed.append(Passed(f"{name}/", reason))
            return
        folder.folders[name] = Folder()
        if entry.is_symlink():
            folder.links.add(name)
        return
    reason = why_file_is_hidden(name)
    if reason is None and not _is_file(entry):
        reason = _LINK if entry.is_symlink() and not os.path.exists(entry.path) else _NO_FILE  # noqa: PTH110
    if reason is None:
        folder.others.append(name)
    else:
        folder.passed.append(Passed(name, reason))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def read_tree(path: Path) -> Folder:
    """Read a folder with all below it.

    Args:
        path: The folder.
    """
    places = walk_folders(path)
    top = next(places).folder
    for _ in places:
        pass
    return top


def folders_below(start: Placed, above: Iterable[Folder] = ()) -> tuple[list[Placed], list[str]]:
    """List a folder and those below it, each once, what is there without a link first.

    Args:
        start: The folder.
        above: Folders that it lies in, to which a link would lead in a circle.

    Returns:
        The folders, and the links that lead to one of them or to one above.
    """
    seen = set(map(id, above))
    places: list[Placed] = []
    repeated: list[str] = []
    pending, linked = [start], list[Placed]()
    while pending or linked:
        if not pending:
            pending, linked = linked[::-1], []
        place = pending.pop()
        if id(place.folder) in seen:
            repeated.append(place.prefix)
            continue
        seen.add(id(place.folder))
        places.append(place)
        for name in reversed(place.folder.folders):
            below = Placed(f"{place.prefix}{name}/", place.folder.folders[name])
            (linked if name in place.folder.links else pending).append(below)
    return places, repeated


def has_images(folder: Folder, above: Iterable[Folder] = ()) -> bool:
    """Whether there is an image in a folder or below it.

    Args:
        folder: The folder.
        above: Folders that it lies in.
    """
    return any(place.folder.images for place in folders_below(Placed("", folder), above)[0])
