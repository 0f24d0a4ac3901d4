"""The list of changes that goes with every export of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli.main import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.sources.opening import open_source
from made_runs import made_run

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    rows = "".join(f"text of some words {row},{'ab'[row % 2]}\n" for row in range(24))
    (tmp_path / "texts.csv").write_text(f"text,label\n{rows}")
    run = made_run(tmp_path / "run", tmp_path / "texts.csv")
    run.update_description(source={**run.description()["source"], "content": "text"})
    return run


def exported(run: RunFolder, out: Path, *words: str) -> pl.DataFrame:
    assert main(["export", str(run.path), "--to", "jsonl", str(out), *words]) == 0
    return pl.read_csv(out / "changes.csv", infer_schema=False)


def test_labels_as_given_change_nothing(run: RunFolder, tmp_path: Path) -> None:
    assert not len(exported(run, tmp_path / "out"))


def test_suggested_labels_are_changes_of_the_program(run: RunFolder, tmp_path: Path) -> None:
    changes = exported(run, tmp_path / "out", "--labels", "suggested", "--no-analysis")
    samples = pl.read_ndjson(tmp_path / "out/samples.jsonl")
    names = run.class_names()
    given = {row["id"]: names[row["label"]] for row in run.judged_samples().iter_rows(named=True)}
    differing = {
        row["id"]: row["label"]
        for row in samples.iter_rows(named=True)
        if row["label"] != given.get(row["id"], row["label"])
    }
    assert differing
    assert dict(changes.select("id", "new_label").iter_rows()) == differing
    assert set(changes["who"]) == {"dataparams"}


def test_what_people_decided_is_told_with_their_names(run: RunFolder, tmp_path: Path) -> None:
    store = DecisionStore(run.review)
    other = 1 - int(run.samples()["label"][3])
    store.record("r", "ann", [Decision(3, "relabel", other), Decision(6, "discard")])
    store.close()
    found = run.analysis()
    assert found is not None
    clean_run(run, found[0], CleanSettings("reviewed"))
    changes = exported(run, tmp_path / "out")
    assert changes.select("index", "action", "who").rows() == [
        ("3", "relabel", "ann"),
        ("6", "discard", "ann"),
    ]


def test_what_people_decided_and_no_cleaning_took_up_is_told(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = DecisionStore(run.review)
    store.record("r", "ann", [Decision(6, "discard")])
    store.close()
    assert not len(exported(run, tmp_path / "out"))
    told = " ".join(capsys.readouterr().out.split())
    assert "1 change that people decided on is not in this export" in told
    assert f"dataparams clean {run.path} --strategy reviewed" in told


def test_the_list_is_no_table_of_samples(run: RunFolder, tmp_path: Path) -> None:
    assert main(["export", str(run.path), "--to", "csv", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/changes.csv").is_file()
    source = open_source(str(tmp_path / "out"), text_column="text", label_column="label")
    assert len(source) == 24
