"""Batches and steps of an epoch, counted, so that a call that was forgotten is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dataparams.errors import ArgumentError
from dataparams.method.data_parameters import DataParameters
from dataparams.method.exchange import world_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.recording.plain_loss import PlainLoss


@dataclass
class StepCounts:
    """What this process did since an epoch began.

    Attributes:
        losses: Batches that a loss was taken of.
        samples: Samples in them.
        steps: Steps.
        waiting: Samples since the last step.
    """

    losses: int = 0
    samples: int = 0
    steps: int = 0
    waiting: int = 0

    def add_batch(self, size: int) -> None:
        """Count a batch of so many samples."""
        self.losses += 1
        self.samples += size
        self.waiting += size

    def add_step(self) -> None:
        """Count a step of all batches that wait for one."""
        self.waiting = 0
        self.steps += 1

    def require_step_fits(self, batch_size: int) -> int:
        """How many samples a process brings to a step at most.

        Args:
            batch_size: Samples of a step over all processes.

        Raises:
            ArgumentError: If there are none, or more.
        """
        if not self.waiting and (world_size() == 1 or not self.losses):
            raise ArgumentError(
                "`step()` is called without a `loss()` since the step before; expected one step "
                "for each step of the optimizer."
            )
        capacity = -(-batch_size // world_size())
        if self.waiting > capacity:
            raise ArgumentError(
                f"A step has {self.waiting} samples in this process, but `batch_size` is "
                f"{batch_size} over all {world_size()}; expected the samples of one step over all "
                "processes and micro-batches, by which the learning rate of the data parameters "
                "is chosen."
            )
        return capacity


def require_gradients() -> None:
    """Raise ArgumentError where no gradients are computed, as in an evaluation."""
    if not torch.is_grad_enabled():
        raise ArgumentError(
            "`loss()` is called without gradients; expected a training step. Validation samples "
            "are given to `validate()`."
        )


def require_before_update(scaler: torch.amp.GradScaler | None) -> None:
    """Raise ArgumentError where a scaler has forgotten already whether the step overflowed."""
    if scaler is None or not scaler.is_enabled():
        return
    states = scaler._per_optimizer_states.values()
    if not any(state["found_inf_per_device"] for state in states):
        raise ArgumentError(
            "`step()` is called after `scaler.update()`, or before `scaler.step(optimizer)`; "
            "expected it between the two, so that a step that the scaler skips is skipped here too."
        )


def require_whole(
    counts: Sequence[StepCounts], criterion: DataParameters | PlainLoss, epoch: int
) -> None:
    """Raise ArgumentError where nothing was recorded in an epoch, or nothing learned.

    Args:
        counts: Of each process.
        criterion: The loss.
        epoch: The number of the epoch, 1 or above.
    """
    if not sum(one.losses for one in counts):
        raise ArgumentError(
            f"Nothing was recorded in epoch {epoch}: `loss()` was not called; expected one call "
            "for each batch, in place of the cross-entropy."
        )
    if not any(one.steps for one in counts) and isinstance(criterion, DataParameters):
        raise ArgumentError(
            f"`step()` was not called in epoch {epoch}, so that the data parameters learn nothing; "
            "expected one call after each step of the optimizer."
        )
