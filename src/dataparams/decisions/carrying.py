"""Decisions carried over to another run, for samples with the same content."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl

from dataparams.decisions.adjudicators import adjudicators_in, set_adjudicator
from dataparams.decisions.class_changes import add_class, class_names_of, rename_class
from dataparams.decisions.database import DecisionDatabase
from dataparams.decisions.notes import notes_in, write_note
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from dataparams.decisions.notes import Note
    from dataparams.decisions.store import Action
    from dataparams.run.folder import RunFolder

_BY = "dataparams"


@dataclass(frozen=True)
class CarriedDecisions:
    """How many decisions of an earlier run were carried over.

    Attributes:
        carried: Decisions that are in force in the new run.
        gone: Decisions about samples that are gone or have changed.
        relabeled: Decisions to keep a label that has been changed in the data since.
    """

    carried: int = 0
    gone: int = 0
    relabeled: int = 0

    def words(self) -> str:
        """The counts in a sentence.

        Example:
            >>> CarriedDecisions(12, 1, 0).words()
            '12 decisions came along; left behind: 1 on samples that are gone or changed.'
        """
        behind = []
        if self.gone:
            behind.append(f"{self.gone:,} on samples that are gone or changed")
        if self.relabeled:
            behind.append(f"{self.relabeled:,} that kept a label which the data have changed since")
        told = f"{counted(self.carried, 'decision')} came along"
        return f"{told}; left behind: {', '.join(behind)}." if behind else f"{told}."


def carry_decisions(before: RunFolder, run: RunFolder) -> CarriedDecisions:
    """Carry the decisions in force of an earlier run over to a new one.

    A decision follows the content: it goes to the sample with the same content, of several to the
    one with the same id. A relabeling to the label that the data have now becomes ``keep``. Notes,
    classes that were added or renamed, and adjudicators come along; assignments and the audit,
    which are of the samples of one run, do not.

    Args:
        before: The earlier run, which is not changed.
        run: The new run, without decisions.

    Raises:
        RunError: If either run cannot be read, or the decisions cannot be written.
    """
    if not before.review.exists():
        return CarriedDecisions()
    with closing(DecisionStore(before.review, read_only=True)) as store:
        in_force = store.in_force().rename({"label": "decided"})
        notes = [one for one in notes_in(store.database) if one.text or one.tags]
        adjudicators = adjudicators_in(store.database)
    rows = _matched(in_force, before.contents(), run.contents())
    numbers = _numbers_of_classes(before, run)
    found: dict[tuple[str, bool], list[Decision]] = {}
    relabeled = 0
    gone = len(in_force) - len(rows)
    for row in rows.iter_rows(named=True):
        label = None if row["decided"] is None else numbers.get(row["decided"])
        if row["decided"] is not None and label is None:
            gone += 1
        elif row["action"] == "keep" and label != row["label"]:
            relabeled += 1
        else:
            is_kept = row["action"] == "relabel" and label == row["label"]
            action: Action = "keep" if is_kept else row["action"]
            decision = Decision(row["index"], action, label)
            found.setdefault((row["annotator"], row["is_blind"]), []).append(decision)
    if found or notes or adjudicators:
        with closing(DecisionStore(run.review)) as kept:
            _record(kept, found)
            _carry_notes(kept.database, notes, before, run)
            for name in adjudicators:
                set_adjudicator(kept.database, name)
    return CarriedDecisions(sum(map(len, found.values())), gone, relabeled)


def _record(store: DecisionStore, found: dict[tuple[str, bool], list[Decision]]) -> None:
    requests = {key: f"carried-{uuid4().hex}" for key in found}
    store.record_all(
        [(requests[who, is_blind], who, what) for (who, is_blind), what in found.items()],
        seeing={request for (_, is_blind), request in requests.items() if not is_blind},
    )


def _carry_notes(
    database: DecisionDatabase, notes: list[Note], before: RunFolder, run: RunFolder
) -> None:
    rows = pl.DataFrame(
        [(note.index, note.annotator, number) for number, note in enumerate(notes)],
        schema={"index": pl.Int64, "annotator": pl.String, "number": pl.Int64},
        orient="row",
    )
    for row in _matched(rows, before.contents(), run.contents()).iter_rows(named=True):
        note = notes[row["number"]]
        request = f"carried-{uuid4().hex}"
        write_note(database, request, note.annotator, row["index"], note.text, note.tags)


def _numbers_of_classes(before: RunFolder, run: RunFolder) -> dict[int, int]:
    """The number that each class of an earlier run has in a new one.

    A class that was renamed or added in review is so in the new run as well, where its data do not
    have it under that name already.
    """
    given_before, names = before.class_names(), class_names_of(before)
    given = run.class_names()
    if names == given_before:
        return {label: given.index(name) for label, name in enumerate(names) if name in given}
    numbers: dict[int, int] = {}
    with closing(DecisionDatabase(run.review)) as database:
        for label, name in enumerate(names):
            request = f"carried-{uuid4().hex}"
            original = given_before[label] if label < len(given_before) else None
            if name in given:
                numbers[label] = given.index(name)
            elif original in given:
                numbers[label] = given.index(original)
                rename_class(database, given, request, _BY, numbers[label], name)
            elif original is None:
                numbers[label] = add_class(database, given, request, _BY, name)
    return numbers


def _matched(rows: pl.DataFrame, before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Rows with index and annotator, joined with the sample of the new run that each goes to."""
    if not len(before) or not len(now) or not len(rows):
        return rows.head(0).with_columns(label=pl.lit(None, pl.Int64))
    known = rows.join(before.select("index", "id", "content"), on="index")
    candidates = known.drop("index").join(
        now.select("index", "label", "content", now_id="id"), on="content"
    )
    is_same = pl.col("id") == pl.col("now_id")
    by_sample = ["id", "annotator"]
    # Of several samples with this content the one with the same id, or else the first.
    best = candidates.sort([*by_sample, is_same, "index"], descending=[False, False, True, False])
    one_each = best.unique(by_sample, keep="first", maintain_order=True)
    return one_each.unique(["index", "annotator"], keep="first", maintain_order=True)
