"""``dataparams.audit`` and ``dataparams.train``: what the commands do, by arguments."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_digits

import dataparams
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.terminal.flags import with_flags

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from dataparams.batches import ImageDataset


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits' own pixels as ready features."""
    file = tmp_path_factory.mktemp("features") / "digits.npy"
    np.save(file, load_digits().data.astype(np.float32))
    return file


def test_an_audit_is_analyzed_and_kept(pixels: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    found = dataparams.audit("digits", features=pixels, out=out, rand_fraction=0.2)
    assert found.run is not None
    assert found.run.path == out
    assert found.noise.low <= 0.2 <= found.noise.high
    worst = found.frame.sort("suspicion", descending=True)[:100]
    assert worst["is_corrupted"].mean() > 0.9
    assert (out / "analysis.parquet").is_file()
    written = (out / "samples.parquet").stat().st_mtime_ns
    again = dataparams.audit("digits", features=pixels, out=out, rand_fraction=0.2)
    assert again.frame.equals(found.frame)
    assert (out / "samples.parquet").stat().st_mtime_ns == written


def test_decisions_go_along_to_another_audit_of_the_same_samples(
    pixels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "audit"
    first = dataparams.audit("digits", features=pixels, out=out)
    assert first.run is not None
    with closing(DecisionStore(first.run.review)) as store:
        store.record("one", "ann", [Decision(5, "discard")])
    second = dataparams.audit("digits", features=pixels, out=out, seed=1, progress=True)
    assert second.run is not None
    assert second.run.path == tmp_path / "audit-2"
    with closing(DecisionStore(second.run.review, read_only=True)) as store:
        assert store.in_force()["index"].to_list() == [5]
    assert "a new run lies beside it" in capsys.readouterr().out


def test_wrong_arguments_are_named(pixels: Path, tmp_path: Path) -> None:
    with pytest.raises(dataparams.UserError, match="features"):
        dataparams.audit("digits", features=pixels, encoder="resnet18", out=tmp_path / "audit")
    with pytest.raises(dataparams.DataError):
        dataparams.audit(tmp_path / "nowhere", out=tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


def test_a_training_gives_its_run_folder(
    few_digits: ImageDataset, linear: nn.Module, tmp_path: Path
) -> None:
    config = dataparams.TrainConfig(output_dir=str(tmp_path), epochs=2)
    run = dataparams.train(config, dataset=few_digits, model=linear)
    assert run.epochs() == [1, 2]
    assert dataparams.rank(run, top=0.1).table["is_selected"].sum() == 40


def test_a_training_by_the_name_of_data_is_refused() -> None:
    with pytest.raises(dataparams.ArgumentError, match=r"`config` is .digits.; expected a Train"):
        dataparams.train("digits")  # type: ignore[arg-type]


def test_an_argument_of_analyze_is_a_flag_of_the_command() -> None:
    assert with_flags("`use_model=False` analyzes") == "--no-model analyzes"
    assert with_flags("`top` is 5; expected") == "--top is 5; expected"
