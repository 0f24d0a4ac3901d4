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

from dataparams.decisions.agreement import are_settled
from dataparams.decisions.class_changes import MOST_ADDED
from dataparams.decisions.store import Decision
from dataparams.review.team import Team

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
    "relabeled",
    "discarded",
    "skipped",
    "others",
    "disputed",
    "audit",
    "audited",
]
"""Filters by decisions, as an annotator sees them: ``todo``: I have not decided. ``open``: no one
has. ``mine``: I have. ``kept`` ... ``skipped``: I have in that way. ``others``: others have and I
have not. ``disputed``: annotators want different things, and nothing settles it. ``audit``: drawn
for the audit, and I have not decided in it. ``audited``: I have."""

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
        disputed: About how many annotators want different things, with nothing that settles it.
        audit: How many were drawn for the audit that goes on; 0 for none.
        audit_mine: How many of these the annotator decided about in it.
        assigned: How many are the annotator's to decide; 0 where nothing is assigned.
        assigned_mine: How many of these the annotator decided about.
    """

    total: int
    suspicious: int
    mine: int
    mine_suspicious: int
    anyone: int
    anyone_suspicious: int
    disputed: int
    audit: int = 0
    audit_mine: int = 0
    assigned: int = 0
    assigned_mine: int = 0


class Standing:
    """The decisions in force, a number for each annotator and sample, and the way to add to them.

    Everything goes through the store first: what is acknowledged is on the disk. Other processes
    may write to the same file; :meth:`refresh` notices.

    Nobody is told what others want of a sample before having decided about it, except adjudicators;
    and nobody what others or they themselves decided about a sample that waits for their judgment
    in an audit.

    Args:
        store: Where decisions are kept.
        samples: What is decided about; decisions about other samples are passed over.
        team: Who settles disputes, who does what, and what is audited; None for nobody and nothing.
    """

    def __init__(
        self, store: DecisionStore, samples: ReviewSamples, team: Team | None = None
    ) -> None:
        self._store = store
        self._samples = samples
        self._team = Team(store.database, samples) if team is None else team
        self._lock = Lock()
        self._codes: dict[str, Codes] = {}
        self._blind: dict[str, NDArray[np.bool_]] = {}
        self._audited: dict[str, set[int]] = {}
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
        self,
        request: str,
        annotator: str,
        wanted: Sequence[tuple[int, Action, int | None]],
        *,
        is_audit: bool = False,
    ) -> int:
        """Write decisions, then apply them.

        Args:
            request: Made up by the sender; see :class:`DecisionStore`.
            annotator: Who decides.
            wanted: Rank, action and class of each. Keeping needs no class, and relabeling to the
                given class is keeping.
            is_audit: Whether they were made in the audit.

        Returns:
            How many were added; 0 where the request was there already.
        """
        decisions = [self._decision(*one) for one in wanted]
        with self._lock:
            added = self._store.record(request, annotator, decisions, is_audit=is_audit)
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
        if which in ("audit", "audited"):
            waiting = self.waits_for_audit(annotator)
            return waiting if which == "audit" else self._team.is_drawn & ~waiting
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
        elif which == "relabeled":
            mask = (codes >= _LABELS) & (codes != self._samples.label + _LABELS)
        else:
            mask = codes == (_DISCARD if which == "discarded" else _SKIP)
        return mask

    def opinions(self, rank: int, annotator: str) -> list[Opinion]:
        """What annotators want of a sample, by name, as far as one of them may know.

        Args:
            rank: The sample.
            annotator: Who asks: who has not decided gets no more than that they skipped it.
        """
        if self.is_hidden(rank, annotator):
            return []
        given = int(self._samples.label[rank])
        sees_all = self.sees_others(rank, annotator)
        return [
            Opinion(name, *_action(int(codes[rank]), given))
            for name, codes in sorted(self._codes.items())
            if codes[rank] != _NONE and (sees_all or name == annotator)
        ]

    def sees_others(self, rank: int, annotator: str) -> bool:
        """Whether somebody may know what others want of a sample, and have noted about it."""
        if self.is_hidden(rank, annotator):
            return False
        codes = self._codes.get(annotator, self._nothing)
        return annotator in self._team.adjudicators or bool(codes[rank] > _SKIP)

    def hidden(self, annotator: str) -> NDArray[np.bool_] | None:
        """Samples of which an annotator may know nothing but the given label, (n,); None for none.

        They wait for the annotator's judgment in the audit; for an adjudicator's only where nobody
        else has judged them.
        """
        if not self._team.is_auditing:
            return None
        waiting = self.waits_for_audit(annotator)
        if annotator in self._team.adjudicators:
            for others in self._audited.values():
                waiting[list(others)] = False
        return waiting

    def is_hidden(self, rank: int, annotator: str) -> bool:
        """Whether one sample is hidden; see :meth:`hidden`."""
        if not self._team.is_auditing or not self._team.is_drawn[rank]:
            return False
        if annotator in self._team.adjudicators:
            return not any(rank in others for others in self._audited.values())
        return rank not in self._audited.get(annotator, ())

    def waits_for_audit(self, annotator: str) -> NDArray[np.bool_]:
        """Which samples of the audit wait for the judgment of an annotator, (n,)."""
        waiting: NDArray[np.bool_] = self._team.is_drawn.copy()
        waiting[list(self._audited.get(annotator, ()))] = False
        return waiting

    def progress(self, annotator: str) -> Progress:
        """How far an annotator, and all together, have come."""
        codes = self._codes.get(annotator)
        decided = self._anyone[:0] if codes is None else codes != _NONE
        suspicious = self._samples.suspicious
        assigned = self._team.assigned(annotator)
        return Progress(
            total=len(self._samples),
            suspicious=suspicious,
            mine=int(np.count_nonzero(decided)),
            mine_suspicious=int(np.count_nonzero(decided[:suspicious])),
            anyone=int(np.count_nonzero(self._anyone)),
            anyone_suspicious=int(np.count_nonzero(self._anyone[:suspicious])),
            disputed=int(np.count_nonzero(self._disputed)),
            audit=len(self._team.drawn),
            audit_mine=len(self._audited.get(annotator, ())),
            assigned=0 if assigned is None else int(np.count_nonzero(assigned)),
            assigned_mine=0
            if assigned is None or codes is None
            else int(np.count_nonzero(assigned & decided)),
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

    def history(
        self, *, since: str = "", annotator: str | None = None, of_audit: bool = False
    ) -> pl.DataFrame:
        """Decisions and undos, in order; see :meth:`DecisionStore.history`."""
        return self._store.history(since=since, annotator=annotator, of_audit=of_audit)

    def blind(self) -> dict[str, NDArray[np.bool_]]:
        """Which of these were decided before anybody else's decision could be seen."""
        return dict(self._blind)

    def _decision(self, rank: int, action: Action, label: int | None) -> Decision:
        given = int(self._samples.label[rank])
        if action == "keep" or (action == "relabel" and label == given):
            return Decision(int(self._samples.index[rank]), "keep", given)
        return Decision(int(self._samples.index[rank]), action, label)

    def _catch_up(self) -> None:
        while len(changes := self._store.changes(after=self.number)):
            # A class is added before a sample is given it.
            self._team.refresh()
            self._apply(changes)

    def _apply(self, changes: pl.DataFrame) -> None:
        """Apply rows; samples and classes that the analysis lacks are passed over."""
        is_class = pl.col("label").fill_null(0) < len(self._team.class_names)
        of_classes = changes.filter(is_class)
        ranks, is_known = self._samples.find(of_classes["index"].to_numpy())
        known = of_classes.filter(is_known)
        codes = known.select(_CODE).to_series().to_numpy()
        blind = known["is_blind"].fill_null(value=False).to_numpy()
        in_audit = known["in_audit"].fill_null(value=False).to_numpy()
        writers = known["annotator"].to_numpy()
        for annotator in known["annotator"].unique().to_list():
            own = self._codes.get(annotator)
            if own is None:
                own = self._codes[annotator] = self._nothing.copy()
                self._blind[annotator] = np.zeros(len(self._samples), dtype=np.bool_)
                self._audited[annotator] = set()
            is_theirs = writers == annotator
            # Of a sample that is there several times, the last counts.
            own[ranks[is_theirs]] = codes[is_theirs]
            self._blind[annotator][ranks[is_theirs]] = blind[is_theirs]
            audited = self._audited[annotator]
            for rank, is_audited in zip(
                ranks[is_theirs].tolist(), in_audit[is_theirs].tolist(), strict=True
            ):
                (audited.add if is_audited else audited.discard)(rank)
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
        differ = has_voted.any(axis=0) & (lowest < wanted.max(axis=0))
        if differ.any():
            settles = np.array([name in self._team.adjudicators for name in self._codes])
            differ[differ] = ~are_settled(wanted[:, differ], has_voted[:, differ], settles)
        self._disputed[ranks] = differ
        self._anyone[ranks] = (wanted != _NONE).any(axis=0)


def _no_codes(samples: int, classes: int) -> Codes:
    """Zeros of a type that holds a number for each class: there is such an array per annotator."""
    is_short = classes + MOST_ADDED + _LABELS <= np.iinfo(np.int16).max
    return np.zeros(samples, dtype=np.int16 if is_short else np.int32)


def _action(code: int, given: int) -> tuple[Action, int | None]:
    if code < _LABELS:
        return ("skip" if code == _SKIP else "discard"), None
    label = code - _LABELS
    return ("keep" if label == given else "relabel"), label
