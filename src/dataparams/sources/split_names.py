"""The names by which files, folders and tables are recognized as splits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The best first: what is named for validation goes before what is kept for a last test.
_TRAINING_WORDS = ("train", "training", "trainval")
_VALIDATION_WORDS = (
    "val", "valid", "validation", "validate", "validating", "dev", "development",
    "eval", "evaluation", "evaluate", "holdout", "heldout", "test", "testing", "tests",
)  # fmt: skip
_SAME = (
    _TRAINING_WORDS,
    ("val", "valid", "validation", "validate", "validating", "dev", "development"),
    ("eval", "evaluation", "evaluate"),
    ("test", "testing", "tests"),
)
_AFTER_A_WORD = "set|sets|split|data|dataset|images|imgs|pictures|photos|samples"
_SPLIT_WORD = re.compile(
    rf"(?:^|[^a-z])({'|'.join((*_TRAINING_WORDS, *_VALIDATION_WORDS))}|hold[-_ ]?out|held[-_ ]?out)"
    rf"(?=(?:{_AFTER_A_WORD})?(?:[^a-z]|$))"
)
_WHOLE_NAME = re.compile(rf"([a-z]+?)(?:{_AFTER_A_WORD})?")
_SEPARATORS = re.compile(r"[-_ .]+")


ALL_SPLITS = "all"
"""What stands for all splits where somebody names some."""


def split_word(name: str) -> str | None:
    """Find the split that a file's or folder's name tells of.

    Args:
        name: Such as ``train-00000-of-00002``.

    Returns:
        The word as it is written there in lower case, or None.

    Example:
        >>> split_word("train-00000-of-00002"), split_word("my_Validation"), split_word("values")
        ('train', 'validation', None)
        >>> split_word("TrainSet"), split_word("data_hold-out"), split_word("contest")
        ('train', 'hold-out', None)
    """
    match = _SPLIT_WORD.search(name.lower())
    return match.group(1) if match else None


def choose_splits(names: Sequence[str]) -> tuple[str | None, str | None]:
    """Choose the training and the validation split among the names of splits.

    Args:
        names: Names as they are written, in any case. A name that says more than which split it
            is, such as ``test_tube``, is none of a split.

    Returns:
        The two names, each None where there is none; validation goes before test.

    Example:
        >>> choose_splits(["test", "Train", "val"])
        ('Train', 'val')
        >>> choose_splits(["train_set", "Test Images", "test_tube"])
        ('train_set', 'Test Images')
    """
    by_word: dict[str, str] = {}
    for name in names:
        plain = _SEPARATORS.sub("", name.lower())
        match = _WHOLE_NAME.fullmatch(plain)
        if match is not None:
            # Of "train" and "train_set" the plain one is meant.
            word = match.group(1)
            if word not in by_word or plain == word:
                by_word[word] = name
    train = next((by_word[word] for word in _TRAINING_WORDS if word in by_word), None)
    val = next((by_word[word] for word in _VALIDATION_WORDS if word in by_word), None)
    return train, val


def means_same_split(name: str, other: str) -> bool:
    """Whether two names of splits mean the same one.

    Example:
        >>> means_same_split("val", "Validation"), means_same_split("val", "test")
        (True, False)
    """
    kinds = [_kind_of_split(each) for each in (name, other)]
    return kinds[0] is not None and kinds[0] == kinds[1]


def _kind_of_split(name: str) -> str | None:
    word = split_word(name)
    return next((words[0] for words in _SAME if word in words), word)


def require_split_words(wanted: str) -> None:
    """Check names of splits before any source is opened.

    Raises:
        ArgumentError: If there is none, or an empty one.
    """
    if not all(word.strip() for word in wanted.split(",")):
        raise ArgumentError(
            f"`split` is {wanted!r}; expected `all`, or names of splits with commas between, such "
            "as `train,validation`."
        )
