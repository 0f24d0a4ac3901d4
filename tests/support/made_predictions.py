"""Predictions and features of samples some of whose labels are wrong, and known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MadePredictions:
    """n samples around the centers of C classes.

    Attributes:
        features: (n, d).
        pred_probs: As of a model that did not learn from the sample, (n, C).
        truth: True classes, (n,).
        labels: Given ones, (n,).
    """

    features: NDArray[np.float64]
    pred_probs: NDArray[np.float64]
    truth: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """Whether a label is wrong, (n,)."""
        is_wrong: NDArray[np.bool_] = self.labels != self.truth
        return is_wrong

    def of(self, rows: NDArray[np.integer]) -> MadePredictions:
        """Some of the samples, in that order."""
        return replace(self, **{name: values[rows] for name, values in vars(self).items()})


def made_predictions(
    count: int = 400, classes: int = 4, wrong: float = 0.15, seed: int = 0, sureness: float = 3.0
) -> MadePredictions:
    """Samples whose model confuses few classes, and leans to their labels a little."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    features = 3.0 * np.eye(classes, 8)[truth] + rng.normal(0, 0.7, (count, 8))
    logits = sureness * (np.eye(classes)[truth] + rng.normal(0, 0.3, (count, classes)))
    pred_probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = truth.copy()
    rows = rng.choice(count, round(wrong * count), replace=False)
    labels[rows] = (truth[rows] + rng.integers(1, classes, len(rows))) % classes
    return MadePredictions(features, pred_probs, truth, labels)
