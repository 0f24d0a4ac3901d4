"""People's decisions taken along to another run, for samples whose content is the same."""

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
    """What became of the decisions of an earlier run.

    Attributes:
        carried: Decisions that count in the new run.
        gone: Those on samples that are no longer there, or not as they were.
        relabeled: Those that kept a label which the data have changed since.
    """

    carried: int = 0
    gone: int = 0
    relabeled: int = 0

    def words(self) -> str:
        """The same for a terminal.

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
    """Take the decisions in force of an earlier run along to a new one.

    A decision belongs to a content: it goes to the sample of the same content, of several to the
    one of the same id. Whoever relabeled a sample as what the data call it now, keeps that label.

    Args:
        before: The earlier run; it stays as it is.
        run: The new run, about whose samples nobody has decided yet.

    Raises:
        RunError: If either cannot be read, or the decisions cannot be written.
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
    """Decisions with the sample of the new run that each belongs to: one for each at most."""
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
    # Of several samples of this content the one of the same name; without it, the first.
    best = candidates.sort([*by_sample, is_same, "index"], descending=[False, False, True, False])
    one_each = best.unique(by_sample, keep="first", maintain_order=True)
    return one_each.unique(["index", "annotator"], keep="first", maintain_order=True)
