"""What a team decided reaches clean, export and what a terminal shows."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.analysis import current_analysis
from dataparams.cleaning.kept_samples import cleaned
from dataparams.cli import main
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.audit_sample import draw_audit
from dataparams.decisions.class_changes import add_class, rename_class
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(text_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A run about which three and an adjudicator decided, with a new class and an audit."""
    shutil.copytree(text_run.path, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    given = dict(run.samples().select("index", "label").iter_rows())
    one, two, three, four, *rest = given
    names = run.class_names()
    with closing(DecisionStore(run.review)) as store:
        set_adjudicator(store.database, "eve")
        new = add_class(store.database, names, "request-1", "ann", "brand new")
        rename_class(store.database, names, "request-2", "ann", 0, "another name")

        def decide(who: str, *decisions: Decision, is_audit: bool = False) -> None:
            name = f"request-{store.last_number()}-{who}"
            store.record(name, who, decisions, is_audit=is_audit)

        keep = {index: Decision(index, "keep", label) for index, label in given.items()}
        decide("ann", *(keep[i] for i in (one, two, three)), Decision(four, "relabel", new))
        decide("bob", *(Decision(i, "discard") for i in (one, two, three)))
        decide("cid", Decision(one, "discard"), Decision(rest[0], "relabel", new))
        decide("eve", keep[two])
        analysis = current_analysis(run)
        drawn = draw_audit(store.database, analysis.frame, 30).samples["index"].to_list()
        others = [index for index in drawn if index not in (one, two, three, four, rest[0])]
        decide("dan", *(keep[index] for index in others), is_audit=True)
    return run


def test_clean_says_how_disputes_were_settled_and_takes_the_new_class(run, capsys):
    assert main(["clean", str(run.path), "--strategy", "reviewed"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "They differed on 3: 1 settled by the majority of three or more, 1 by an adjudicator"
        in told
    )
    assert "1 is disputed and left out" in told
    assert "2 are left out: 1 discarded by annotators, 1 disputed between annotators." in told
    assert " of 30 samples drawn are decided." in told
    assert "With the decisions applied" in told
    assert "brand new" in told
    kept = cleaned(run)
    assert kept.class_names[0] == "another name"
    assert kept.class_names[-1] == "brand new"
    assert (kept.label == len(kept.class_names) - 1).sum() == 2
    one, two, three, *_ = run.samples()["index"].to_list()
    assert two in kept.index
    assert not {one, three} & set(kept.index.tolist())


def test_clean_tells_what_its_own_verdict_drops_from_what_people_do(run, capsys):
    assert main(["clean", str(run.path), "--strategy", "reviewed", "--undecided", "drop"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    found = re.search(
        r"(\d+) are left out: 1 discarded by annotators, 1 disputed .*?, (\d+) ", told
    )
    assert found is not None, told
    assert int(found[1]) == 2 + int(found[2])
    assert f"{found[2]} dropped by verdict." in told
    assert main(["clean", str(run.path), "--strategy", "easy", "--overwrite"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert re.search(r"(\d+) are left out: \1 dropped by verdict\.", told), told


def test_what_is_exported_has_the_names_of_now(run, tmp_path):
    assert main(["clean", str(run.path), "--strategy", "reviewed"]) == 0
    assert main(["export", str(run.path), "--to", "csv", str(tmp_path / "out")]) == 0
    names = set(pl.read_csv(tmp_path / "out" / "samples.csv")["label"])
    assert {"brand new", "another name"} <= names


def test_decisions_says_who_did_what_and_what_the_audit_found(run, capsys):
    assert main(["decisions", str(run.path)]) == 0
    told = capsys.readouterr().out
    assert "2 disputes settled: 1 by the majority of three or more, 1 by an adjudicator." in told
    assert "1 sample is disputed" in told
    assert "Agreement beyond chance of decisions made blind" in told
    assert "Left out: 2 that were decided with the other's decision in sight" in told
    assert "Who did what, by day:" in told
    assert " of 30 samples drawn are decided." in told
    assert "brand new" in told
