"""What the model of a loop says of validation samples, collected until the epoch is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from dataparams.errors import ArgumentError
from dataparams.recording.agreement import gathered
from dataparams.run.held_out_recorder import HeldOutRecorder
from dataparams.run.sample_recorder import combined

if TYPE_CHECKING:
    from dataparams.recording.recorded_samples import RecordedSamples


class ValidationRecorder:
    """Keeps the outcome of each validation sample on the device.

    Args:
        samples: The samples of the loop.
        device: Where the logits are.

    Raises:
        ArgumentError: If there are no validation samples.
    """

    def __init__(self, samples: RecordedSamples, device: torch.device) -> None:
        if not len(samples.validation):
            raise ArgumentError(
                "`validate()` is called, but no `validation` labels were given to Recording; "
                "expected the class of each validation sample there."
            )
        self._samples = samples
        count = len(samples.validation)
        self._labels = torch.from_numpy(samples.validation).to(device)
        self._held_out = HeldOutRecorder(count, len(samples.class_names), device)
        # Whether it was seen, whether it was right, and its loss.
        self._values = torch.zeros(count, 3, device=device)
        self._is_other = torch.zeros((), dtype=torch.bool, device=device)

    @torch.no_grad()
    def record(self, logits: Tensor, labels: Tensor, index: Tensor) -> None:
        """Keep the outcome of a batch; the end of the epoch says where a label is another."""
        logits, labels, index = logits.detach().float(), labels.long(), index.long()
        self._held_out.record(logits, labels, index)
        loss = functional.cross_entropy(logits, labels, reduction="none")
        is_right = logits.argmax(dim=1) == labels
        seen = torch.ones_like(loss)
        self._values[index] = torch.stack((seen, is_right.float(), loss), dim=1)
        self._is_other |= (self._labels[index] != labels).any()

    def finish(self, epoch: int) -> ValidatedEpoch | None:
        """What all processes have of an epoch; None where nothing was recorded. Then start empty.

        All processes must call it.

        Raises:
            ArgumentError: If labels differ from those that were given at the start.
        """
        if any(gathered(bool(self._is_other))):
            raise ArgumentError(
                "`labels` of validation samples are not those that were given to Recording for "
                "their `index`; expected the same, and the index of each in that order."
            )
        self._held_out.gather()
        is_here = self._values[:, 0] > 0
        values = combined(is_here, self._values, is_here.unsqueeze(1).int())[0].cpu().clone()
        samples = self._samples
        index = range(len(samples.labels), len(samples.labels) + len(samples.validation))
        table = self._held_out.table(
            index, samples.validation_ids().to_list(), self._labels.cpu(), epoch=epoch
        )
        self._held_out.clear()
        self._values.zero_()
        is_seen = values[:, 0] > 0
        if not bool(is_seen.any()):
            return None
        labels = pl.Series(samples.validation).filter(pl.Series(is_seen.numpy()))
        right = pl.Series((values[is_seen, 1] > 0).numpy())
        loss = float(values[is_seen, 2].double().mean())
        return ValidatedEpoch(table, _counts(labels, right, len(samples.class_names), epoch), loss)


class ValidatedEpoch:
    """What was found of the validation samples in an epoch.

    Attributes:
        held_out: The rows of ``held_out.parquet``.
        counts: The rows of ``validation.parquet``.
        loss: Mean cross-entropy.
    """

    def __init__(self, held_out: pl.DataFrame, counts: pl.DataFrame, loss: float) -> None:
        self.held_out, self.counts, self.loss = held_out, counts, loss

    @property
    def accuracy(self) -> float:
        """The share that was right."""
        return float(self.counts["correct"].sum()) / float(self.counts["count"].sum())


def _counts(labels: pl.Series, right: pl.Series, num_classes: int, epoch: int) -> pl.DataFrame:
    found = (
        pl.DataFrame({"label": labels, "right": right})
        .group_by("label")
        .agg(count=pl.len().cast(pl.Int64), correct=pl.col("right").sum().cast(pl.Int64))
    )
    every = pl.select(label=pl.int_range(num_classes))
    joined = every.join(found, on="label", how="left", maintain_order="left").fill_null(0)
    return joined.select(pl.lit(epoch, pl.Int64).alias("epoch"), "label", "count", "correct")
