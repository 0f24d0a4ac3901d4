"""A run folder that ``find_issues`` wrote: every other part of the program works on it."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from dataparams import (
    ArgumentError,
    RunError,
    RunFolder,
    UserError,
    analyze,
    cleaned,
    find_issues,
    rank,
)
from dataparams.cli.main import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.training import config_from_clean
from made_predictions import MadePredictions, made_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.issues import Issues

TEXTS = ["Where is my card?", "top up failed", "كيف يمكنني الدفع؟", "<b>not bold</b>"]


@pytest.fixture(scope="module")
def made() -> MadePredictions:
    return made_predictions(count=200)


def texts_of(made: MadePredictions) -> list[str]:
    return [f"{TEXTS[label]} ({k})" for k, label in enumerate(made.truth)]


def table_of(made: MadePredictions) -> pl.DataFrame:
    return pl.DataFrame({"weight": made.features[:, 0], "color": made.truth.astype(str)})


GIVEN: dict[str, tuple[tuple[str, ...], Any]] = {
    "predictions": (("pred_probs",), None),
    "texts": (("pred_probs",), texts_of),
    "rows": (("pred_probs", "features"), table_of),
    "features": (("features",), None),
}


@pytest.fixture(scope="module", params=GIVEN)
def written(
    request: pytest.FixtureRequest, made: MadePredictions, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Issues, RunFolder, str]:
    names, samples = GIVEN[request.param]
    out = tmp_path_factory.mktemp(request.param) / "run"
    issues = find_issues(
        made.labels,
        out=out,
        samples=None if samples is None else samples(made),
        **{name: getattr(made, name) for name in names},
    )
    return issues, RunFolder(out), request.param


@pytest.fixture
def copied(written: tuple[Issues, RunFolder, str], tmp_path: Path) -> RunFolder:
    """The run folder elsewhere, to be written to."""
    shutil.copytree(written[1].path, tmp_path / "moved")
    return RunFolder(tmp_path / "moved")


def test_it_says_what_the_same_call_says_without_a_folder(
    written: tuple[Issues, RunFolder, str], made: MadePredictions
) -> None:
    issues, run, what = written
    names, _ = GIVEN[what]
    plain = find_issues(made.labels, **{name: getattr(made, name) for name in names})
    assert plain.issues.equals(issues.issues)
    assert plain.analysis.frame.equals(issues.analysis.frame)
    assert analyze(run).frame.equals(issues.analysis.frame)
    assert plain.analysis.run is None
    assert issues.analysis.judged_by == plain.analysis.judged_by
    assert str(run.path) in repr(issues)
    assert len(repr(issues).splitlines()) == 2


@pytest.mark.parametrize(
    "command", ["analyze", "report", "rank", "clean", "figures", "export --to csv --out made"]
)
def test_the_commands_work_on_it(
    copied: RunFolder, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    verb, *flags = command.split()
    assert main([verb, str(copied.path), *flags]) in (0, None)


def test_the_report_says_who_judged(
    copied: RunFolder, written: tuple[Issues, RunFolder, str]
) -> None:
    main(["report", str(copied.path)])
    page = "".join(path.read_text() for path in copied.report.rglob("*.html"))
    assert "Every label was judged by" in page
    if written[2] != "features":
        assert "the class probabilities that were given" in page


def test_clean_advises_what_can_be_done_with_it(
    copied: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(copied.path)]) in (0, None)
    told = capsys.readouterr().out
    assert f"Next: dataparams export {copied.path} --to csv FOLDER" in told
    assert "train --from-clean" not in told
    with pytest.raises(UserError, match=r"not here to train on.* by dataparams\.cleaned"):
        config_from_clean(copied.cleaned)


def test_what_people_decide_is_cleaned_by(copied: RunFolder) -> None:
    with closing(DecisionStore(copied.review)) as store:
        store.record("one", "ann", [Decision(5, "discard")])
    assert main(["clean", str(copied.path), "--strategy", "reviewed"]) in (0, None)
    assert 5 not in cleaned(copied.path).index


def test_ranks_put_wrong_labels_first(copied: RunFolder, made: MadePredictions) -> None:
    if (copied.path / "features.npy").exists():
        pytest.skip("heads have temperatures, which describe")
    worst = rank(copied, top=0.1).table["index"].to_numpy()[: made.is_wrong.sum()]
    assert made.is_wrong[worst].mean() > 0.85


def test_two_of_them_are_compared(
    copied: RunFolder, made: MadePredictions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    find_issues(made.labels, features=made.features, out=tmp_path / "other")
    assert main(["compare", str(copied.path), str(tmp_path / "other")]) in (0, None)
    assert "wrong labels (90 %)" in capsys.readouterr().out


def test_samples_without_anything_are_left_out_and_listed(
    made: MadePredictions, tmp_path: Path
) -> None:
    features = made.features.copy()
    features[[2, 9]] = np.nan
    texts = texts_of(made)
    issues = find_issues(made.labels, features=features, samples=texts, out=tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert [(one.index, one.id) for one in run.unreadable()] == [
        (2, "train/2"),
        (9, "train/9"),
    ]
    assert len(issues.issues) == 200
    assert 2 not in run.samples()["index"]
    assert issues.analysis.contents.read(["train/3"])[0].text == texts[3]
    assert main(["report", str(run.path)]) in (0, None)


def test_nothing_is_overwritten(made: MadePredictions, tmp_path: Path) -> None:
    run = tmp_path / "run"
    find_issues(made.labels, made.pred_probs, out=run)
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    with pytest.raises(RunError, match="nothing is overwritten"):
        find_issues(made.labels, made.pred_probs, out=run)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match="nothing is overwritten"):
        find_issues(made.labels, made.pred_probs, out=tmp_path / "mine")
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before


def test_an_export_for_cleanlab_says_what_find_issues_says(
    written: tuple[Issues, RunFolder, str], tmp_path: Path
) -> None:
    issues, run, _ = written
    assert main(["export", str(run.path), "--to", "cleanlab", str(tmp_path / "out")]) == 0
    exported = pl.read_csv(tmp_path / "out" / "label_issues.csv")
    found = issues.get_issues("label")
    assert exported["is_label_issue"].equals(found["is_label_issue"])
    np.testing.assert_allclose(exported["label_score"], found["label_score"], atol=1e-6)
    assert exported["predicted_label"].cast(pl.String).equals(found["predicted_label"])


def test_what_was_stopped_while_it_was_written_is_made_again(
    made: MadePredictions, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    whole = find_issues(made.labels, made.pred_probs, out=run.path)
    run.update_description(status="running")
    (run.path / "held_out.parquet").unlink()
    again = find_issues(made.labels, made.pred_probs, out=run.path)
    assert again.issues.equals(whole.issues)
    assert run.description()["status"] == "finished"


@pytest.mark.parametrize(
    "samples",
    [["one"], 5, {"text": ["one"]}, [{"size": 1}, "x"], [{"size": [1]}, {"size": "x"}]],
)
def test_a_mistake_in_the_samples_leaves_no_folder(
    made: MadePredictions, tmp_path: Path, samples: Any
) -> None:
    with pytest.raises(ArgumentError, match="`samples`"):
        find_issues(made.labels, made.pred_probs, samples=samples, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_folder_is_named(copied: RunFolder) -> None:
    table = pl.read_parquet(copied.path / "held_out.parquet").drop("class_evidence")
    table.write_parquet(copied.path / "held_out.parquet")
    with pytest.raises(RunError, match="no column class_evidence"):
        analyze(copied)
    json_file = copied.path / "run.json"
    json_file.write_text(json_file.read_text().replace('"noticed": [', '"noticed": 3, "x": ['))
    assert "noticed" in json.loads(json_file.read_text())
