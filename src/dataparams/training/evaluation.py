"""The evaluation of a model on the validation samples, in one process or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from accelerate import Accelerator
    from torch import nn

    from dataparams.batches import Batches
    from dataparams.run.held_out_recorder import HeldOutRecorder


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on the validation samples, over all processes.

    Attributes:
        loss: Mean cross-entropy.
        correct: Number of correct predictions of each class.
        count: Number of samples of each class.
    """

    loss: float
    correct: list[int]
    count: list[int]

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return sum(self.correct) / max(sum(self.count), 1)

    def table(self, epoch: int) -> pl.DataFrame:
        """The rows of ``validation.parquet``, one per class.

        Example:
            >>> Evaluation(0.5, correct=[3, 1], count=[4, 2]).table(epoch=7).rows()
            [(7, 0, 4, 3), (7, 1, 2, 1)]
        """
        columns = {"label": range(len(self.count)), "count": self.count, "correct": self.correct}
        table = pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.Int64))
        return table.select(pl.lit(epoch, pl.Int64).alias("epoch"), pl.all())


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Batches,
    held_out: HeldOutRecorder,
    *,
    num_classes: int,
    accelerator: Accelerator,
    between_batches: Callable[[], None],
) -> Evaluation:
    """Evaluate a model; all processes must call it. Waits for the device at the end alone.

    Args:
        model: The model, which is left in evaluation mode.
        batches: Of the validation samples.
        held_out: Keeps what the model says of each; it is cleared first.
        num_classes: C.
        accelerator: Knows the device and the other processes.
        between_batches: Called before each batch; what it raises ends the evaluation.
    """
    model.eval()
    held_out.clear()
    device = accelerator.device
    loss_sum = torch.zeros(1, device=device)
    correct, count = torch.zeros(2, num_classes, device=device)
    for batch in batches.epoch(0):
        between_batches()
        if not len(batch.index):
            continue
        logits = model(batch.images).float()
        held_out.record(logits, batch.labels, batch.positions)
        loss_sum += functional.cross_entropy(logits, batch.labels, reduction="sum")
        is_correct = (logits.argmax(dim=1) == batch.labels).float()
        correct.index_add_(0, batch.labels, is_correct)
        count.index_add_(0, batch.labels, torch.ones_like(is_correct))
    held_out.gather()
    sums = accelerator.reduce(torch.stack((correct, count)), "sum").long().tolist()
    loss = float(accelerator.reduce(loss_sum, "sum")) / max(sum(sums[1]), 1)
    return Evaluation(loss, *sums)
