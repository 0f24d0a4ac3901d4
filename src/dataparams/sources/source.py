"""The protocol of sources of samples, which all readers of samples use."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.contents.content import Content, ContentKind
    from dataparams.sources.text_column import TextColumn

_NO_SAMPLE = UnreadableContentError("the source has no row of this id")


class Found(NamedTuple):
    """A few contents that were read together.

    Attributes:
        places: Where each of their rows stands among the rows that were asked for.
        contents: The contents, or why there is none.
    """

    places: Sequence[int]
    contents: Sequence[Content | UnreadableContentError]


class Contents(ABC):
    """Contents by row, read when they are needed; can be handed to other processes.

    Attributes:
        kind: What they are, all of one kind; None where nothing is known of them.
        rows_at_once: How many a sweep reads together.
    """

    kind: ContentKind | None = "image"
    rows_at_once = 64

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    @abstractmethod
    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows, in the order wanted.

        A file of its own may be opened only when its content is looked at. What is known to be
        missing has its reason in its place.
        """

    @abstractmethod
    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each content as it is stored, (n,), -1 where there is none; reads none."""

    def containing(self, words: str) -> NDArray[np.bool_]:  # noqa: ARG002 - others look for them
        """Which contents contain some words, in large or small letters, (n,); no image does."""
        return np.zeros(len(self), dtype=np.bool_)

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows, each piece of what they are stored in once.

        Args:
            rows: Rows, in any order.

        Yields:
            All of them, a few at a time, in the order that suits the storage.
        """
        for start in range(0, len(rows), self.rows_at_once):
            some = rows[start : start + self.rows_at_once]
            yield Found(range(start, start + len(some)), self.read(some))


class JoinedContents(Contents):
    """Several contents as one, whose rows are counted on from one to the next.

    Args:
        parts: The contents.
    """

    def __init__(self, parts: Sequence[Contents]) -> None:
        self._parts = list(parts)
        self.kind = parts[0].kind if parts else "image"
        self._starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; see :meth:`Contents.read`."""
        contents: dict[int, Content | UnreadableContentError] = {}
        for part, wanted, places in self._by_part(rows):
            contents.update(zip(places.tolist(), part.read(wanted.tolist()), strict=True))
        return [contents[place] for place in range(len(rows))]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each content as it is stored, (n,), -1 where there is none."""
        none = np.empty(0, dtype=np.int64)
        return np.concatenate([none, *(part.sizes() for part in self._parts)])

    def containing(self, words: str) -> NDArray[np.bool_]:
        """Which contents contain some words, (n,); see :meth:`Contents.containing`."""
        none = np.empty(0, dtype=np.bool_)
        return np.concatenate([none, *(part.containing(words) for part in self._parts)])

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows, in the order in which they are stored."""
        for part, wanted, places in self._by_part(rows):
            yield from _found_at(places, part.sweep(wanted.tolist()))

    def _by_part(
        self, rows: Sequence[int]
    ) -> Iterator[tuple[Contents, NDArray[np.int64], NDArray[np.int64]]]:
        """Rows of each part, counted from its first, and their places among those wanted."""
        numbers = np.asarray(rows, dtype=np.int64)
        owners = np.searchsorted(self._starts, numbers, side="right") - 1
        for owner, part in enumerate(self._parts):
            places = np.flatnonzero(owners == owner)
            if len(places):
                yield part, numbers[places] - self._starts[owner], places


class SelectedContents(Contents):
    """Some rows of other contents, in an order of their own.

    Args:
        contents: The others.
        rows: Row of each in them, (n,); -1 where there is none.
    """

    def __init__(self, contents: Contents, rows: NDArray[np.int64]) -> None:
        self._contents, self._rows = contents, rows
        self.kind = contents.kind

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read a few rows; see :meth:`Contents.read`."""
        wanted = self._rows[np.asarray(rows, dtype=np.int64)]
        there = np.flatnonzero(wanted >= 0)
        read = self._contents.read(wanted[there].tolist())
        contents = dict(zip(there.tolist(), read, strict=True))
        return [contents.get(place, _NO_SAMPLE) for place in range(len(rows))]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each content as it is stored, (n,), -1 where there is none."""
        # -1, where there is no row, takes the last.
        return np.append(self._contents.sizes(), -1)[self._rows]

    def containing(self, words: str) -> NDArray[np.bool_]:
        """Which contents contain some words, (n,); see :meth:`Contents.containing`."""
        # -1, where there is no row, takes the last.
        return np.append(self._contents.containing(words), False)[self._rows]

    def sweep(self, rows: Sequence[int]) -> Iterator[Found]:
        """Read many rows in the order of the parts; missing rows come first."""
        wanted = self._rows[np.asarray(rows, dtype=np.int64)]
        missing = np.flatnonzero(wanted < 0).tolist()
        if missing:
            yield Found(missing, [_NO_SAMPLE] * len(missing))
        there = np.flatnonzero(wanted >= 0)
        yield from _found_at(there, self._contents.sweep(wanted[there].tolist()))


def _found_at(places: NDArray[np.int64], pieces: Iterable[Found]) -> Iterator[Found]:
    """The same contents at the places where their rows stand among others."""
    for found in pieces:
        yield Found(places[np.asarray(found.places)].tolist(), found.contents)


@dataclass(frozen=True)
class LeftOut:
    """A part of a source that was left out, and why.

    Attributes:
        reason: In a few words that go on after "left out: ", such as ``in no class folder``.
        names: Files, relative to the source, or ``split/row``; for rows of a table perhaps only
            the name of the split that they are in.
        count: How many files or rows they are.
    """

    reason: str
    names: Sequence[str]
    count: int


@dataclass(frozen=True, eq=False)
class Source:
    """All labeled samples of a data source, before they are split; no content is read yet.

    A sample is a row: its number is the sample's ``index``, also in a run folder.

    Attributes:
        kind: What it is, in words, such as ``image folder``.
        place: Where it is: a whole path, a repository of the hub, or the name of a built-in one.
        name: Short name that can be a folder's name.
        class_names: Name of class 0, 1, ...
        ids: Path or ``split/row`` of each row, N of them, none twice.
        labels: Class of each row as given, (N,), int64.
        train_rows: Number of rows of the training split, which come first; None where the source
            does not come split, or its rows are not in the order of splits.
        contents: What each row holds.
        split_names: What the source calls its splits, training first, then what is validated on;
            one where it has no two.
        split_numbers: Which of these each row is in, (N,); None where the rows of the training
            split come first and all others are of the second.
        columns: Which column of a table was taken for what: ``image`` or ``text``, and ``label``;
            else empty.
        row_columns: Names of the columns of a row, where a sample is a row of a table.
        left_out: What is there beside these samples.
        notes: Whatever else was understood that may be otherwise than it was meant; sentences.
        unreadable: Why a row has no content, by row, where that is known already.
    """

    kind: str
    place: str
    name: str
    class_names: tuple[str, ...]
    ids: TextColumn
    labels: Tensor
    train_rows: int | None
    contents: Contents
    split_names: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    row_columns: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: Mapping[int, str] = field(default_factory=dict)
    split_numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Read the contents of a few samples; see :meth:`Contents.read`."""
        return self.contents.read(rows)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of ids, labels, stored sizes and class names; reads no content."""
        digest = hashlib.sha256()
        known = [self.class_names, len(self.ids), self.train_rows]
        digest.update(json.dumps(known).encode())
        lengths, letters = self.ids.contents()
        digest.update(lengths.data)
        digest.update(letters)
        digest.update(self.labels.contiguous().numpy().data)
        digest.update(np.ascontiguousarray(self.contents.sizes()).data)
        return digest.hexdigest()


def require_image_source(source: Source) -> None:
    """Check that the samples of a source are images.

    Raises:
        DataError: If they are texts or rows, or unknown.
    """
    kind = source.contents.kind
    if kind != "image":
        what = "nothing that is known" if kind is None else f"{kind}s"
        raise DataError(
            f"The samples of {source.place} are {what}; this needs images. Their labels are "
            f"judged by: dataparams audit {source.place}"
        )
