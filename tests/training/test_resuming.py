"""Runs that are there already: left alone, and gone on with exactly."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from dataparams.batches import DeviceBatches
from dataparams.errors import RunError, Stopped
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import SilentProgress
from dataparams.training import TrainConfig, train
from made_trainings import Lines, Stop, assert_same_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataparams.batches import Batch, ImageDataset


def test_an_existing_run_is_not_touched_without_a_word(
    few_digits: ImageDataset, short: TrainConfig, copied_run: RunFolder
) -> None:
    run = copied_run
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    with pytest.raises(
        RunError, match=r"exists already and is not touched.*`restart=True`.*`resume"
    ):
        train(short, dataset=few_digits)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    shorter = replace(short, epochs=1, restart=True)
    assert train(shorter, dataset=few_digits).epochs() == [1]


@pytest.mark.usefixtures("copied_run")
def test_resume_refuses_another_configuration_or_data_set(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    with pytest.raises(RunError, match=r"`lr` was 0\.1 and is 0\.2"):
        train(replace(short, resume=True, lr=0.2), dataset=few_digits)
    other = replace(few_digits, fingerprint="another")
    with pytest.raises(RunError, match="contents differ"):
        train(replace(short, resume=True), dataset=other)


@pytest.mark.parametrize("stopped_at", [1, 2])
def test_an_interrupted_run_resumes_exactly(
    few_digits: ImageDataset, short: TrainConfig, short_run: RunFolder, stopped_at: int
) -> None:
    broken = replace(short, exp_prefix="broken")
    with pytest.raises(KeyboardInterrupt):
        train(broken, dataset=few_digits, display=Stop(stopped_at))
    path = Path(short.output_dir) / "digits" / "broken"
    assert '"status": "stopped"' in (path / "run.json").read_text()
    resumed = train(replace(broken, resume=True), dataset=few_digits)
    assert_same_run(short_run, resumed)
    assert resumed.description()["status"] == "finished"


def _with_dropout() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10)]
    return nn.Sequential(*layers)


class _StopWithin(SilentProgress):
    """Sends a signal after some steps, counted from the beginning of the training."""

    def __init__(self, step: int, number: signal.Signals) -> None:
        self.at, self.number = step, number

    def step(self, done: int, total: int, figures: str) -> None:
        if done == self.at:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    ("step", "number", "code"), [(1, signal.SIGTERM, 143), (9, signal.SIGINT, 130)]
)
def test_a_run_stopped_within_an_epoch_resumes_exactly(
    few_digits: ImageDataset, short: TrainConfig, step: int, number: signal.Signals, code: int
) -> None:
    short = replace(short, print_freq=1, learn_class_parameters=True)
    whole = train(replace(short, exp_prefix="whole"), dataset=few_digits, model=_with_dropout())
    broken = replace(short, exp_prefix="broken")
    with pytest.raises(Stopped, match="`resume=True` goes on from there") as stopped:
        train(broken, dataset=few_digits, model=_with_dropout(), display=_StopWithin(step, number))
    assert stopped.value.exit_code == code
    run = RunFolder(Path(short.output_dir) / "digits" / "broken")
    assert run.description()["status"] == "stopped"
    state = run.checkpoint("last")
    assert state is not None
    assert state["epoch"] * 6 + state["steps"] == step
    lines = Lines()
    again = replace(broken, resume=True)
    train(again, dataset=few_digits, model=_with_dropout(), display=lines)
    assert_same_run(whole, run)
    assert f"Going on after step {(step - 1) % 6 + 1} of 6" in lines.lines[1]
    assert run.description()["status"] == "finished"
    assert "error" not in run.description()
    assert {path.name for path in (run.path / "checkpoint").iterdir()} == {"last.pt", "best.pt"}


class _StopInValidation(DeviceBatches):
    """Sends a signal while the model is evaluated."""

    is_asked = False

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for batch in super().epoch(number, start):
            if len(self) == 1 and type(self).is_asked:
                type(self).is_asked = False
                signal.raise_signal(signal.SIGTERM)
            yield batch


def test_a_run_stopped_while_it_is_evaluated_resumes_exactly(
    few_digits: ImageDataset,
    short: TrainConfig,
    short_run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dataparams.training.batching.DeviceBatches", _StopInValidation)
    _StopInValidation.is_asked = True
    with pytest.raises(Stopped, match="after step 6 of 6 in epoch 1"):
        train(short, dataset=few_digits)
    assert_same_run(short_run, train(replace(short, resume=True), dataset=few_digits))


def test_within_an_epoch_the_analysis_sees_the_one_before(
    few_digits: ImageDataset, short: TrainConfig, short_run: RunFolder
) -> None:
    often = replace(short, print_freq=1, checkpoint_minutes=1e-9, save_every=1)
    with pytest.raises(Stopped):
        train(often, dataset=few_digits, display=_StopWithin(9, signal.SIGTERM))
    run = RunFolder(Path(short.output_dir) / "digits" / "run")
    assert run.epochs() == [1]
    states = [run.checkpoint("last"), run.epoch_checkpoint("last"), run.checkpoint("epoch_1")]
    within, seen, first = (state["model"] for state in states if state is not None)
    assert all(torch.equal(seen[name], first[name]) for name in first)
    assert not all(torch.equal(within[name], first[name]) for name in first)
    # As if killed between the two renames of a checkpoint.
    (run.path / "checkpoint" / "last.pt").unlink()
    half_written = run.path / "checkpoint" / f".last.pt.{'0' * 32}.tmp"
    half_written.write_bytes(b"half")
    assert_same_run(short_run, train(replace(often, resume=True), dataset=few_digits))
    assert not half_written.exists()


def test_resume_says_that_nothing_is_left_to_train(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    config = replace(short, resume=True, epochs=1)
    train(config, dataset=few_digits)
    again = Lines()
    run = train(config, dataset=few_digits, display=again)
    assert f"{run.path}: nothing is left to train after epoch 1." in again.lines
    assert run.description()["status"] == "finished"


def test_resume_begins_where_there_is_nothing_to_go_on_with(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    config = replace(short, resume=True, epochs=1)
    run = train(config, dataset=few_digits)
    assert run.epochs() == [1]
    assert len(run.samples()) == 400
    # As if killed before anything but the description was written, and while that was.
    for left in ({"run.json"}, {f".run.json.{'0' * 32}.tmp"}):
        folder = Path(short.output_dir) / "digits" / next(iter(left)).strip(".")
        folder.mkdir()
        (folder / next(iter(left))).write_bytes((run.path / "run.json").read_bytes())
        begun = train(replace(config, exp_prefix=folder.name), dataset=few_digits)
        assert_same_run(run, begun)
        assert begun.samples().equals(run.samples())


@pytest.mark.parametrize("damage", ["truncated", "other model"])
def test_a_damaged_checkpoint_is_an_error_and_nothing_is_lost(
    few_digits: ImageDataset, short: TrainConfig, copied_run: RunFolder, damage: str
) -> None:
    run = copied_run
    file = run.path / "checkpoint" / "last.pt"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:2000])
    else:
        torch.save({"model": nn.Linear(2, 2).state_dict(), "epoch": 1}, file)
    with pytest.raises(RunError, match=r"last\.pt"):
        train(replace(short, resume=True), dataset=few_digits)
    assert run.epochs() == [1, 2, 3]
    shutil.copy(run.path / "checkpoint" / "best.pt", file)
    assert train(replace(short, resume=True), dataset=few_digits).epochs() == [1, 2, 3]
