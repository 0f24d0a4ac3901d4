"""What is to be changed in the data, and what was, in words and tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.sources.discarded import DISCARDED, discarded_folder
from dataparams.terminal.words import counted, text_table

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.applying.apply import Applied
    from dataparams.applying.planning import Plan

MOST_SHOWN = 20
"""Of more changes than this the first are printed, and a file has all of them."""


def plan_text(planned: Plan, file: Path | None) -> str:
    """All that is to be changed: how many, from which class to which, the first of them.

    Args:
        planned: The plan.
        file: The file that has all changes, where they are many; else None.
    """
    changes = planned.changes
    relabeled = int((changes["action"] == "relabel").sum())
    discarded = len(changes) - relabeled
    parts = [
        (
            f"In {planned.place}: {counted(relabeled, 'sample')} to another class, "
            f"{discarded:,} discarded."
        ),
        *_where(planned, discarded),
        *planned.notes,
        _by_class(changes),
        _listed(changes, file),
    ]
    return "\n\n".join(part for part in parts if part)


def applied_text(applied: Applied, run: Path) -> str:
    """What was done, and what can be done next.

    Args:
        applied: What became of the call.
        run: The run folder.
    """
    samples = counted(applied.count, "sample")
    if applied.done == "undone":
        return f"Undone: {samples} in {applied.place} are as they were before."
    begun = "Finished what was stopped before: " if applied.done == "finished" else "Changed: "
    return (
        f"{begun}{samples} in {applied.place}, listed in {run / 'changes.csv'}.\n"
        f"To undo it: dataparams apply {run} --undo\n"
        f"Next: dataparams audit {applied.data}; decisions come along."
    )


def _where(planned: Plan, discarded: int) -> list[str]:
    """Sentences on what is written where."""
    if planned.edits:
        columns = ", ".join(map(repr, planned.columns))
        verb = "changes" if len(planned.columns) == 1 else "change"
        files = ", ".join(str(edit.path) for edit in planned.edits[:3])
        more = ", ..." if len(planned.edits) > 3 else ""
        told = [f"{columns} {verb} in {files}{more}; everything else there stays as it is."]
        if discarded:
            told.append(
                f"Discarded rows stay where they are, with true in the column {DISCARDED!r}, and "
                "are no samples from then on."
            )
        return told
    renamed = sum(
        move.before.rpartition("/")[2] != move.after.rpartition("/")[2] for move in planned.moves
    )
    told = ["Files move between the class folders; none is changed, removed or overwritten."]
    if discarded:
        told.append(f"Discarded files move to {discarded_folder(planned.place)}.")
    if renamed:
        told.append(
            f"{counted(renamed, 'file')} will have a number in the name, since another one of that "
            "name is there."
        )
    return told


def _by_class(changes: pl.DataFrame) -> str:
    counts = (
        changes.group_by("old_label", "new_label")
        .agg(samples=pl.len())
        .sort("samples", "old_label", "new_label", descending=[True, False, False])
    )
    rows = [
        [old or "(discarded)", new or "(discarded)", f"{count:,}"]
        for old, new, count in counts.head(MOST_SHOWN).iter_rows()
    ]
    more = len(counts) - len(rows)
    table = text_table(["from", "to", "samples"], rows)
    return f"{table}\n  ... and {counted(more, 'more pair')}" if more else table


def _listed(changes: pl.DataFrame, file: Path | None) -> str:
    rows = [
        [one, old or "(discarded)", new or "(discarded)", who or ""]
        for one, old, new, who in changes.select("id", "old_label", "new_label", "who")
        .head(MOST_SHOWN)
        .iter_rows()
    ]
    table = text_table(["sample", "from", "to", "by"], rows)
    if file is None:
        return table
    return f"{table}\n  ... and {len(changes) - len(rows):,} more. All of them: {file}"
