"""What a report says is left to do: nothing that people have settled."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from dataparams.health.findings import Finding, Findings, findings_table
from dataparams.report.language import language
from dataparams.report.left_to_do import left_words
from dataparams.report.people import decisions_of
from made_cases import known_samples, made_case
from made_reports import as_audit, made_analysis

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
        health=Findings(table, checked=(CONFLICTS, COPIES)),
        people=decisions_of(in_force, known_samples(analysis), analysis.class_names),
    )
    shown_in = language("en")
    left = left_words(analysis, case, shown_in)
    for title in ("duplicates with different labels", "exact duplicates"):
        assert shown_in.say("left.health", count=1, title=title) in left
    nobody = left_words(analysis, replace(case, people=None), shown_in)
    assert shown_in.say("left.health", count=3, title="duplicates with different labels") in nobody
    assert shown_in.say("left.health", count=2, title="exact duplicates") in nobody
