"""The noise estimate of a training, from what it recorded of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.cautions import ClassAccuracies, class_accuracies
from dataparams.analysis.class_probabilities import recorded_probabilities, telling_epochs
from dataparams.analysis.class_standing import ClassStanding, class_standing
from dataparams.analysis.noise_rate import (
    NoiseEstimate,
    label_margins,
    noise_of_margins,
    of_weak_model,
)
from dataparams.analysis.scores import displacement_margins
from dataparams.analysis.trajectories import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.trajectories import Trajectories, TrajectorySource
    from dataparams.analysis.validation import ValidationCounts

_MOST_SAMPLES = 100_000
_CELLS_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class RecordedNoise:
    """What the records of a training tell about its labels as a whole.

    Attributes:
        estimate: The share of wrong labels.
        standing: Which classes can be judged.
        epochs: Positions of the epochs that tell right labels from wrong ones; None where only
            temperatures are known.
        accuracies: How often the model was right in these epochs, on validation samples or, where
            they are too few, on the samples themselves; None where only temperatures are known.
        disputed: Of heads that never saw the samples: the share of labels for which they find
            another class likelier; None of a training.
    """

    estimate: NoiseEstimate
    standing: ClassStanding
    epochs: NDArray[np.intp] | None
    accuracies: ClassAccuracies | None
    disputed: float | None = None


def recorded_noise(
    source: TrajectorySource,
    labels: NDArray[np.int64],
    num_classes: int,
    *,
    initial: float = 0.0,
    accuracy: NDArray[np.floating] | None,
    validation: ValidationCounts | None = None,
) -> RecordedNoise:
    """Estimate the share of wrong labels from the two halves of the epochs that tell.

    Of more than 100,000 samples, as many spread evenly stand for all. Where the model is right no
    more often than by chance, no class was learned, and there is no estimate.

    Args:
        source: The trajectories of n samples.
        labels: Given labels, (n,).
        num_classes: C.
        initial: Log temperature at the start; of use where nothing but temperatures is known.
        accuracy: Share of given labels that were predicted in each epoch, (epochs,); None where
            only temperatures are known.
        validation: What the model said of validation samples, where there are any.
    """
    by_size = class_standing(labels, None, num_classes)
    rows = np.arange(0, len(labels), max(len(labels) // _MOST_SAMPLES, 1))
    if accuracy is None or num_classes < 2 or not _has_classes(source.part(rows[:1])):
        estimate = _by_temperature(source, labels, by_size, initial)
        return RecordedNoise(estimate, by_size, None, None)
    drawn = labels[rows]
    first, _ = _margins(source, labels, num_classes, rows, early_epochs(len(source.epochs)))
    early = noise_of_margins(first[by_size.is_judged[drawn]])
    epochs = telling_epochs(
        accuracy, early.rate, None if validation is None else validation.accuracies()
    )
    found = [_margins(source, labels, num_classes, rows, half) for half in halves(epochs)]
    predicted = found[-1][1]
    accuracies = class_accuracies(drawn, predicted, num_classes, "training")
    if validation is not None:
        of_validation = validation.of_classes(epochs[len(epochs) // 2 :])
        accuracies = of_validation if of_validation.can_tell() else accuracies
    is_unlearned = class_standing(drawn, predicted, num_classes).is_unlearned
    if accuracies.is_by_chance():
        is_unlearned = np.ones(num_classes, dtype=bool)
    standing = ClassStanding(by_size.is_too_small, is_unlearned & ~by_size.is_too_small)
    is_judged = standing.is_judged[drawn]
    estimate = noise_of_margins(*(margins[is_judged] for margins, _ in found))
    if estimate.is_known and accuracies.is_weak():
        disagreement = float((predicted != drawn).mean())
        estimate = of_weak_model(estimate, disagreement, accuracies.share_wrong)
    return RecordedNoise(estimate, standing, epochs, accuracies)


def early_epochs(count: int) -> NDArray[np.intp]:
    """Positions from a fifth to half of the epochs: learned already, not yet memorized."""
    return np.arange(count // 5, max(count // 2, count // 5 + 1))


def halves(epochs: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Epochs in two halves; twice the same one where there is one alone."""
    middle = len(epochs) // 2
    return [epochs[: max(middle, 1)], epochs[middle:]]


def _has_classes(records: Trajectories) -> bool:
    return records.loss is not None and records.margin is not None and records.rival is not None


def _margins(
    source: TrajectorySource,
    labels: NDArray[np.int64],
    num_classes: int,
    rows: NDArray[np.intp],
    epochs: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Margins and likeliest classes of some samples by the mean of some epochs."""
    margins, predicted = [], []
    size = max(256, _CELLS_AT_ONCE // num_classes)
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        probabilities = recorded_probabilities(
            source.part(piece, epochs), labels[piece], num_classes
        )
        assert probabilities is not None  # noqa: S101 - asked before
        margins.append(label_margins(probabilities, labels[piece]))
        predicted.append(probabilities.argmax(axis=1))
    return np.concatenate(margins), np.concatenate(predicted)


def _by_temperature(
    source: TrajectorySource,
    labels: NDArray[np.int64],
    standing: ClassStanding,
    initial: float,
) -> NoiseEstimate:
    last = np.concatenate([source.of(rows)[-1] for rows in parts(len(labels))])
    margins = displacement_margins(last, initial)
    return noise_of_margins(margins[standing.is_judged[labels]])
