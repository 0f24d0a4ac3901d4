"""The table of changes: what people, or the program, want changed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.cleaning import changes as module
from dataparams.cleaning.changes import COLUMNS, changes_csv, changes_of_run
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import ArgumentError, RunError
from made_runs import made_run

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    rows = "".join(f"text of some words {row},{'ab'[row % 2]}\n" for row in range(24))
    (tmp_path / "texts.csv").write_text(f"text,label\n{rows}")
    return made_run(tmp_path / "run", tmp_path / "texts.csv")


def decide(run: RunFolder, annotator: str, *decisions: Decision) -> None:
    store = DecisionStore(run.review)
    store.record(f"r-{annotator}", annotator, list(decisions))
    store.close()


def label(run: RunFolder, index: int) -> int:
    return int(run.samples()["label"][index])


def test_nobody_decided_and_nothing_changes(run: RunFolder) -> None:
    changes = changes_of_run(run)
    assert changes.schema == pl.Schema(COLUMNS)
    assert changes_csv(changes).decode() == ",".join(COLUMNS) + "\n"
    with pytest.raises(RunError, match=r"cleaned\.parquet"):
        changes_of_run(run, "cleaned")
    with pytest.raises(ArgumentError, match="`origin`"):
        changes_of_run(run, "model")  # type: ignore[arg-type]


def test_what_people_agree_on_is_a_change(run: RunFolder) -> None:
    other = 1 - label(run, 1)
    decide(run, "ann", Decision(1, "relabel", other), Decision(2, "discard"), Decision(3, "skip"),
           Decision(4, "keep", label(run, 4)), Decision(5, "discard"))  # fmt: skip
    decide(run, "bob", Decision(1, "relabel", other), Decision(5, "keep", label(run, 5)))
    rows = changes_of_run(run).rows(named=True)
    assert [(row["index"], row["action"], row["who"]) for row in rows] == [
        (1, "relabel", "ann, bob"),
        (2, "discard", "ann"),
    ]
    names = run.class_names()
    assert (rows[0]["old_label"], rows[0]["new_label"]) == (names[1 - other], names[other])
    assert rows[1]["new_label"] is None
    assert rows[0]["when"].endswith("+00:00")
    assert rows[0]["why"] == (
        "Decided in review by people who agree; the analysis gave 90 % that the label was wrong, "
        f"and {names[other]} as the likeliest."
    )


def test_nobody_is_named_for_a_change_that_others_made(tmp_path: Path, run: RunFolder) -> None:
    bare = made_run(tmp_path / "bare", tmp_path / "texts.csv", has_analysis=False)
    set_adjudicator(DecisionStore(bare.review).database, "eve")
    out, kept = Decision(1, "discard"), Decision(1, "keep", label(bare, 1))
    skipped, third = Decision(2, "skip"), Decision(3, "discard")
    decide(bare, "ann", out, Decision(2, "discard"), third)
    decide(bare, "bob", kept, skipped, Decision(3, "keep", label(bare, 3)))
    decide(bare, "Cid, MD", third, Decision(4, "discard"))
    decide(bare, "eve", out)
    assert changes_of_run(bare).select("index", "who", "why").rows() == [
        (1, "ann, eve", "Disputed in review, and settled by an adjudicator."),
        (2, "ann", "Decided in review."),
        (3, "Cid, MD, ann", "Disputed in review, and settled by the majority."),
        (4, "Cid, MD", "Decided in review."),
    ]


def test_without_an_analysis_the_reason_is_short(tmp_path: Path, run: RunFolder) -> None:
    bare = made_run(tmp_path / "bare", tmp_path / "texts.csv", has_analysis=False)
    decide(bare, "ann", Decision(2, "discard"))
    assert changes_of_run(bare)["why"].to_list() == ["Decided in review."]


def test_cells_that_a_spreadsheet_would_run_are_guarded(run: RunFolder) -> None:
    decide(run, "=cmd()", Decision(2, "discard"))
    assert ",'=cmd()," in changes_csv(changes_of_run(run)).decode()


def test_a_class_that_was_renamed_changes_all_its_samples(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(run, "ann", Decision(2, "discard"))
    monkeypatch.setattr(module, "class_names_now", lambda _: ("a", "bee", "new"))
    changes = changes_of_run(run)
    renamed = changes.filter(pl.col("new_label") == "bee")
    assert len(renamed) == int((run.samples()["label"] == 1).sum()) - (label(run, 2) == 1)
    assert set(renamed["old_label"]) == {"b"}
    assert set(changes["action"]) == {"relabel", "discard"}


def test_a_decision_about_no_class_is_refused(run: RunFolder) -> None:
    decide(run, "ann", Decision(2, "relabel", 7))
    with pytest.raises(RunError, match=r"class 7; expected 0 \.\.\. 1"):
        changes_of_run(run)
