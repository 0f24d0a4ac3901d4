"""``dataparams compare`` where a run is an audit: labels are compared, not accuracies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

from dataparams.analysis.comparison import compare
from dataparams.cli import main
from dataparams.errors import RunError
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig
from made_folders import dark_and_light

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audits of the digits by all pixels and by few, and a training, with the same wrong labels."""
    folder = tmp_path_factory.mktemp("runs")
    pixels = load_digits().data.astype(np.float32)
    for name, values in (("good", pixels), ("poor", pixels[:, 20:26])):
        np.save(folder / f"{name}.npy", values)
        features, out = str(folder / f"{name}.npy"), str(folder / name)
        audit(AuditConfig("digits", features=features, out=out, rand_fraction=0.2))
    train(TrainConfig(output_dir=str(folder), rand_fraction=0.2, epochs=2))
    return folder


def test_two_audits_are_held_against_the_truth_and_each_other(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(runs / "poor"), str(runs / "good"), "--out"]
    assert main([*words, str(tmp_path / "labels.json")]) == 0
    text = capsys.readouterr().out
    assert "among 1,797 samples" in text
    assert "labels are compared in place of accuracies" in text
    told = json.loads((tmp_path / "labels.json").read_text())
    poor, good = told["runs"]
    assert (poor["name"], good["name"]) == ("poor", "good")
    assert good["average_precision"] > poor["average_precision"]
    assert good["recall"] > 0.95
    assert f"{good['recall']:.1%}" in text
    assert good["low"] <= good["rate"] <= good["high"]
    assert main([*words, str(tmp_path / "labels.csv")]) == 0
    table = pl.read_csv(tmp_path / "labels.csv")
    assert len(table) == 1797
    is_wrong = [table[f"category of {name}"] == "hard" for name in ("poor", "good")]
    assert (is_wrong[0] & is_wrong[1]).sum() == told["wrong_by_all"]
    assert (is_wrong[1] & ~is_wrong[0]).sum() == good["alone"]


def test_an_audit_and_a_training_are_compared_by_the_samples_that_both_judged(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = next(path.parent for path in runs.glob("digits/*/run.json"))
    assert main(["compare", str(runs / "good"), str(training)]) == 0
    text = capsys.readouterr().out
    assert "a training" in text
    assert "Left out: " in text


def test_what_cannot_be_compared_says_what_can(
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    both = [str(runs / "good"), str(runs / "poor")]
    assert main(["compare", *both, "--figure", str(tmp_path / "figure.png")]) == 2
    assert "has no accuracy over epochs to draw" in capsys.readouterr().err
    assert main(["compare", both[0], both[0]]) == 2
    with pytest.raises(RunError, match=r"has no validation samples.*compare_verdicts"):
        compare([RunFolder(runs / "good"), RunFolder(runs / "poor")])
    dark_and_light(tmp_path / "photos")
    other = str(tmp_path / "other")
    audit(AuditConfig(str(tmp_path / "photos"), encoder="pixels", out=other))
    assert main(["compare", both[0], other]) == 4
    assert "have no sample with the same label in common" in capsys.readouterr().err
