"""Notes on an image folder whose layout may have been misunderstood."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from dataparams.sources.file_kinds import IMAGE_EXTENSIONS, extension, shown_name, why_no_image
from dataparams.sources.folder_layout import (
    class_folders,
    count_images,
    first_names,
    is_named_without_labels,
    is_split_name,
)
from dataparams.sources.folder_tree import Placed, folders_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dataparams.sources.folder_layout import Layout
    from dataparams.sources.folder_tree import Folder

_DEEPEST = 20


def folder_notes(path: Path, layout: Layout, counts: Sequence[Mapping[str, int]]) -> Iterator[str]:
    """Sentences on what may have been misunderstood.

    Args:
        path: The folder.
        layout: What was taken for splits and classes.
        counts: Number of images of each class that has any, of each split.
    """
    if len(counts) == 2:
        yield from _classes_of_one_split(layout, counts)
    yield from _empty_classes(layout, counts)
    yield from _nested_classes(path, layout)
    if not layout.splits[0].prefix:
        yield from _classes_named_like_splits(counts[0])
    yield from _similar_names(sum(map(Counter, counts), Counter()))


def no_classes(
    path: Path, top: Folder, layout: Layout | None = None, names: Sequence[str] = ()
) -> str:
    """Say that a folder has fewer than two classes, what was found, and what may be meant.

    Args:
        path: The folder.
        top: What is in it.
        layout: What was taken for splits and classes.
        names: The one class, where there is one.
    """
    if names:
        problem = (
            f"{path} has images of one class only ({names[0]}); expected at least two class "
            "folders with images."
        )
    else:
        problem = (
            f"{path} has no images in class folders; expected <class>/<image> with one of the "
            f"extensions {', '.join(sorted(IMAGE_EXTENSIONS))}."
        )
    hints: list[str] = []
    if layout is not None and names:
        hints += _hint_below(path, layout.splits[0], names[0])
    if top.images:
        hints += _hint_above(path)
    if names and not hints:
        hints = ["Put the images of each class into a folder of its own."]
    return shown_name(" ".join([problem, _found(top), *hints]))


def _found(top: Folder) -> str:
    places, _ = folders_below(Placed("", top))
    endings: Counter[str] = Counter()
    reasons: set[str] = set()
    for place in places:
        names = [*place.folder.images, *place.folder.others]
        endings.update(extension(name) or "without extension" for name in names)
        reasons.update(map(why_no_image, place.folder.others))
        reasons.update(passed.reason for passed in place.folder.passed)
        if place.folder.error:
            reasons.add(f"folder that cannot be read ({place.folder.error})")
    if not endings and not top.folders and not reasons:
        return "The folder is empty."
    files = ", ".join(f"{count:,} {ending}" for ending, count in endings.most_common(8))
    found = [f"files: {files or 'none'}"]
    if top.images:
        found.append(f"{count_images(len(top.images))} directly in it")
    found.append(f"folders: {first_names(list(top.folders)) or 'none'}")
    if reasons:
        found.append(f"passed over: {', '.join(sorted(reasons))}")
    return f"Found {'; '.join(found)}."


# --- where classes may be instead ----------------------------------------------------------------


def _hint_below(path: Path, split: Placed, name: str) -> Iterator[str]:
    """Follow folders that have nothing in them but one other, down to where there are more."""
    where, folder = split.prefix + name, split.folder.folders[name]
    for _ in range(_DEEPEST):
        below = class_folders(folder)
        if len(below) != 1:
            break
        where, folder = f"{where}/{below[0]}", folder.folders[below[0]]
    if len(below) > 1:
        yield (
            f"In {path / where} are the folders {first_names(below)}: if these are the classes or "
            f"the splits, give {path / where} instead."
        )


def _hint_above(path: Path) -> Iterator[str]:
    whole = path.resolve()
    above = whole.parent
    if above == whole:
        return
    if is_split_name(above.name):
        above = above.parent
    if _has_other_images(whole.parent, whole.name):
        yield f"If {whole.name} is one class of several, give {above} instead."
    else:
        yield "Put the images of each class into a folder of its own."


def _has_other_images(parent: Path, name: str) -> bool:
    """Whether another folder beside one has images directly in it."""
    try:
        with os.scandir(parent) as entries:
            return any(
                entry.name != name and not entry.name.startswith(".") and _holds_image(entry)
                for entry in entries
            )
    except OSError:
        return False


def _holds_image(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_dir():
            return False
        with os.scandir(entry.path) as files:
            return any(extension(file.name) in IMAGE_EXTENSIONS for file in files)
    except OSError:
        return False


# --- notes ---------------------------------------------------------------------------------------


def _classes_of_one_split(layout: Layout, counts: Sequence[Mapping[str, int]]) -> Iterator[str]:
    for one, other in ((0, 1), (1, 0)):
        names = sorted(counts[one].keys() - counts[other].keys())
        if names:
            has, misses = (layout.splits[i].prefix.rstrip("/") for i in (one, other))
            yield (
                f"{_classes(names)} images in {has}, but none in {misses}: {first_names(names)}."
            )


def _empty_classes(layout: Layout, counts: Sequence[Mapping[str, int]]) -> Iterator[str]:
    known = set().union(*counts)
    names = sorted(
        {
            name
            for split in layout.splits
            for name, folder in _class_folders(split, layout)
            if name not in known and not folder.error
        }
    )
    if names:
        yield f"{_classes(names, 'folder')} no image that can be read: {first_names(names)}."


def _class_folders(split: Placed, layout: Layout) -> list[tuple[str, Folder]]:
    """The folders in a split, or in the whole where some of them are no classes."""
    return [
        (name, folder)
        for name, folder in split.folder.folders.items()
        if split.prefix or name not in layout.beside
    ]


def _nested_classes(path: Path, layout: Layout) -> Iterator[str]:
    nested = {
        split.prefix + name: below
        for split in layout.splits
        for name, folder in _class_folders(split, layout)
        if len(below := class_folders(folder, (split.folder,))) > 1
    }
    if nested:
        first, below = next(iter(nested.items()))
        remedy = f"If these folders are the classes, give {path / first} instead."
        if all(map(is_split_name, below)):
            remedy = (
                f"Splits are looked for above the classes ({below[0]}/{first}), not below; as it "
                "is, a share of all is set aside."
            )
        yield (
            f"{_classes(list(nested), 'folder')} folders with images in them, which are all of "
            f"that class ({first}: {first_names(below)}). {remedy}"
        )


def _classes_named_like_splits(counts: Mapping[str, int]) -> Iterator[str]:
    names = [name for name in counts if is_split_name(name) or is_named_without_labels(name)]
    if names:
        is_one = len(names) == 1
        counted = "folder {} counts as a class" if is_one else "folders {} count as a class each"
        yield (
            f"The {counted.format(first_names(names))}, though named like a split: beside "
            f"{'it' if is_one else 'them'} is no training folder with class folders in it."
        )


def _similar_names(counts: Mapping[str, int]) -> Iterator[str]:
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        alike[_plain(name)].append(name)
    for names in alike.values():
        if len(names) > 1:
            told = ", ".join(f"{name!r} ({count_images(counts[name])})" for name in names)
            yield (
                f"The classes {told} differ only in case, in spaces or in how Unicode writes them; "
                "they stay different classes."
            )


def _plain(name: str) -> str:
    """A name as it reads, whatever its case, its spaces and its form of Unicode."""
    return " ".join(unicodedata.normalize("NFC", name.casefold()).split())


def _classes(names: Sequence[str], what: str = "") -> str:
    noun = f"class {what}".strip()
    if len(names) == 1:
        return f"1 {noun} has"
    return f"{len(names):,} {noun}{'s' if what else 'es'} have"
