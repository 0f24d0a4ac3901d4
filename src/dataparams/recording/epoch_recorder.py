"""What is recorded of the training samples of a loop during an epoch, on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.errors import ArgumentError, RunError
from dataparams.method.data_parameters import DataParameters
from dataparams.recording.agreement import gathered
from dataparams.recording.step_counts import require_whole
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.sample_recorder import SampleRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.recording.plain_loss import PlainLoss
    from dataparams.recording.step_counts import StepCounts
    from dataparams.run.sample_recorder import SampleRecords


class EpochRecorder:
    """Records the outcome of every training sample, and whether it has the label that it had.

    Args:
        labels: Class of each sample as given, (N,), int64.
        class_names: Name of class 0, 1, ...
        device: Where the logits are.
    """

    def __init__(self, labels: Tensor, class_names: Sequence[str], device: torch.device) -> None:
        self._given, self._class_names = labels, class_names
        self._labels = labels.to(device)
        self.device = device
        self.samples = SampleRecorder(len(labels), device)
        self._is_other = torch.zeros((), dtype=torch.bool, device=device)

    @torch.no_grad()
    def record(self, logits: Tensor, labels: Tensor, index: Tensor) -> None:
        """Keep the outcome of a batch, whose loss was taken.

        Raises:
            ArgumentError: If a label is not that which was given at the start. Where looking at it
                would make the step wait for the device, the end of the epoch says so.
        """
        labels, index = labels.long(), index.long()
        if self.device.type == "cpu":
            if not torch.equal(self._labels[index], labels):
                raise ArgumentError(self._complaint(labels, index))
        else:
            # What is out of range is complained of by the loss, once the device has told.
            index = index.clamp(0, len(self._labels) - 1)
            labels = labels.clamp(0, len(self._class_names) - 1)
            self._is_other |= (self._labels[index] != labels).any()
        self.samples.record(logits, labels, index)

    def finish(
        self,
        epoch: int,
        criterion: DataParameters | PlainLoss,
        counts: StepCounts,
        scaler: torch.amp.GradScaler | None,
    ) -> tuple[EpochRecord, int]:
        """The record of an epoch, and how many samples all processes took; all must call it.

        Args:
            epoch: Its number, 1 or above.
            criterion: The loss.
            counts: What this process did.
            scaler: The gradient scaler, which skips the steps of what is not finite; None where
                there is none.

        Raises:
            ArgumentError: If nothing was recorded, no step was taken or labels differ.
            RunError: If the loss is not finite.
        """
        is_other, is_finite = bool(self._is_other), self.samples.is_finite()
        every = gathered((counts, is_other, is_finite))
        require_whole([one for one, _, _ in every], criterion, epoch)
        if any(other for _, other, _ in every):
            raise ArgumentError(
                "`labels` of a batch are not those that were given to Recording for its `index`; "
                "expected the same, and the index of each sample in that order."
            )
        is_finite = all(finite for _, _, finite in every)
        if not is_finite and (scaler is None or not scaler.is_enabled()):
            raise _diverged(epoch)
        records = self.samples.finish()
        if not is_finite:
            _leave_out_overflows(records, epoch)
        dp = criterion if isinstance(criterion, DataParameters) else None
        nothing = torch.empty(0)
        record = EpochRecord(
            epoch=epoch,
            class_log_temperature=nothing if dp is None else dp.class_log.cpu().clone(),
            instance_log_temperature=nothing if dp is None else dp.inst_log.cpu().clone(),
            **vars(records),
        )
        return record, sum(one.samples for one, _, _ in every)

    def _complaint(self, labels: Tensor, index: Tensor) -> str:
        place = int((self._labels[index] != labels).nonzero()[0])
        sample, now = int(index[place]), int(labels[place])
        given = int(self._given[sample])
        return (
            f"`labels` has class {now} ({self._class_names[now]!r}) for sample {sample}, which "
            f"had class {given} ({self._class_names[given]!r}) in the labels that were given to "
            "Recording; expected the same. Is `index` the number of each sample in that order?"
        )


def _diverged(epoch: int) -> RunError:
    return RunError(
        f"The training diverged in epoch {epoch}: its loss is not a finite number, and the epoch "
        "is not written. Lower the model's learning rate or clip its gradients; the epochs before "
        "can be analyzed."
    )


def _leave_out_overflows(records: SampleRecords, epoch: int) -> None:
    """Mark samples as absent whose step a gradient scaler skipped, since it was not finite."""
    is_there = records.predicted >= 0
    parts = (records.margin, records.loss, records.error_norm)
    is_finite = torch.stack(parts).isfinite().all(dim=0)
    if not bool((is_there & is_finite).any()):
        raise _diverged(epoch)
    for values in parts:
        values[~is_finite] = torch.nan
    for classes in (records.rival, records.predicted):
        classes[~is_finite] = -1
    records.correct[~is_finite] = False
