"""The accelerator that a training runs on: a GPU or the CPU, its precision, its trackers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.training.config import Precision


def make_accelerator(
    *, amp: Precision, gpu: int | None, log_with: Sequence[str], output_dir: str
) -> Accelerator:
    """Make what knows the device and the other processes.

    Args:
        amp: The precision of the model.
        gpu: Number of the one GPU to use; None to let Accelerate choose.
        log_with: Trackers of Accelerate; TensorBoard is always on and need not be among them.
        output_dir: Where runs lie.

    Raises:
        ArgumentError: If something of it is not there.
    """
    on_cpu = stays_on_cpu()
    if amp == "fp16" and on_cpu:
        raise ArgumentError('`amp="fp16"` needs a GPU and there is none here; expected no or bf16.')
    _require_available(log_with)
    _use_gpu(gpu)
    _forget_other_precision(amp)
    return Accelerator(
        cpu=on_cpu,
        mixed_precision=amp,
        log_with=trackers_beside_tensorboard(log_with) or None,
        project_dir=output_dir,
    )


def stays_on_cpu() -> bool:
    """Whether there is no accelerator to train on."""
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


def trackers_beside_tensorboard(log_with: Sequence[str]) -> list[str]:
    """The trackers that Accelerate has to start.

    Example:
        >>> trackers_beside_tensorboard(("wandb", "tensorboard"))
        ['wandb']
    """
    return [tracker for tracker in log_with if tracker != "tensorboard"]


def _require_available(trackers: Sequence[str]) -> None:
    available = [str(tracker) for tracker in get_available_trackers()]
    for tracker in trackers:
        if tracker not in available:
            raise ArgumentError(
                f"`log_with={tracker}` is not installed or not known; expected one of "
                f"{', '.join(available)}. A tracker's package is installed with pip."
            )


def _use_gpu(number: int | None) -> None:
    """Make a GPU the one that everything goes to."""
    if number is None:
        return
    count = torch.cuda.device_count()
    if number >= count:
        there = f"0 ... {count - 1}" if count else "none here"
        raise ArgumentError(f"`gpu` is {number}; expected the number of a GPU; there are: {there}.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ArgumentError(
            f"`gpu={number}` is given in one of several processes, of which each has a GPU of its "
            "own; leave it out."
        )
    torch.cuda.set_device(number)


def _forget_other_precision(amp: Precision) -> None:
    """Let a second training in one Python process, as in a notebook, choose its own precision."""
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != amp:
        AcceleratorState._reset_state()
