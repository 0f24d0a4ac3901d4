"""Trains networks without batch statistics; a program for test_processes.py, under torchrun.

One on digits in memory, one on a stream of the images of a folder.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace

import torch
from torch import nn

from dataparams.batches import load_dataset
from dataparams.training import TrainConfig, train
from dataparams.training.processes import process_group_left
from made_trainings import first_samples


class _Dies(nn.Module):
    """Kills the second process at its tenth batch."""

    batches = 0

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        self.batches += 1
        if self.batches == 10 and os.environ.get("RANK") == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return values


def main() -> None:
    """Train, until a process is killed where asked to."""
    digits = load_dataset("digits")
    few = first_samples(digits.train, 403)
    torch.manual_seed(0)
    config = TrainConfig(
        output_dir=sys.argv[1],
        epochs=4,
        batch_size=64,
        rand_fraction=0.4,
        learn_inst_parameters=True,
        learn_class_parameters=True,
        exp_prefix=sys.argv[2],
        lr=0.01,
        workers=1,
        resume=True,
        checkpoint_minutes=1e-9,
    )
    last = _Dies() if sys.argv[3:] == ["dying"] else nn.Identity()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), last)
    with process_group_left():
        train(config, dataset=replace(digits, train=few), model=model)
        torch.manual_seed(0)
        streamed = replace(
            config, dataset=sys.argv[3], loader="stream", image_size=16, epochs=2, batch_size=8
        )
        train(streamed, model=nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)))


if __name__ == "__main__":
    main()
