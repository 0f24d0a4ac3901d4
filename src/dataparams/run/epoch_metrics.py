"""The figures of an epoch, as ``metrics.csv`` has them: a row of numbers by their names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataparams.run.error_detection import detection_figures

if TYPE_CHECKING:
    from torch import Tensor

    from dataparams.run.epoch_record import EpochRecord

Metrics = dict[str, "float | int | None"]
_AT_CLAMP = 1e-4


def train_metrics(record: EpochRecord) -> Metrics:
    """Summarize what an epoch recorded of the samples trained on: its number, loss, accuracy."""
    is_present = record.predicted >= 0
    return {
        "epoch": record.epoch,
        "train_loss": float(record.loss[is_present].mean()),
        "train_accuracy": float(record.correct[is_present].float().mean()),
    }


def parameter_metrics(
    log_temperature: Tensor, is_corrupted: Tensor | None, clamp: tuple[float, float] | None
) -> Metrics:
    """Summarize the instance parameters of the samples trained on.

    Args:
        log_temperature: (n,) log temperatures, on the CPU.
        is_corrupted: (n,) bool where the truth is known.
        clamp: Lowest and highest temperature, or None.

    Returns:
        Mean, lowest and highest temperature, the share at the clamp, and the detection figures.
    """
    temperature = log_temperature.exp()
    metrics: Metrics = {
        "inst_mean": float(temperature.mean()),
        "inst_lowest": float(temperature.min()),
        "inst_highest": float(temperature.max()),
        "inst_share_at_clamp": 0.0,
    }
    if clamp is not None:
        low, high = (math.log(limit) for limit in clamp)
        at_clamp = (log_temperature < low + _AT_CLAMP) | (log_temperature > high - _AT_CLAMP)
        metrics["inst_share_at_clamp"] = float(at_clamp.float().mean())
    if is_corrupted is not None:
        figures = detection_figures(log_temperature.numpy(), is_corrupted.numpy())
        metrics["auroc"] = figures.auroc if figures else None
        metrics["recall_at_noise_rate"] = figures.recall_at_noise_rate if figures else None
    return metrics
