"""What ``dataparams audit`` says: what was understood, the verdict, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dataparams.cli import main
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that audit the digits by their own pixels, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    np.save(tmp_path / "pixels.npy", load_digits().data.astype(np.float32))
    return ["audit", "digits", "--features", "pixels.npy", "--out", "run"]


def test_one_command_goes_from_data_to_a_verdict(
    digits: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*digits, "--rand-fraction", "0.2", "--worst", "3"]) == 0
    text = capsys.readouterr().out
    assert "1,797 samples of 10 classes" in text
    assert "labels are probably wrong" in text
    assert "What this figure does not see" in text
    assert "The 3 most suspicious" in text
    assert "dataparams review run" in text
    assert (tmp_path / "run/report/index.html").is_file()


def made_photographs(folder: Path, side: int) -> Path:
    """Twelve bright and twelve dark pictures."""
    rng = np.random.default_rng(0)
    for name, low in (("bright", 180), ("dark", 0)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(low, low + 70, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that audit a few pictures by their own pixels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    made_photographs(tmp_path / "photos", 40)
    return ["audit", "photos", "--encoder", "pixels", "--out", "run"]


def test_where_nothing_changed_the_run_is_opened_again(
    photographs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(photographs) == 0
    written = (tmp_path / "run/report/index.html").stat().st_mtime_ns
    capsys.readouterr()
    assert main(photographs) == 0
    assert "it is opened again" in capsys.readouterr().out
    assert (tmp_path / "run/report/index.html").stat().st_mtime_ns == written


def test_another_seed_is_no_change_of_the_data(
    photographs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(photographs) == 0
    store = DecisionStore(RunFolder(tmp_path / "run").review)
    store.record("r", "ann", [Decision(5, "discard")])
    store.close()
    capsys.readouterr()
    assert main([*photographs, "--seed", "1"]) == 0
    text = capsys.readouterr().out
    assert "judged the same data otherwise" in text
    assert "1 decision came along" in text
    assert "not as in" not in text


def test_features_are_computed_once_and_the_second_audit_says_so(
    photographs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(photographs) == 0
    text = capsys.readouterr().out
    assert "Nothing leaves this machine" in text
    assert "those that are known" not in text
    assert main([*photographs[:-1], "second"]) == 0
    assert "those that are known are in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["owner/name", "--offline"], "--offline forbids"),
        (["owner/name", "--offline", "--recipe", "scratch"], "--offline forbids"),
        (["digits", "--recipe", "finetune", "--encoder", "resnet18"], "--recipe finetune"),
        (["digits", "--features", "x.npy", "--encoder", "resnet18"], "expected one of them"),
        (["digits", "--worst", "-1"], "--worst is -1"),
        (["digits", "--encoder", "resnet_18"], "The nearest are"),
        (["digits", "--features", "missing.npy"], "missing.npy"),
    ],
)
def test_what_cannot_be_is_said_without_a_traceback(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *words]) in (2, 3)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "weights_CL").exists()


def test_data_of_which_a_part_is_changed_are_not_judged(
    photographs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(photographs) == 0
    step = tmp_path / "run/applied/0001"
    step.mkdir(parents=True)
    (step / "step.json").write_text('{"status": "applying"}')
    (tmp_path / "photos/dark/0.png").rename(tmp_path / "photos/bright/0-2.png")
    assert main(photographs) == 4
    assert "dataparams apply run, which finishes it" in capsys.readouterr().err
    assert not (tmp_path / "run-2").exists()


def test_a_training_in_place_of_heads_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made_photographs(tmp_path / "photos", 8)
    assert main(["audit", "photos", "--recipe", "scratch"]) == 0
    run = RunFolder(tmp_path / "weights_CL/photos/audit-scratch")
    made = (run.path / "metrics.csv").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["audit", "photos", "--recipe", "scratch"]) == 0
    assert "most suspicious" in capsys.readouterr().out
    assert (run.path / "metrics.csv").stat().st_mtime_ns == made
