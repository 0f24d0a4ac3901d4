"""Trainings that diverge say so, and keep the epochs before."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from dataparams.analysis import analyze
from dataparams.errors import RunError
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset


@pytest.mark.parametrize("amp", ["no", "bf16"])
@pytest.mark.parametrize("learns", [True, False])
def test_a_training_that_diverges_says_so_and_so_does_whoever_analyzes_it(
    few_digits: ImageDataset, short: TrainConfig, learns: bool, amp: Any
) -> None:
    high = replace(short, lr=1e6, learn_inst_parameters=learns, amp=amp)
    with pytest.raises(RunError, match=r"diverged in epoch 1: .* Lower `lr` \(it is 1e\+06\)"):
        train(high, dataset=few_digits)
    run = RunFolder(Path(short.output_dir) / "digits" / "run")
    description = run.description()
    assert description["status"] == "failed"
    assert "diverged in epoch 1" in description["error"]
    assert run.epochs() == []
    with pytest.raises(RunError, match=r"no finished epoch.*failed: Training diverged in epoch 1"):
        analyze(run)
    again = replace(short, restart=True, epochs=1)
    assert train(again, dataset=few_digits).epochs() == [1]


class Breaking(nn.Module):
    """Gives what is no number from a batch on: in training, or in the validation after it."""

    def __init__(self, first: int, *, is_trained_on: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        self.first, self.is_trained_on, self.done = first, is_trained_on, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.done += self.training
        is_broken = self.done >= self.first and self.training == self.is_trained_on
        logits: torch.Tensor = self.layers(images)
        return logits * math.inf if is_broken else logits


@pytest.mark.parametrize("is_trained_on", [True, False])
@pytest.mark.parametrize("learns", [True, False])
def test_the_epochs_before_a_divergence_stay_usable(
    few_digits: ImageDataset, short: TrainConfig, learns: bool, is_trained_on: bool
) -> None:
    config = replace(short, epochs=5, learn_inst_parameters=learns, checkpoint_minutes=1e-9)
    steps = len(few_digits.train) // short.batch_size
    model = Breaking(2 * steps + (2 if is_trained_on else 1), is_trained_on=is_trained_on)
    with pytest.raises(RunError, match=r"diverged in epoch 3.*Epochs 1 \.\.\. 2 are whole"):
        train(config, dataset=few_digits, model=model)
    run = RunFolder(Path(short.output_dir) / "digits" / "run")
    assert (run.epochs(), len(run.metrics())) == ([1, 2], 2)
    whole = run.epoch_checkpoint("last")
    assert whole is not None
    assert whole["epoch"] == 2
    last = run.checkpoint("last")
    assert last is not None
    assert all(value.isfinite().all() for value in last["model"].values())
    if learns:
        assert len(analyze(run, use_model=False).frame) == len(few_digits.train)


def test_temperatures_without_end_are_a_divergence(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    config = replace(short, lr_inst_param=1e30, skip_clamp_data_param=True)
    with pytest.raises(RunError, match="lower `lr_inst_param` or leave out `skip_clamp"):
        train(config, dataset=few_digits)
