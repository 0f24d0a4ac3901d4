"""A summary of how a source was understood, for the user to check before training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataparams.sources.splits import comes_split, numbers_of_splits
from dataparams.terminal.words import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from dataparams.sources.source import LeftOut, Source

_EXAMPLES = 3
_MOST_KEPT = 100
_MOST_NAMED = 20


@dataclass(frozen=True)
class LeftOutWords:
    """What was left out for one reason.

    Attributes:
        reason: In a few words.
        count: How many files or rows.
        examples: Names of the first of them, or of the files or splits that they are in.
        has_more: Whether there are more names than these.
    """

    reason: str
    count: int
    examples: tuple[str, ...]
    has_more: bool


@dataclass(frozen=True)
class Understanding:
    """A source in words, by which a user can check that it was read as intended.

    Attributes:
        kind: What it is, such as ``image folder``.
        place: Where it is.
        columns: Which column was taken for what.
        row_columns: The columns of a row, where a sample is a row of a table.
        samples: Number of samples of all splits.
        classes: Number of classes.
        smallest: Name and number of samples of the smallest class.
        largest: The same of the largest class.
        split: How samples are split, in a few words; empty if unknown.
        left_out: What is there beside the samples, by reason.
        notes: Whatever else may be otherwise than it was meant; sentences.
    """

    kind: str
    place: str
    columns: dict[str, str]
    row_columns: tuple[str, ...]
    samples: int
    classes: int
    smallest: tuple[str, int]
    largest: tuple[str, int]
    split: str
    left_out: tuple[LeftOutWords, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The same for a terminal."""
        size = f"{counted(self.smallest[1], 'sample')} each"
        if self.smallest[1] != self.largest[1]:
            size = (
                f"smallest: {self.smallest[0]}, {self.smallest[1]:,}; "
                f"largest: {self.largest[0]}, {self.largest[1]:,}"
            )
        lines = [
            (
                f"{self.place}: {self.kind}, {counted(self.samples, 'sample')} of "
                f"{self.classes:,} classes ({size})."
            )
        ]
        if self.columns:
            lines.append(f"Columns: {self._columns()}.")
        if self.split:
            lines.append(f"Split: {self.split}")
        lines += [f"Left out: {_told(one)}." for one in self.left_out]
        lines += [f"Note: {note}" for note in self.notes]
        return [printable(line) for line in lines]

    def _columns(self) -> str:
        told = [f"{purpose} from {name!r}" for purpose, name in self.columns.items()]
        if not self.row_columns:
            return ", ".join(told)
        names = ", ".join(map(repr, self.row_columns[:_MOST_NAMED]))
        more = len(self.row_columns) - _MOST_NAMED
        return f"rows from {names}{f' and {more} more' if more > 0 else ''}; {', '.join(told)}"

    def as_json(self) -> dict[str, Any]:
        """The same for ``run.json``."""
        return asdict(self)


def understand(
    source: Source, splits: Sequence[Tensor] = (), val_frac: float = 0.0
) -> Understanding:
    r"""Put into words what was understood of a source.

    Args:
        source: The source.
        splits: Rows of the training and of the validation samples; none where it is not split.
        val_frac: The share that was set aside where the source does not come split.

    Example:
        >>> from dataparams.sources.opening import open_source
        >>> from dataparams.sources.splits import split_rows
        >>> digits = open_source("digits")
        >>> print(*understand(digits, split_rows(digits, 0.1, seed=0), 0.1).lines(), sep="\n")
        digits: built-in data set, 1,797 samples of 10 classes (smallest: 8, 174; largest: 3, 183).
        Split: it does not come split; 10% of every class are set aside: 1,618 samples to train on,
        179 to validate.
    """
    counts = torch.bincount(source.labels, minlength=len(source.class_names)).tolist()
    smallest, largest = counts.index(min(counts)), counts.index(max(counts))
    empty = [name for name, count in zip(source.class_names, counts, strict=True) if not count]
    notes = list(source.notes)
    if empty:
        verb = "has" if len(empty) == 1 else "have"
        notes.append(f"{len(empty):,} of the declared classes {verb} no sample: {_first(empty)}.")
    if splits and not comes_split(source):
        notes += _classes_not_validated(source, splits[1], counts)
    return Understanding(
        kind=source.kind,
        place=source.place,
        columns=dict(source.columns),
        row_columns=source.row_columns,
        samples=len(source),
        classes=len(source.class_names),
        smallest=(source.class_names[smallest], counts[smallest]),
        largest=(source.class_names[largest], counts[largest]),
        split=_split_words(source, splits, val_frac),
        left_out=tuple(_words(one) for one in source.left_out[:_MOST_KEPT]),
        notes=tuple(notes),
    )


def _split_words(source: Source, splits: Sequence[Tensor], val_frac: float) -> str:
    names = source.split_names if len(source.split_names) > 1 else ("train", "val")
    if not splits:
        if not comes_split(source):
            return "it does not come split."
        first, *others = np.bincount(numbers_of_splits(source), minlength=len(names)).tolist()
        told = [f"{names[0]} ({counted(first, 'sample')})"]
        told += [f"{name} ({count:,})" for name, count in zip(names[1:], others, strict=True)]
        return f"{', '.join(told)}."
    train, val = map(len, splits)
    if not comes_split(source):
        return (
            f"it does not come split; {100 * val_frac:.3g}% of every class are set aside: "
            f"{counted(train, 'sample')} to train on, {val:,} to validate."
        )
    return f"{names[0]} to train on ({counted(train, 'sample')}), {names[1]} to validate ({val:,})."


def _classes_not_validated(source: Source, val: Tensor, counts: Sequence[int]) -> list[str]:
    """Sentences on classes that are too small for the validation split."""
    set_aside = torch.bincount(source.labels[val], minlength=len(counts)).tolist()
    sizes = zip(source.class_names, counts, set_aside, strict=True)
    names = [name for name, count, aside in sizes if count and not aside]
    if not names:
        return []
    subject = "1 class is" if len(names) == 1 else f"{len(names):,} classes are"
    return [f"{subject} too small for a sample to be set aside: {_first(names)}."]


def _words(one: LeftOut) -> LeftOutWords:
    names = tuple(one.names[:_EXAMPLES])
    return LeftOutWords(one.reason, one.count, names, has_more=len(one.names) > len(names))


def _told(one: LeftOutWords) -> str:
    count = f"{one.count:,} x " if one.count else ""
    names = ", ".join(one.examples) + (", ..." if one.has_more else "")
    return f"{count}{one.reason}" + (f" ({names})" if names else "")


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_EXAMPLES]) + (", ..." if len(names) > _EXAMPLES else "")
