"""Trains in one and two processes, some of which are killed; a program for test_processes.py.

Prints a JSON object: how the processes of each attempt ended, minus a signal's number if by one.
Children are forked before any tensor work, so that each starts within milliseconds of the import.
"""

from __future__ import annotations

import json
import os
import signal
import socket
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
from dataparams.errors import Stopped, UserError
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from dataparams.training.processes import process_group_left
from made_trainings import first_samples

SECONDS = 100


def _start(config: TrainConfig, processes: int, *, dropout: bool) -> list[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    children = []
    for rank in range(processes):
        child = os.fork()
        if child == 0:
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(processes)}
            os.environ |= {"LOCAL_RANK": str(rank)}
            os._exit(_code_of(config, dropout=dropout))
        children.append(child)
    return children


def _code_of(config: TrainConfig, *, dropout: bool) -> int:
    torch.set_num_threads(1)
    digits = load_dataset("digits")
    few = first_samples(digits.train, 403)
    torch.manual_seed(0)
    layers = [nn.Dropout(0.3)] if dropout else []
    model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))
    try:
        with process_group_left():
            train(config, dataset=replace(digits, train=few), model=model)
    except Stopped as stopped:
        return stopped.exit_code
    except UserError as error:
        sys.stderr.write(f"refused: {error}\n")
        return error.exit_code
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _end_of(child: int) -> int:
    """How a process ends; it is not waited for longer than a minute and a half."""
    for _ in range(10 * SECONDS):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sys.exit("a process did not end")


def _wait_within(run: RunFolder, epoch: int) -> None:
    """Until there is a checkpoint within an epoch, at the earliest the given one."""
    for _ in range(100 * SECONDS):
        state = run.checkpoint("last")
        if state is not None and state["epoch"] >= epoch and "steps" in state:
            return
        time.sleep(0.01)
    sys.exit("no checkpoint came")


def main() -> None:
    """Compare nothing; leave that to the test."""
    config = TrainConfig(
        output_dir=sys.argv[1],
        epochs=5,
        batch_size=64,
        rand_fraction=0.4,
        learn_inst_parameters=True,
        learn_class_parameters=True,
        lr=0.01,
        workers=1,
        checkpoint_minutes=1e-9,
        resume=True,
    )
    ends: dict[str, list[int]] = {}
    for name, dropout in (("dropout", True), ("plain", False)):
        whole = replace(config, exp_prefix=f"{name}_whole", checkpoint_minutes=0)
        ends[f"{name}_whole"] = [_end_of(child) for child in _start(whole, 2, dropout=dropout)]
        run = RunFolder(Path(config.output_dir) / "digits" / name)
        broken = replace(config, exp_prefix=name)
        # Of one process alone: the other learns of it.
        signals = (signal.SIGTERM, signal.SIGKILL) if dropout else (signal.SIGKILL, signal.SIGKILL)
        for epoch, number in enumerate(signals):
            processes = 2 if dropout or not epoch else 1
            children = _start(broken, processes, dropout=dropout)
            _wait_within(run, epoch)
            os.kill(children[-1], number)
            ends[f"{name}_{epoch}"] = [_end_of(child) for child in children]
        ends[name] = [_end_of(child) for child in _start(broken, 2, dropout=dropout)]
    again = _start(replace(whole, resume=False), 2, dropout=False)
    ends["refused"] = [_end_of(child) for child in again]
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    main()
