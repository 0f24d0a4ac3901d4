"""What is recorded of every sample while heads are trained: an epoch record after each epoch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dataparams.run.epoch_record import EpochRecord
from dataparams.run.sample_recorder import SampleRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Metrics = dict[str, float | int | None]


class HeadRecords:
    """Turns what heads say of their batches into records by index, an epoch at a time.

    A sample's record is that of the mean logits of the heads that learn from it, and its log
    temperature the mean over these heads.

    Args:
        labels: Given labels of the n samples, (n,).
        index: Row of each in the source, (n,).
        num_instances: Rows of the source.
        learns: Heads that learn from each sample.
        write: Takes each epoch's record and metrics.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        index: NDArray[np.int64],
        num_instances: int,
        learns: int,
        write: Callable[[EpochRecord, Metrics], None],
    ) -> None:
        self._labels, self._index = torch.from_numpy(labels), torch.from_numpy(index)
        self._count, self._learns, self._write = num_instances, learns, write
        self._recorder = SampleRecorder(num_instances, torch.device("cpu"), is_shared=False)
        self._held_out_right = 0
        self._held_out_loss = 0.0
        self._started = time.perf_counter()

    def on_batch(self, rows: NDArray[np.int64], logits: Tensor, learns: Tensor) -> None:
        """Keep the outcome of a batch; see :func:`dataparams.training.heads.train_heads`."""
        places = torch.from_numpy(rows)
        labels = self._labels[places]
        self._recorder.record(_mean(logits, learns), labels, self._index[places])
        held_out = _mean(logits, ~learns)
        self._held_out_right += int((held_out.argmax(dim=1) == labels).sum())
        self._held_out_loss += float(
            torch.nn.functional.cross_entropy(held_out, labels, reduction="sum")
        )

    def on_epoch(self, epoch: int, log_temperature: Tensor) -> None:
        """Hand over the record of the epoch that is done."""
        records = self._recorder.finish()
        values = torch.zeros(self._count)
        # Where a head does not learn from a sample, its log temperature stays 0.
        values[self._index] = log_temperature.sum(dim=1) / self._learns
        record = EpochRecord(
            epoch=epoch,
            class_log_temperature=torch.empty(0),
            instance_log_temperature=values,
            **vars(records),
        )
        count = max(len(self._labels), 1)
        present = records.predicted >= 0
        metrics: Metrics = {
            "epoch": epoch,
            "train_loss": float(records.loss[present].mean()),
            "train_accuracy": float(records.correct[present].float().mean()),
            "val_loss": self._held_out_loss / count,
            "val_accuracy": self._held_out_right / count,
            "seconds": time.perf_counter() - self._started,
        }
        self._held_out_right, self._held_out_loss = 0, 0.0
        self._started = time.perf_counter()
        self._write(record, metrics)


def _mean(logits: Tensor, counts: Tensor) -> Tensor:
    """The mean logits over some heads of each sample, (B, C)."""
    weight = counts.float() / counts.sum(dim=1, keepdim=True).clamp_min(1)
    return torch.einsum("bhc,bh->bc", logits, weight)
