"""After apply the data have other labels than the run was given: an export has theirs."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.planning import plan
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import made_from
from dataparams.cli.main import main
from dataparams.decisions.class_changes import add_class, class_names_of, rename_class
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.cleaned_samples import CleanedSamples, write_cleaned
from made_applied import decide, run_on
from made_sources import photo_folder

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@pytest.fixture(params=["folder", "table"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    """Eight samples of two classes, without an analysis."""
    if request.param == "folder":
        return run_on(tmp_path / "run", photo_folder(tmp_path / "data", 4, ("a", "b")))
    rows = "".join(f"text of some words {row},{'ab'[row % 2]}\n" for row in range(8))
    (tmp_path / "data.csv").write_text(f"text,label\n{rows}")
    return run_on(tmp_path / "run", tmp_path / "data.csv", text_column="text", label_column="label")


def exported(run: RunFolder, out: Path, *words: str) -> dict[str, str]:
    """The labels of an export by the ids that the run knows."""
    assert main(["export", str(run.path), "--to", "csv", str(out), *words]) == 0
    table = pl.read_csv(out / "samples.csv", infer_schema=False)
    return dict(table.select("id", "label").iter_rows())


def given(run: RunFolder) -> dict[str, str]:
    names = run.class_names()
    return {row["id"]: names[row["label"]] for row in run.samples().iter_rows(named=True)}


def test_corrected_labels_go_out_as_they_were_applied(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = given(run)
    moved, gone, later, *_ = before
    other = "b" if before[moved] == "a" else "a"
    decide(run, {moved: other, gone: None})
    apply_plan(plan(run))
    corrected = {name: label for name, label in before.items() if name != gone} | {moved: other}
    assert exported(run, tmp_path / "one") == corrected
    told = " ".join(capsys.readouterr().out.split())
    assert "Labels are those that `dataparams apply` wrote" in told.replace('"', "`")
    assert "1 are others than the run was given, and 1 discarded samples are left out" in told
    left_out = pl.read_csv(tmp_path / "one/left_out.csv", infer_schema=False)
    assert left_out.filter(id=gone)["reason"].item() == "dropped by `dataparams apply`"
    changes = pl.read_csv(tmp_path / "one/changes.csv", infer_schema=False)
    assert changes.sort("index").select("id", "new_label", "action", "who").rows() == [
        (moved, other, "relabel", "ann"),
        (gone, None, "discard", "ann"),
    ]
    # What was decided since is told, and not exported before it was applied.
    decide(run, {later: "b" if before[later] == "a" else "a"})
    assert exported(run, tmp_path / "two") == corrected
    assert "1 change that people decided on since is not in this export" in " ".join(
        capsys.readouterr().out.split()
    )
    assert exported(run, tmp_path / "three", "--labels", "given") == before
    undo(run)
    assert exported(run, tmp_path / "four") == before


def test_a_cleaned_set_that_says_otherwise_is_no_label_by_accident(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = given(run)
    moved, *_ = before
    other = "b" if before[moved] == "a" else "a"
    decide(run, {moved: other})
    apply_plan(plan(run))
    rows = run.samples().select(
        "index", "id", "label", weight=pl.lit(1.0), label_source=pl.lit("given")
    )
    made = made_from(run, CleanSettings("reviewed"))
    write_cleaned(run.cleaned, CleanedSamples(rows, made))
    assert main(["export", str(run.path), "--to", "csv", str(tmp_path / "out")]) == 2
    assert "disagree about 1 sample" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert exported(run, tmp_path / "given", "--labels", "cleaned") == before
    assert exported(run, tmp_path / "applied", "--labels", "applied") == before | {moved: other}
    names = {name: number for number, name in enumerate(run.class_names())}
    agreeing = pl.when(pl.col("id") == moved).then(names[other]).otherwise("label")
    write_cleaned(run.cleaned, CleanedSamples(rows.with_columns(label=agreeing), made))
    assert exported(run, tmp_path / "both") == before | {moved: other}


def test_classes_that_people_added_and_renamed_have_their_names(
    run: RunFolder, tmp_path: Path
) -> None:
    before = given(run)
    moved, *_ = before
    with closing(DecisionStore(run.review)) as store:
        new = add_class(store.database, run.class_names(), "request-1", "ann", "brand new")
        rename_class(store.database, class_names_of(run), "request-2", "ann", 0, "another name")
        index = run.samples().filter(id=moved)["index"].item()
        store.record("request-3", "ann", [Decision(index, "relabel", new)])
    expected = {name: label.replace("a", "another name") for name, label in before.items()}
    assert exported(run, tmp_path / "one", "--labels", "given") == expected
    apply_plan(plan(run))
    assert exported(run, tmp_path / "two") == expected | {moved: "brand new"}
