"""Trains once undisturbed and once killed at random moments; a program for test_processes.py.

Prints the number of kills, and of those after which the last checkpoint is within an epoch.
Children are forked before any tensor work, so that each attempt starts within milliseconds of the
import.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import sklearn.datasets  # noqa: F401  (slow, as the two below: once, before the first fork)
import torch
import torch._dynamo  # the optimizer's first step would import it in each child
from accelerate import Accelerator  # noqa: F401
from torch import nn
from torch.utils.tensorboard import SummaryWriter  # noqa: F401

from dataparams.batches import load_dataset
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_trainings import first_samples

KILLS = 12


def _network() -> nn.Module:
    """What has statistics of batches and draws random numbers, and is fast."""
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Dropout(0.2), nn.Linear(144, 10))


def _start(config: TrainConfig) -> int:
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        digits = load_dataset("digits")
        few = first_samples(digits.train, 320)
        torch.manual_seed(0)
        train(config, dataset=replace(digits, train=few), model=_network())
        os._exit(0)
    return child


def _is_within(run: RunFolder) -> bool:
    """Whether the last checkpoint is within an epoch."""
    last = run.checkpoint("last")
    return last is not None and "steps" in last


def _require_success(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"a training failed with wait status {status}")


def main() -> None:
    """Compare nothing; leave that to the test."""
    config = TrainConfig(
        output_dir=sys.argv[1],
        epochs=24,
        batch_size=32,
        rand_fraction=0.4,
        learn_inst_parameters=True,
        learn_class_parameters=True,
        workers=1,
        checkpoint_minutes=0.02 / 60,
    )
    _require_success(_start(replace(config, exp_prefix="whole")))
    broken = replace(config, exp_prefix="broken", resume=True)
    run = RunFolder(Path(config.output_dir) / "digits" / "broken")
    moments = random.Random(int(sys.argv[2]))  # noqa: S311
    kills, kills_within = 0, 0
    while kills < KILLS:
        before = len(run.epochs())
        child = _start(broken)
        # Killed before its first epoch each time it would never come to an end, and killed after an
        # epoch each time never go on within one.
        is_within = kills % 4 == 3
        while len(run.epochs()) < config.epochs and (
            (kills % 2 and len(run.epochs()) <= before) or (is_within and not _is_within(run))
        ):
            time.sleep(0.01)
        time.sleep(0 if is_within else moments.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            kills_within += _is_within(run)
        elif status != 0:
            sys.exit(f"a training failed with wait status {status}")
        else:
            break
    _require_success(_start(broken))
    sys.stdout.write(f"{kills} {kills_within}\n")


if __name__ == "__main__":
    main()
