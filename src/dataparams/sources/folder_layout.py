"""Telling the splits of an image folder from its classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dataparams.errors import DataError
from dataparams.sources.file_kinds import shown_name
from dataparams.sources.folder_tree import Folder, Placed, has_images
from dataparams.sources.split_names import choose_splits, split_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_WITHOUT_LABELS = re.compile(r"un[-_ ]?label|un[-_ ]?sup|extra(?![a-z])", re.IGNORECASE)
_UNLABELED = re.compile(r"un[-_ ]?label|un[-_ ]?sup", re.IGNORECASE)
_FEWEST_CLASSES = 2
_SHOWN = 5


class Layout(NamedTuple):
    """Where the classes of an image folder are looked for.

    Attributes:
        splits: The folders whose folders are classes: the whole, a training folder, or one to
            train on and one to validate on; perhaps further ones after these.
        beside: Why each of the folders beside these, or beside classes, is left out, by name.
    """

    splits: tuple[Placed, ...]
    beside: Mapping[str, str]


def choose_layout(path: Path, top: Folder, *, all_splits: bool = False) -> Layout:
    """Tell splits from classes.

    - ``train`` (or another word for it) with two or more folders of images in it is the training
      split, and classes are looked for there. With one such folder it is that only beside a
      validation split.
    - The validation split is a folder named like one that has a class of the training split:
      ``val`` before ``test``. Others that are named so, and have such a class, are splits where
      all are wanted. Every other folder beside a training split is left out.
    - Names that say more, such as ``train2017``, are those of splits where all names are.
    - A folder named like a split that has images directly in it is a class, beside others that
      are not named so. Where all are named like splits, or one to train on and one to validate
      on are there, nothing says which class an image is of.
    - A folder beside classes whose name says that it has no labels is left out.
    - Splits in each of which one folder holds the class folders are refused, not taken for classes.

    Args:
        path: The folder, for errors.
        top: What is in it.
        all_splits: Whether all splits with labels are wanted, beside the two.

    Raises:
        DataError: If there are splits in which there are no classes, or none to train on.
    """
    inside = {
        name: class_folders(folder, (top,))
        for name, folder in top.folders.items()
        if has_images(folder, (top,))
    }
    train = _training_folder(inside)
    if train is not None:
        used = inside[train]
        val = _validation_folder(train, inside)
        if val is not None or len(used) > 1:
            names = [name for name in (train, val) if name is not None]
            if all_splits:
                names += _further_splits(names, inside)
            return Layout(
                tuple(Placed(f"{name}/", top.folders[name]) for name in names),
                {
                    name: _why_beside(name, train, val, inside)
                    for name in top.folders
                    if name not in names
                },
            )
    if (len(inside) > 1 and _are_all_splits(inside)) or None not in choose_splits(list(inside)):
        raise DataError(shown_name(_no_training_split(path, top, inside)))
    between = _folders_between(top, inside)
    if between:
        raise DataError(shown_name(_a_folder_too_deep(path, between)))
    return Layout((Placed("", top),), _unlabeled(inside))


def class_folders(folder: Folder, above: Sequence[Folder] = ()) -> list[str]:
    """Names of the folders in a folder that have images, or folders with images, in them.

    Args:
        folder: The folder.
        above: Folders that it lies in.
    """
    within = (*above, folder)
    return [name for name, below in folder.folders.items() if has_images(below, within)]


def is_split_name(name: str) -> bool:
    """Whether a folder's name is that of a split alone.

    Example:
        >>> is_split_name("Test Set"), is_split_name("test_tube")
        (True, False)
    """
    return choose_splits([name]) != (None, None)


def first_names(names: Sequence[str], most: int = _SHOWN) -> str:
    """The first of some names for people.

    Example:
        >>> first_names(["cat", "dog", "emu"], 2)
        'cat, dog, ...'
    """
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def count_images(count: int) -> str:
    """A number of images for people.

    Example:
        >>> count_images(1), count_images(2000)
        ('1 image', '2,000 images')
    """
    return f"{count:,} image{'' if count == 1 else 's'}"


def is_named_without_labels(name: str) -> bool:
    """Whether a folder's name, such as ``unlabeled``, says that its images have no labels.

    Example:
        >>> is_named_without_labels("Unlabelled"), is_named_without_labels("extractor")
        (True, False)
    """
    return _WITHOUT_LABELS.match(name) is not None


def _unlabeled(inside: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Why folders beside two classes or more are none, by name."""
    names = [name for name in inside if _UNLABELED.match(name)]
    if len(inside) - len(names) < _FEWEST_CLASSES:
        return {}
    return {name: f"in {name}, whose name says that it has no labels" for name in names}


def _training_folder(inside: Mapping[str, Sequence[str]]) -> str | None:
    name = choose_splits(list(inside))[0]
    if name is None and _are_all_splits(inside, in_longer_names=True):
        words = {split_word(name): name for name in inside if not is_named_without_labels(name)}
        word = choose_splits([word for word in words if word is not None])[0]
        name = None if word is None else words[word]
    return name if name is not None and inside[name] else None


def _validation_folder(train: str, inside: Mapping[str, Sequence[str]]) -> str | None:
    words: dict[str, str] = {}
    for name in sorted(inside, key=is_split_name):
        word = split_word(name)
        if word is not None and name != train and _share_classes(inside[name], inside[train]):
            words[word] = name
    val = choose_splits(list(words))[1]
    return None if val is None else words[val]


def _further_splits(names: Sequence[str], inside: Mapping[str, Sequence[str]]) -> list[str]:
    """The folders beside the two splits that are named like one to judge a model on, sorted."""
    found = []
    for name, classes in inside.items():
        word = split_word(name)
        is_for_judging = word is not None and choose_splits([word])[1] is not None
        if name not in names and is_for_judging and _share_classes(classes, inside[names[0]]):
            found.append(name)
    return sorted(found)


def _share_classes(some: Sequence[str], others: Sequence[str]) -> bool:
    return not {name.casefold() for name in some}.isdisjoint(name.casefold() for name in others)


def _are_all_splits(inside: Mapping[str, Sequence[str]], *, in_longer_names: bool = False) -> bool:
    """Whether all names are those of splits, or of what has no labels beside them."""
    names = [name for name in inside if not is_named_without_labels(name)]
    if not in_longer_names:
        return bool(names) and all(map(is_split_name, names))
    words = list(map(split_word, names))
    return bool(names) and None not in words and len(set(words)) == len(words)


def _folders_between(top: Folder, inside: Mapping[str, Sequence[str]]) -> list[str]:
    """The folders that stand between splits and their classes, such as ``seg_train/seg_train``."""
    found = []
    for name, classes in inside.items():
        folder = top.folders[name]
        if split_word(name) is None or folder.images or len(classes) != 1:
            continue
        if len(class_folders(folder.folders[classes[0]], (top, folder))) > 1:
            found.append(f"{name}/{classes[0]}")
    return found if len(found) > 1 else []


def _a_folder_too_deep(path: Path, between: Sequence[str]) -> str:
    return (
        f"{path} has folders that are named like splits, each with one folder in it that holds the "
        f"class folders ({first_names(between)}); expected train/<class>/<image>, and the same "
        f"below val or test. Move the class folders up into the splits, or give one alone: "
        f"{path / between[0]}."
    )


def _why_beside(name: str, train: str, val: str | None, inside: Mapping[str, Sequence[str]]) -> str:
    if not _share_classes(inside.get(name, ()), inside[train]):
        return f"in {name}, which has none of the class folders of {train}"
    word = split_word(name)
    if word is None:
        return f"in {name}, which is not named like a split"
    is_training = choose_splits([word])[0] is not None
    return f"in {name}: {train if is_training or val is None else val} is used instead"


def _no_training_split(path: Path, top: Folder, inside: Mapping[str, Sequence[str]]) -> str:
    found = []
    for name, classes in inside.items():
        images = len(top.folders[name].images)
        what = [f"{count_images(images)} directly in it"] if images else []
        if classes:
            what.append(f"the folders {first_names(classes)} in it")
        found.append(f"{name} with {' and '.join(what)}")
    usable = [name for name, classes in inside.items() if len(classes) > 1]
    remedy = f", or give one of these folders alone: {path / usable[0]}" if usable else ""
    return (
        f"{path} has folders that are named like splits, but none to train on with two or more "
        f"class folders in it. Found: {'; '.join(found)}. Expected train/<class>/<image>, and the "
        f"same below val or test. Move the images into class folders{remedy}. If "
        f"{first_names(list(inside))} are classes, give them other names."
    )
