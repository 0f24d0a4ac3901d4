"""The decisions of annotators as tables: for a terminal, and as CSV files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.decisions.activity import activity
from dataparams.decisions.agreement import agreed_decisions, cohen_kappa, disputes
from dataparams.decisions.audited_error_rate import audited_error_rate
from dataparams.decisions.class_changes import class_names_of
from dataparams.decisions.store import ACTIONS, DecisionStore
from dataparams.errors import ArgumentError, RunError
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import counted, text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.run.folder import RunFolder

_MOST_DAYS = 10
_HISTORY_COLUMNS = ("number", "request", "before", "undoes")


def decisions_table(run: RunFolder, *, history: bool = False) -> pl.DataFrame:
    """The decisions in force, or all decisions and undos, with names.

    Args:
        run: The run folder.
        history: Return all decisions and undos, in order.

    Returns:
        ``index``, ``id``, ``label_name`` (given), ``action``, ``new_label_name`` (null for discard
        and skip), ``annotator``, ``made_at``; with ``history`` also ``number``, ``request``,
        ``before`` and ``undoes``.

    Raises:
        RunError: If there are no decisions, or one is about another run's samples.
    """
    store = DecisionStore(run.review, read_only=True)
    table = store.history() if history else store.in_force()
    store.close()
    return named_decisions(run, table, further=_HISTORY_COLUMNS if history else ())


def named_decisions(
    run: RunFolder, decisions: pl.DataFrame, further: Sequence[str] = ()
) -> pl.DataFrame:
    """Decisions with ids and names in place of numbers; see :func:`decisions_table`."""
    names, samples = class_names_of(run), run.judged_samples()
    for column, table in (("label", samples), ("label", decisions)):
        highest = table[column].max()
        if isinstance(highest, int) and highest >= len(names):
            raise RunError(
                f"{run.path} has decisions or samples of class {highest}; expected "
                f"0 ... {len(names) - 1}."
            )
    given = samples.select("index", "id", pl.col("label").alias("given_label"))
    joined = decisions.join(given, on="index", how="left", maintain_order="left")
    strange = joined.filter(pl.col("id").is_null())
    if len(strange):
        raise RunError(
            f"{run.review} has decisions about samples that the run does not have, such as index "
            f"{strange['index'][0]}; expected decisions about this run's samples."
        )
    named = dict(enumerate(names))
    return joined.select(
        *(name for name in further if name == "number"),
        "index",
        "id",
        pl.col("given_label").replace_strict(named, return_dtype=pl.String).alias("label_name"),
        "action",
        pl.col("label").replace_strict(named, return_dtype=pl.String).alias("new_label_name"),
        "annotator",
        "made_at",
        *(name for name in further if name != "number"),
    )


def csv_of(table: pl.DataFrame) -> bytes:
    """A table as CSV that is safe to open in a spreadsheet.

    Text that a spreadsheet would take for a formula gets an apostrophe in front, which
    :func:`dataparams.decisions.importing.import_decisions` removes.
    """
    text = [name for name, kind in table.schema.items() if kind == pl.String]
    safe = table.with_columns(
        pl.col(name).map_elements(guarded, return_dtype=pl.String) for name in text
    )
    return safe.write_csv().encode()


def decisions_text(run: RunFolder, limit: int, *, history: bool = False) -> str:
    """The decisions, their counts, the disputed ones and the annotators' agreement, in words.

    Args:
        run: The run folder.
        limit: How many rows of a table to show, 0 or above.
        history: Show all decisions and undos instead of the decisions in force.

    Raises:
        ArgumentError: If ``limit`` is below 0.
        RunError: If there are no decisions, or one is about another run's samples.
    """
    require_limit(limit)
    store = DecisionStore(run.review, read_only=True)
    in_force, everything = store.in_force(), store.history()
    store.close()
    shown = everything if history else in_force
    what = "decisions and undos in all" if history else "decisions in force"
    table = named_decisions(run, shown, further=("number",) if history else ())
    parts = [f"{len(table)} {what}.", _shown(table, limit), _counts(in_force)]
    disputed = disputes(in_force)
    if len(disputed):
        count = disputed["index"].n_unique()
        named = named_decisions(run, disputed)
        verb = "is" if count == 1 else "are"
        parts.append(f"{counted(count, 'sample')} {verb} disputed:\n{_shown(named, limit)}")
    elif in_force["annotator"].n_unique() > 1:
        parts.append("Nothing is disputed.")
    parts += [_settled(in_force), _agreement(in_force), _activity(everything)]
    rate = audited_error_rate(run)
    parts.append("" if rate is None else rate.words())
    return "\n\n".join(part for part in parts if part) + "\n"


def require_limit(limit: int) -> None:
    """Raise ArgumentError if ``limit`` is not a number of rows."""
    if limit < 0:
        raise ArgumentError(f"`limit` is {limit}; expected a whole number, 0 or above.")


def _shown(table: pl.DataFrame, limit: int) -> str:
    if not len(table) or not limit:
        return ""
    rows = [["" if cell is None else str(cell) for cell in row] for row in table[:limit].rows()]
    header = [name.replace("label_name", "label").replace("_", " ") for name in table.columns]
    more = f"\n  ... and {len(table) - limit} more" if len(table) > limit else ""
    return text_table(header, rows) + more


def _counts(in_force: pl.DataFrame) -> str:
    if not len(in_force):
        return ""
    agreed = agreed_decisions(in_force)
    per_annotator = in_force.group_by("annotator").agg(
        **{action: (pl.col("action") == action).sum() for action in ACTIONS}, all=pl.len()
    )
    rows = [[str(cell) for cell in row] for row in per_annotator.sort("annotator").rows()]
    undisputed = [str(int((agreed["action"] == action).sum())) for action in ACTIONS]
    rows.append(["(agreed)", *undisputed, str(int((~agreed["is_disputed"]).sum()))])
    return "Decisions of each annotator:\n" + text_table(["annotator", *ACTIONS, "all"], rows)


def _settled(in_force: pl.DataFrame) -> str:
    by = agreed_decisions(in_force)["settled_by"]
    majority, adjudicator = int((by == "majority").sum()), int((by == "adjudicator").sum())
    if not majority + adjudicator:
        return ""
    return (
        f"{counted(majority + adjudicator, 'dispute')} settled: {majority:,} by the majority of "
        f"three or more, {adjudicator:,} by an adjudicator."
    )


def _activity(everything: pl.DataFrame) -> str:
    """What was done on the last days on which something was."""
    done = activity(everything).head(_MOST_DAYS)
    if not len(done):
        return ""
    rows = [["" if cell is None else str(cell) for cell in row] for row in done.rows()]
    header = [name.replace("_", " ") for name in done.columns]
    return "Who did what, by day:\n" + text_table(header, rows)


def _agreement(in_force: pl.DataFrame) -> str:
    pairs = cohen_kappa(in_force)
    if not len(pairs):
        return ""
    everything = cohen_kappa(in_force.drop("is_blind", strict=False))
    seen = int(everything["samples"].sum()) - int(pairs["samples"].sum())
    left_out = (
        f"\nLeft out: {seen:,} that were decided with the other's decision in sight, or before "
        "this was kept."
        if seen
        else ""
    )
    rows = [
        [
            row["first"],
            row["second"],
            str(row["samples"]),
            str(row["agreed"]),
            "undefined" if row["kappa"] is None else f"{row['kappa']:.3f}",
        ]
        for row in pairs.iter_rows(named=True)
    ]
    header = ["annotator", "and", "both decided", "agreed", "Cohen's kappa"]
    title = "Agreement beyond chance of decisions made blind (1 is perfect, 0 is chance):\n"
    return title + text_table(header, rows) + left_out
