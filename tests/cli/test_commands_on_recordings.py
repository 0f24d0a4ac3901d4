"""The commands on runs that a loop of somebody's own left: texts, rows, or labels alone."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest
import torch

from dataparams.cli import main
from dataparams.recording.recording import Recording

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 90
HOSTILE = ("\x1b[2Jclear\0", "", "أين بطاقتي الجديدة؟", "line\r\nbreak " + "word " * 1000, "=A1")
TEXTS = [*HOSTILE, *(f"sentence {number}" for number in range(len(HOSTILE), COUNT))]
ROWS = pl.DataFrame({"label": TEXTS, "index": range(COUNT), "id": [0.5] * COUNT})
NAMES = ("cards", "loans", "travel")


def recorded(folder: Path, samples: object, *, learn: str = "instance") -> Path:
    """A linear model on points of three classes, of which the first texts have a wrong label."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(COUNT) % 3
    points = torch.randn(COUNT, 3, generator=generator) + 4 * torch.eye(3)[classes]
    labels = torch.where(torch.arange(COUNT) < 5, (classes + 1) % 3, classes)
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    run = Recording(
        folder,
        labels=labels,
        class_names=NAMES,
        samples=samples,
        epochs=5,
        batch_size=30,
        learn=learn,  # type: ignore[arg-type]
    )
    for _ in run.epochs(model, optimizer):
        for index in torch.randperm(COUNT, generator=generator).split(30):
            loss = run.loss(model(points[index]), labels[index], index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.step()
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        "texts": recorded(folder / "texts", TEXTS),
        "rows": recorded(folder / "rows", ROWS),
        "nothing": recorded(folder / "nothing", None),
        "margins": recorded(folder / "margins", TEXTS, learn="nothing"),
    }


def output(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["analyze", "rank"])
def test_texts_are_listed_by_what_they_say(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    told = output(capsys, command, runs["texts"])
    assert "excerpt" in told
    assert r"\x1b[2Jclear\x00" in told
    assert "\u2068أين بطاقتي الجديدة؟\u2069" in told
    assert "line break word" in told
    assert not {"\x1b", "\0", "\r"} & set(told)
    rows = output(capsys, command, runs["rows"])
    assert "label==A1, index=4, id=0.5" in rows
    assert "excerpt" not in output(capsys, command, runs["nothing"])


def test_a_run_without_validation_is_ranked_after_its_last_epoch(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "After epoch 5. The highest" in output(capsys, "rank", runs["texts"])
    assert "After epoch 2. The highest" in output(capsys, "rank", runs["texts"], "--epoch", 2)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_texts_are_listed_whatever_letters_the_output_has(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    assert main(["rank", str(runs["texts"])]) == 0
    line = "أين" if encoding == "utf-8" else r"\u0623\u064a\u0646"
    assert line in written.getvalue().decode(encoding)


def test_what_is_kept_may_be_gone_and_the_list_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded(tmp_path / "run", TEXTS)
    (run / "contents.parquet").unlink()
    for command in ("analyze", "rank"):
        told = output(capsys, command, run)
        assert "Nothing is shown of the samples themselves." in told
        assert "train/0" in told or "  0 " in told


def test_runs_without_validation_are_compared_by_their_verdicts(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "verdicts.csv"
    told = output(capsys, "compare", runs["texts"], runs["margins"], runs["nothing"], "--out", file)
    assert "labels are compared in place of accuracies" in told
    assert len(pl.read_csv(file)) == COUNT


@pytest.mark.parametrize("kind", ["texts", "rows", "nothing", "margins"])
def test_a_recording_is_cleaned_by_analysis_and_by_people(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run, out = runs[kind], tmp_path / "cleaned.parquet"
    told = output(capsys, "clean", run, "--strategy", "likely")
    assert f'dataparams.cleaned("{run}")' in told
    assert "train --from-clean" not in told
    decided = tmp_path / "decided.csv"
    decided.write_text("index,action,new_label,annotator\n0,relabel,travel,ann\n1,discard,,ann\n")
    assert "Imported 2 decisions" in output(capsys, "decisions", run, "--import", decided)
    elsewhere = output(capsys, "clean", run, "--strategy", "reviewed", "--out", out)
    # An export would have the labels of the file in the run folder.
    assert f'Next: in a loop of your own, dataparams.cleaned("{out}")' in elsewhere
    labels = dict(pl.read_parquet(out).select("index", "label").iter_rows())
    assert labels[0] == 2
    assert 1 not in labels
    told = output(capsys, "decisions", run, "--out", tmp_path / "decisions.csv")
    assert "2 decisions in force" in told
    assert len(pl.read_csv(tmp_path / "decisions.csv")) == 2
