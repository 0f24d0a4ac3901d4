"""Decisions carried over to another run, for samples with the same content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl

from dataparams.decisions.store import Decision, DecisionStore
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from dataparams.decisions.store import Action
    from dataparams.run.folder import RunFolder


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
    one with the same id. A relabeling to the label that the data have now becomes ``keep``.

    Args:
        before: The earlier run, which is not changed.
        run: The new run, without decisions.

    Raises:
        RunError: If either run cannot be read, or the decisions cannot be written.
    """
    if not before.review.exists():
        return CarriedDecisions()
    store = DecisionStore(before.review, read_only=True)
    try:
        in_force = store.in_force()
    finally:
        store.close()
    rows = _matched(in_force, before.contents(), run.contents())
    names, numbers = before.class_names(), {name: k for k, name in enumerate(run.class_names())}
    found: dict[str, list[Decision]] = {}
    relabeled = 0
    gone = len(in_force) - len(rows)
    for row in rows.iter_rows(named=True):
        label = None if row["decided"] is None else numbers.get(names[row["decided"]])
        if row["decided"] is not None and label is None:
            gone += 1
        elif row["action"] == "keep" and label != row["label"]:
            relabeled += 1
        else:
            is_kept = row["action"] == "relabel" and label == row["label"]
            action: Action = "keep" if is_kept else row["action"]
            decision = Decision(row["index"], action, label)
            found.setdefault(row["annotator"], []).append(decision)
    if found:
        kept = DecisionStore(run.review)
        try:
            kept.record_all([(f"carried-{uuid4().hex}", who, what) for who, what in found.items()])
        finally:
            kept.close()
    return CarriedDecisions(sum(map(len, found.values())), gone, relabeled)


def _matched(in_force: pl.DataFrame, before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Decisions joined with the sample of the new run that each goes to, at most one."""
    if not len(before) or not len(now) or not len(in_force):
        return in_force.head(0).with_columns(decided=pl.lit(None, pl.Int64))
    decided = in_force.select("index", "annotator", "action", decided="label").join(
        before.select("index", "id", "content"), on="index"
    )
    candidates = decided.drop("index").join(
        now.select("index", "label", "content", now_id="id"), on="content"
    )
    is_same = pl.col("id") == pl.col("now_id")
    by_sample = ["id", "annotator"]
    # Of several samples with this content the one with the same id, or else the first.
    best = candidates.sort([*by_sample, is_same, "index"], descending=[False, False, True, False])
    one_each = best.unique(by_sample, keep="first", maintain_order=True)
    return one_each.unique(["index", "annotator"], keep="first", maintain_order=True)
