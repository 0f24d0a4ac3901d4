"""What a report says is left to do: nothing that people have settled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.planning import plan
from dataparams.cleaning.changes import changes_of_run
from dataparams.health.findings import Finding, HealthFindings, findings_table
from dataparams.report.case import count_waiting
from dataparams.report.language import language
from dataparams.report.left_to_do import left_words
from dataparams.report.people import decisions_of
from made_applied import decide, run_on
from made_cases import known_samples, made_case
from made_reports import as_audit, made_analysis

if TYPE_CHECKING:
    from pathlib import Path

CONFLICTS, COPIES = "duplicates_with_different_labels", "exact_duplicates"


def test_copies_that_people_settled_are_not_left_to_do() -> None:
    analysis = as_audit(made_analysis())
    known = known_samples(analysis).sort("index").head(8)
    rows, labels = known["index"].to_list(), known["label"].to_list()
    decided = [
        (rows[0], "relabel", 0),
        (rows[1], "relabel", 0),
        (rows[2], "discard", None),
        (rows[4], "keep", labels[4]),
    ]
    in_force = pl.DataFrame(
        [
            (row, "ann", action, label, "2026-11-26T10:00:00+00:00")
            for row, action, label in decided
        ],
        schema=["index", "annotator", "action", "label", "made_at"],
        orient="row",
    ).with_columns(is_blind=pl.lit(value=True))
    table = findings_table(
        [
            Finding(CONFLICTS, rows[:2], 1.0, "One label is left."),
            Finding(CONFLICTS, rows[2:4], 1.0, "One copy is left."),
            Finding(CONFLICTS, rows[4:6], 1.0, "Nobody decided about the other copy."),
            Finding(COPIES, rows[:2], 1.0, "Both copies are left."),
            Finding(COPIES, rows[2:4], 1.0, "One copy is left."),
        ]
    )
    case = replace(
        made_case(analysis),
        health=HealthFindings(table, checked=(CONFLICTS, COPIES)),
        people=decisions_of(in_force, known_samples(analysis), analysis.class_names),
    )
    shown_in = language("en")
    left = left_words(analysis, case, shown_in)
    for title in ("duplicates with different labels", "exact duplicates"):
        assert shown_in.say("left.health", count=1, title=title) in left
    assert shown_in.say("left.apply", count=3) in left_words(
        analysis, replace(case, waiting=3), shown_in
    )
    assert not any("dataparams apply" in line for line in left)
    nobody = left_words(analysis, replace(case, people=None), shown_in)
    assert shown_in.say("left.health", count=3, title="duplicates with different labels") in nobody
    assert shown_in.say("left.health", count=2, title="exact duplicates") in nobody


def test_corrections_wait_until_they_are_in_the_data(tmp_path: Path) -> None:
    data = tmp_path / "texts.csv"
    rows = "".join(f"some longer text {row},{'ab'[row % 2]}\n" for row in range(40))
    data.write_text(f"text,label\n{rows}")
    run = run_on(tmp_path / "run", data)
    decide(run, {"train/0": "b", "train/3": None, "train/4": "a"})
    assert count_waiting(run, changes_of_run(run)) == 2
    apply_plan(plan(run))
    assert count_waiting(run, changes_of_run(run)) == 0
    decide(run, {"train/6": "b"})
    assert count_waiting(run, changes_of_run(run)) == 1
    undo(run)
    assert count_waiting(run, changes_of_run(run)) == 3
    # What is no file here cannot be changed.
    data.rename(tmp_path / "elsewhere.csv")
    assert count_waiting(run, changes_of_run(run)) == 0
