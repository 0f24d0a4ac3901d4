"""``dataparams apply``: a list first, a question, and nothing that cannot be undone."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.cleaning.changes import COLUMNS
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli.main import main
from dataparams.decisions.store import DecisionStore
from made_applied import decide, run_on, tree_of

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    rows = "".join(f"text of some words {row},{'ab'[row % 2]}\n" for row in range(60))
    (place / "texts.csv").write_text(f"text,label\n{rows}")
    return place / "texts.csv"


@pytest.fixture
def run(tmp_path: Path, texts: Path) -> RunFolder:
    return run_on(tmp_path / "run", texts)


class Terminal(StringIO):
    """An input that a person types."""

    def isatty(self) -> bool:
        return True


def test_a_list_a_question_and_a_way_back(
    run: RunFolder, texts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, words = tree_of(texts.parent), ["apply", str(run.path)]
    decide(run, {"train/0": "b", "train/2": "b", "train/3": None})
    assert main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "2 samples to another class, 1 discarded" in told
    assert "'label' changes in" in told
    assert "train/3  b     (discarded)  ann" in told
    assert "this was a dry run" in told
    for answer, word in (("n", "Nothing was changed."), ("", "Nothing was changed.")):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert main(words) == 0
        assert word in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert main(words) == 2
    assert "--yes" in capsys.readouterr().err
    assert tree_of(texts.parent) == before
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(words) == 0
    assert "--undo" in capsys.readouterr().out
    assert tree_of(texts.parent) != before
    assert main([*words, "--yes"]) == 0
    assert "Nothing to change: the labels in the data are those" in capsys.readouterr().out
    assert main([*words, "--undo"]) == 0
    assert "Undone: 3 samples" in capsys.readouterr().out
    assert tree_of(texts.parent) == before
    assert main([*words, "--undo"]) == 4
    assert main([*words, "--undo", "--dry-run"]) == 2


def test_disputed_samples_are_told(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["apply", str(run.path), "--dry-run"]
    DecisionStore(run.review).close()
    assert main(words) == 0
    assert "Nothing to change: nobody has decided anything yet." in capsys.readouterr().out
    decide(run, {"train/0": "b"})
    decide(run, {"train/0": "a"}, "bob")
    assert main(words) == 0
    told = capsys.readouterr().out
    assert f"1 sample is disputed and stays as it is; `dataparams decisions {run.path}`" in told
    assert "Nothing to change: all that was decided is disputed." in told
    decide(run, {"train/2": "b", "train/4": "b"})
    decide(run, {"train/4": None}, "bob")
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "1 sample to another class" in told
    assert "2 samples are disputed and stay as they are" in told


def test_the_next_audit_is_given_the_columns_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "the data").mkdir()
    file = tmp_path / "the data" / "two.csv"
    rows = "".join(f"{row},{row**0.5},{'ab'[row % 2]},{'cd'[row % 2]}\n" for row in range(60))
    file.write_text(f"x,y,kind,other kind\n{rows}")
    made = run_on(tmp_path / "run", file, label_column="other kind")
    made.write_description(made.description() | {"config": {"label_column": "other kind"}})
    decide(made, {"train/0": "d"})
    assert main(["apply", str(made.path), "--yes"]) == 0
    told = capsys.readouterr().out
    assert f"Next: dataparams audit '{file}' --label-column 'other kind'; decisions" in told


def test_a_long_list_goes_to_a_file(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    decide(run, {"train/1": "a"})
    assert main(["apply", str(run.path), "--yes"]) == 0
    done = (run.path / "changes.csv").read_bytes()
    decide(run, {f"train/{row}": "b" for row in range(0, 50, 2)})
    assert main(["apply", str(run.path), "--dry-run"]) == 0
    assert "... and 5 more. All of them:" in capsys.readouterr().out
    planned = run.path / "planned_changes.csv"
    table = pl.read_csv(planned)
    assert table.columns == list(COLUMNS)
    assert len(table) == 25
    # What was applied is told by what was applied alone.
    assert (run.path / "changes.csv").read_bytes() == done
    assert main(["apply", str(run.path), "--yes"]) == 0
    assert not planned.exists()
    assert len(pl.read_csv(run.path / "changes.csv")) == 26


def test_without_decisions_there_is_nothing_to_change(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", str(run.path), "--yes"]) == 0
    assert "nobody has decided anything yet" in capsys.readouterr().out


def test_what_no_person_looked_at_needs_a_flag(
    run: RunFolder, texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(run, {"train/0": "b", "train/5": "a"})
    decide(run, {"train/5": "b"}, annotator="bob")
    samples = run.samples()
    judged = samples.select(
        "index",
        category=pl.when(pl.col("index").is_in([1, 3, 5]))
        .then(pl.lit("hard"))
        .otherwise(pl.lit("easy")),
        noise_probability=pl.when(pl.col("index") == 1).then(0.99).otherwise(0.6),
        suggested_label=pl.lit(0),
        suggested_confidence=pl.when(pl.col("index") == 1).then(0.99).otherwise(0.1),
    )
    clean_run(run, judged, CleanSettings("reviewed", undecided="relabel"))
    assert main(["apply", str(run.path), "--dry-run"]) == 0
    assert "1 sample to another class, 0 discarded" in capsys.readouterr().out
    assert main(["apply", str(run.path), "--from", "cleaned", "--yes"]) == 0
    assert "2 samples to another class, 1 discarded" in capsys.readouterr().out
    changes = pl.read_csv(run.path / "changes.csv").select("id", "new_label", "action", "who")
    assert changes.rows() == [
        ("train/0", "b", "relabel", "ann"),
        ("train/1", "a", "relabel", "dataparams"),
        ("train/3", None, "discard", "dataparams"),
    ]
    lines = texts.read_text().splitlines()
    assert lines[1:5] == [
        "text of some words 0,b,false",
        "text of some words 1,a,false",
        "text of some words 2,a,false",
        "text of some words 3,b,true",
    ]
