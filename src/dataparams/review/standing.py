"""What counts now of everything people decided, ready to be filtered by."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np

from dataparams.decisions import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from dataparams.decisions import Action, DecisionStore
    from dataparams.review.samples import ReviewSamples

    Ranks = NDArray[np.intp]
    Codes = NDArray[np.int32]

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
"""Of which samples, seen by an annotator: ``todo``: I have not decided. ``open``: nobody has.
``mine``: I have. ``kept`` ... ``skipped``: I have in that way. ``others``: others have and I have
not. ``disputed``: annotators want different things."""

_NONE, _SKIP, _DISCARD, _LABELS = 0, 1, 2, 3
_CHANGES_KEPT = 200_000


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
        self._anyone = np.zeros(len(samples), dtype=np.bool_)
        self._disputed = np.zeros(len(samples), dtype=np.bool_)
        self._numbers: deque[int] = deque()
        self._changed: deque[int] = deque()
        self.number = self._first_known = 0
        with self._lock:
            self._read_all()
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
        """Write decisions, then let them count.

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
            before = self._store.last_number()
            added = self._store.record(request, annotator, decisions)
            after = self._store.last_number()
            if after - before != added or before != self.number:
                self._read_all()
            elif added:
                ranks = np.array([rank for rank, _, _ in wanted], dtype=np.intp)
                codes = np.array([_code(one.action, one.label) for one in decisions], np.int32)
                self._set(annotator, ranks, codes, after)
        return added

    def undo(self, request: str, annotator: str) -> list[int]:
        """Take back the annotator's last request that counts.

        Returns:
            The samples concerned, by index; empty where nothing is left.
        """
        with self._lock:
            before = self._store.last_number()
            taken = self._store.undo(request, annotator)
            after = self._store.last_number()
            if before != self.number or after - before not in (0, len(taken)):
                self._read_all()
            elif after > before:
                self._take_back(annotator, taken, before, after)
        return taken

    def refresh(self) -> None:
        """Read again where another process wrote."""
        with self._lock:
            if self._store.last_number() != self.number:
                self._read_all()

    def wanted(self, annotator: str, which: Wanted) -> NDArray[np.bool_] | None:
        """Which samples a filter by decisions wants, (n,) by rank; None for all."""
        if which == "any":
            return None
        if which == "disputed":
            return self._disputed
        if which == "open":
            return ~self._anyone
        codes = self._codes.get(annotator)
        if codes is None:
            codes = np.zeros(len(self._samples), dtype=np.int32)
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

    def is_disputed(self, rank: int) -> bool:
        """Whether annotators want different things."""
        return bool(self._disputed[rank])

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

    def _take_back(self, annotator: str, taken: list[int], before: int, after: int) -> None:
        ranks = self._samples.ranks_of(taken)
        in_force = self._store.in_force(after=before)
        counting = self._codes_of(in_force.filter(in_force["annotator"] == annotator))
        codes = np.array([counting.get(rank, _NONE) for rank in ranks.tolist()], dtype=np.int32)
        self._set(annotator, ranks, codes, after)

    def _codes_of(self, rows: pl.DataFrame) -> dict[int, int]:
        """The number of each decision, by rank; samples that the analysis lacks are left out."""
        known = rows.filter(rows["index"].is_in(self._samples.index))
        ranks = self._samples.ranks_of(known["index"].to_numpy())
        pairs = zip(known["action"], known["label"], strict=True)
        return {
            rank: _code(action, label)
            for rank, (action, label) in zip(ranks.tolist(), pairs, strict=True)
        }

    def _read_all(self) -> None:
        # Read first: what is written between the two reads is then read once more, not missed.
        number = self._store.last_number()
        in_force = self._store.in_force()
        names = set(in_force["annotator"].unique().to_list())
        for annotator in names | set(self._codes):
            codes = np.zeros(len(self._samples), dtype=np.int32)
            found = self._codes_of(in_force.filter(in_force["annotator"] == annotator))
            if found:
                codes[list(found)] = list(found.values())
            old = self._codes.get(annotator)
            ranks = np.flatnonzero(codes if old is None else codes != old)
            self._set(annotator, ranks, codes[ranks], number)
        self.number = number

    def _set(self, annotator: str, ranks: Ranks, codes: Codes, number: int) -> None:
        own = self._codes.get(annotator)
        if own is None:
            own = np.zeros(len(self._samples), dtype=np.int32)
        own[ranks] = codes
        self._codes[annotator] = own
        self._compare(ranks)
        self._numbers.extend([number] * len(ranks))
        self._changed.extend(ranks.tolist())
        while len(self._numbers) > _CHANGES_KEPT:
            self._first_known = self._numbers.popleft()
            self._changed.popleft()
        self.number = number

    def _compare(self, ranks: Ranks) -> None:
        wanted = np.stack([codes[ranks] for codes in self._codes.values()])
        has_voted = wanted > _SKIP
        lowest = np.where(has_voted, wanted, np.iinfo(np.int32).max).min(axis=0)
        self._disputed[ranks] = has_voted.any(axis=0) & (lowest < wanted.max(axis=0))
        self._anyone[ranks] = (wanted != _NONE).any(axis=0)


def _code(action: str, label: int | None) -> int:
    if action == "skip":
        return _SKIP
    return _DISCARD if label is None else _LABELS + label


def _action(code: int, given: int) -> tuple[Action, int | None]:
    if code < _LABELS:
        return ("skip" if code == _SKIP else "discard"), None
    label = code - _LABELS
    return ("keep" if label == given else "relabel"), label
