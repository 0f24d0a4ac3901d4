"""What a team shares beside its decisions.

Who settles disputes, who does what, the audit, notes, and classes that were added or renamed.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from dataparams.decisions.adjudicators import adjudicators_in
from dataparams.decisions.assignments import assignments_in, is_assigned
from dataparams.decisions.audit_sample import audit_in
from dataparams.decisions.class_changes import changed_class_names
from dataparams.decisions.notes import last_note, noted_after, notes_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.decisions.database import DecisionDatabase
    from dataparams.decisions.notes import Note
    from dataparams.review.samples import ReviewSamples

_TAG = "#"


class Team:
    """What the server knows of a team; read at the start, classes and notes also later.

    Args:
        database: The decisions.
        samples: All samples.
        is_auditing: Whether the audit that was drawn goes on: its samples are judged blind.

    Attributes:
        adjudicators: Who sees others' decisions at once, and settles disputes.
        assignments: Who is to decide about what.
        is_auditing: Whether an audit goes on.
        drawn: Ranks of its samples, in the order of looking; empty where none goes on.
        is_drawn: Whether each sample is among them, (n,) by rank.
        class_names: Names of class 0, 1, ... as they are now.
    """

    def __init__(
        self, database: DecisionDatabase, samples: ReviewSamples, *, is_auditing: bool = False
    ) -> None:
        self.database = database
        self._samples = samples
        self._lock = Lock()
        self.adjudicators = frozenset(adjudicators_in(database))
        self.assignments = assignments_in(database)
        audit = audit_in(database) if is_auditing else None
        self.is_auditing = audit is not None
        index = np.zeros(0, dtype=np.int64) if audit is None else audit.samples["index"].to_numpy()
        self.drawn, _ = samples.find(index)
        self.is_drawn = np.zeros(len(samples), dtype=np.bool_)
        self.is_drawn[self.drawn] = True
        self._assigned: dict[str, NDArray[np.bool_]] = {}
        self._notes: dict[int, dict[str, Note]] = {}
        self._last_note = 0
        self.class_names: tuple[str, ...] = samples.class_names
        self.refresh()

    def refresh(self) -> None:
        """Read the classes and notes that others wrote since."""
        with self._lock:
            self.class_names = changed_class_names(self._samples.class_names, self.database)
            last = last_note(self.database)
            if last == self._last_note:
                return
            for note in notes_in(self.database, after=self._last_note):
                of_sample = self._notes.setdefault(note.index, {})
                if note.text or note.tags:
                    of_sample[note.annotator] = note
                else:
                    of_sample.pop(note.annotator, None)
            self._last_note = last

    def assigned(self, annotator: str) -> NDArray[np.bool_] | None:
        """Which samples are an annotator's to decide, (n,) by rank; None where nothing is."""
        if all(one.annotator != annotator for one in self.assignments):
            return None
        if annotator not in self._assigned:
            self._assigned[annotator] = is_assigned(
                self.assignments, annotator, self._samples.index, self._samples.label
            )
        return self._assigned[annotator]

    def notes_of(self, index: int) -> list[Note]:
        """The notes on a sample, by annotator."""
        return [note for _, note in sorted(self._notes.get(index, {}).items())]

    def last_note(self) -> int:
        """The number of the last note that anybody wrote."""
        return last_note(self.database)

    def noted_after(self, number: int, most: int) -> list[tuple[int, int]]:
        """Index and rank of the samples on which notes were written after one of that number."""
        index = np.array(noted_after(self.database, number, most), dtype=np.int64)
        ranks, is_known = self._samples.find(index)
        return list(zip(index[is_known].tolist(), ranks.tolist(), strict=True))

    def noted(self, words: str) -> list[tuple[int, str]]:
        """Rank and annotator of the notes in which some words occur; with # before, of that tag."""
        wanted = words.casefold()
        is_tag = wanted.startswith(_TAG)
        found = [
            (index, note.annotator)
            for index, by_annotator in list(self._notes.items())
            for note in list(by_annotator.values())
            if (
                any(tag.casefold() == wanted[1:] for tag in note.tags)
                if is_tag
                else wanted in note.text.casefold()
                or any(wanted in tag.casefold() for tag in note.tags)
            )
        ]
        ranks, is_known = self._samples.find(
            np.array([index for index, _ in found], dtype=np.int64)
        )
        names = [name for (_, name), known in zip(found, is_known.tolist(), strict=True) if known]
        return list(zip(ranks.tolist(), names, strict=True))
