"""What a run folder records of every sample after each epoch, from predictions and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.run.epoch_metrics import train_metrics
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.sample_recorder import SampleRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.run.epoch_metrics import Metrics

    Rows = NDArray[np.int64]

_ROWS = 16_384
_LEAST = 1e-7
_RECORDED = ("margin", "loss", "error_norm", "rival", "predicted", "correct")


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Class probabilities, (m, C), of logits, (m, C); NaN where these are.

    Example:
        >>> softmax(np.array([[0.0, np.log(3)]])).round(2).tolist()
        [[0.25, 0.75]]
    """
    values = logits.astype(np.float64)
    weights: NDArray[np.float64] = np.exp(values - values.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def mean_probabilities(logits: NDArray[np.floating], rows: Rows) -> NDArray[np.float32]:
    """The mean over the epochs of the class probabilities of some samples, (m, C).

    Args:
        logits: (epochs, n, C); NaN in all of a row where nothing is known of a sample in an epoch.
        rows: Which of the n samples, (m,); each is known in an epoch or more.
    """
    mean = np.zeros((len(rows), logits.shape[2]), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        found = np.nanmean([softmax(epoch[part]) for epoch in logits], axis=0)
        mean[start : start + _ROWS] = found
    return mean


def prediction_record(
    epoch: int, probabilities: NDArray[np.floating], labels: Rows, rows: Rows, count: int
) -> EpochRecord:
    """What predictions say of some of n samples, as after an epoch; no temperature is learned.

    Args:
        epoch: Number of the epoch, 1 or above.
        probabilities: Of these samples, (m, C).
        labels: Of these, (m,).
        rows: Which of the n samples they are, (m,).
        count: n.
    """
    recorder = SampleRecorder(count, torch.device("cpu"), is_shared=False)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        logits = np.log(np.maximum(probabilities[part].astype(np.float64), _LEAST))
        recorder.record(
            torch.from_numpy(logits), torch.from_numpy(labels[part]), torch.from_numpy(rows[part])
        )
    return EpochRecord(
        epoch=epoch,
        class_log_temperature=torch.empty(0),
        instance_log_temperature=torch.empty(0),
        **vars(recorder.finish()),
    )


def filled_in(record: EpochRecord, other: EpochRecord) -> EpochRecord:
    """A record where samples that took no part are as in another; their temperature stays 1."""
    is_absent = record.predicted < 0
    if not bool(is_absent.any()):
        return record
    fields = dict(vars(record))
    for name in _RECORDED:
        fields[name] = torch.where(is_absent, getattr(other, name), fields[name])
    return EpochRecord(**fields)


def metrics_of(records: Sequence[EpochRecord]) -> list[Metrics]:
    """The rows of ``metrics.csv``; the labels that predictions agree with, by epoch."""
    return [
        {**train_metrics(record), "val_loss": None, "val_accuracy": None, "seconds": 0.0}
        for record in records
    ]
