"""What counts now of everything people decided, ready to be filtered by."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from dataparams.decisions.store import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.decisions.store import Action, DecisionStore
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]
    Codes = NDArray[np.int16] | NDArray[np.int32]

Wanted = Literal[
    "any",
    "todo",
    "open",
    "mine",
    "kept",
    "relabelled",
    "discarded",
    "skipped",
    "others",
    "disputed",
]
"""Filters by decisions, as an annotator sees them: ``todo``: I have not decided. ``open``: no one
has. ``mine``: I have. ``kept`` ... ``skipped``: I have in that way. ``others``: others have and I
have not. ``disputed``: annotators want different things."""

LONGEST_NAME = 60
"""Letters of an annotator's name at most."""
_NONE, _SKIP, _DISCARD, _LABELS = 0, 1, 2, 3
_CHANGES_KEPT = 200_000
_CODE = (
    pl.when(pl.col("action").is_null())
    .then(_NONE)
    .when(pl.col("action") == "skip")
    .then(_SKIP)
    .when(pl.col("label").is_null())
    .then(_DISCARD)
    .otherwise(pl.col("label") + _LABELS)
    .cast(pl.Int32)
)
"""The number that stands for what counts by a row of :meth:`DecisionStore.changes`."""


@dataclass(frozen=True)
class Opinion:
    """What one annotator wants of a sample."""

    annotator: str
    action: Action
    label: int | None


@dataclass(frozen=True)
class Progress:
    """How far the review has come.

    Attributes:
        total: All samples.
        suspicious: The hard and need-review ones.
        mine: How many the annotator decided about.
        mine_suspicious: Of the hard and need-review ones.
        anyone: How many anybody decided about.
        anyone_suspicious: Of the hard and need-review ones.
        disputed: About how many annotators want different things.
    """

    total: int
    suspicious: int
    mine: int
    mine_suspicious: int
    anyone: int
    anyone_suspicious: int
    disputed: int


class Standing:
    """The decisions in force, a number for each annotator and sample, and the way to add to them.

    Everything goes through the store first: what is acknowledged is on the disk. Other processes
    may write to the same file; :meth:`refresh` notices.

    Args:
        store: Where decisions are kept.
        samples: What is decided about; decisions about other samples are passed over.
    """

    def __init__(self, store: DecisionStore, samples: ReviewSamples) -> None:
        self._store = store
        self._samples = samples
        self._lock = Lock()
        self._codes: dict[str, Codes] = {}
        self._nothing = _no_codes(len(samples), len(samples.class_names))
        self._anyone = np.zeros(len(samples), dtype=np.bool_)
        self._disputed = np.zeros(len(samples), dtype=np.bool_)
        self._numbers: deque[int] = deque()
        self._changed: deque[int] = deque()
        self.number = self._first_known = 0
        with self._lock:
            self._catch_up()
            self._first_known = self.number
            self._numbers.clear()
            self._changed.clear()

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._store.close()

    def record(
        self, request: str, annotator: str, wanted: Sequence[tuple[int, Action, int | None]]
    ) -> int:
        """Write decisions, then apply them.

        Args:
            request: Made up by the sender; see :class:`DecisionStore`.
            annotator: Who decides.
            wanted: Rank, action and class of each. Keeping needs no class, and relabeling to the
                given class is keeping.

        Returns:
            How many were added; 0 where the request was there already.
        """
        decisions = [self._decision(*one) for one in wanted]
        with self._lock:
            added = self._store.record(request, annotator, decisions)
            self._catch_up()
        return added

    def undo(self, request: str, annotator: str) -> list[int]:
        """Take back the annotator's last request that counts.

        Returns:
            The samples concerned, by index; empty where nothing is left.
        """
        with self._lock:
            taken = self._store.undo(request, annotator)
            self._catch_up()
        return taken

    def refresh(self) -> None:
        """Read what other processes wrote since."""
        with self._lock:
            self._catch_up()

    def wanted(self, annotator: str, which: Wanted) -> NDArray[np.bool_] | None:
        """Which samples a filter by decisions wants, (n,) by rank; None for all."""
        if which == "any":
            return None
        if which == "disputed":
            return self._disputed
        if which == "open":
            return ~self._anyone
        codes = self._codes.get(annotator, self._nothing)
        mask: NDArray[np.bool_]
        if which == "todo":
            mask = codes == _NONE
        elif which == "mine":
            mask = codes != _NONE
        elif which == "others":
            mask = self._anyone & (codes == _NONE)
        elif which == "kept":
            mask = codes == self._samples.label + _LABELS
        elif which == "relabelled":
            mask = (codes >= _LABELS) & (codes != self._samples.label + _LABELS)
        else:
            mask = codes == (_DISCARD if which == "discarded" else _SKIP)
        return mask

    def opinions(self, rank: int) -> list[Opinion]:
        """What annotators want of a sample, by name."""
        given = int(self._samples.label[rank])
        return [
            Opinion(name, *_action(int(codes[rank]), given))
            for name, codes in sorted(self._codes.items())
            if codes[rank] != _NONE
        ]

    def progress(self, annotator: str) -> Progress:
        """How far an annotator, and all together, have come."""
        codes = self._codes.get(annotator)
        decided = self._anyone[:0] if codes is None else codes != _NONE
        suspicious = self._samples.suspicious
        return Progress(
            total=len(self._samples),
            suspicious=suspicious,
            mine=int(np.count_nonzero(decided)),
            mine_suspicious=int(np.count_nonzero(decided[:suspicious])),
            anyone=int(np.count_nonzero(self._anyone)),
            anyone_suspicious=int(np.count_nonzero(self._anyone[:suspicious])),
            disputed=int(np.count_nonzero(self._disputed)),
        )

    def changed_since(self, number: int) -> Ranks | None:
        """Ranks of the samples that changed after a number; None where that is too long ago."""
        with self._lock:
            if not self._first_known <= number <= self.number:
                return None
            start = bisect_right(self._numbers, number)
            ranks = list(islice(self._changed, start, None))
        return np.unique(np.array(ranks, dtype=np.intp))

    def codes(self) -> dict[str, Codes]:
        """What each annotator wants, a number by rank: 0 for nothing, 1 for unsure."""
        return dict(self._codes)

    def _decision(self, rank: int, action: Action, label: int | None) -> Decision:
        given = int(self._samples.label[rank])
        if action == "keep" or (action == "relabel" and label == given):
            return Decision(int(self._samples.index[rank]), "keep", given)
        return Decision(int(self._samples.index[rank]), action, label)

    def _catch_up(self) -> None:
        while len(changes := self._store.changes(after=self.number)):
            self._apply(changes)

    def _apply(self, changes: pl.DataFrame) -> None:
        """Apply rows; samples and classes that the analysis lacks are passed over."""
        is_class = pl.col("label").fill_null(0) < len(self._samples.class_names)
        of_classes = changes.filter(is_class)
        ranks, is_known = self._samples.find(of_classes["index"].to_numpy())
        known = of_classes.filter(is_known)
        codes = known.select(_CODE).to_series().to_numpy()
        writers = known["annotator"].to_numpy()
        for annotator in known["annotator"].unique().to_list():
            own = self._codes.get(annotator)
            if own is None:
                own = self._codes[annotator] = self._nothing.copy()
            is_theirs = writers == annotator
            # Of a sample that is there several times, the last counts.
            own[ranks[is_theirs]] = codes[is_theirs]
        self._compare(np.unique(ranks))
        self._numbers.extend(known["number"].to_list())
        self._changed.extend(ranks.tolist())
        while len(self._numbers) > _CHANGES_KEPT:
            self._first_known = self._numbers.popleft()
            self._changed.popleft()
        self.number = int(changes["number"][-1])

    def _compare(self, ranks: Ranks) -> None:
        if not len(ranks):
            return
        wanted: NDArray[np.signedinteger] = np.stack(
            [codes[ranks] for codes in self._codes.values()]
        )
        has_voted = wanted > _SKIP
        lowest = np.where(has_voted, wanted, np.iinfo(wanted.dtype).max).min(axis=0)
        self._disputed[ranks] = has_voted.any(axis=0) & (lowest < wanted.max(axis=0))
        self._anyone[ranks] = (wanted != _NONE).any(axis=0)


def _no_codes(samples: int, classes: int) -> Codes:
    """Zeros of a type that holds a number for each class: there is such an array per annotator."""
    is_short = classes + _LABELS <= np.iinfo(np.int16).max
    return np.zeros(samples, dtype=np.int16 if is_short else np.int32)


def _action(code: int, given: int) -> tuple[Action, int | None]:
    if code < _LABELS:
        return ("skip" if code == _SKIP else "discard"), None
    label = code - _LABELS
    return ("keep" if label == given else "relabel"), label
