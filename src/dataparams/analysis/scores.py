"""Scores of samples from what training recorded of them: pure functions of (epochs, n) arrays.

Each looks at one quantity over the epochs and gives one value per sample. None needs a run folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Recorded = NDArray[np.floating]


def final_temperature(log_temperature: Recorded) -> Floats:
    """The temperature after the last epoch, (n,); high where the label is in doubt.

    Saxena, Tuzel, DeCoste, "Data Parameters", NeurIPS 2019, section 4.3.
    """
    temperature: Floats = np.exp(log_temperature[-1].astype(np.float64))
    return temperature


def displacement_margins(last: Recorded, initial: float = 0.0) -> Floats:
    """Stand-ins for the margins of labels where nothing but temperatures is known, (n,).

    A log temperature is, up to scale, minus an area under the expected margin: so minus its
    displacement ranks like a margin. Its unit is chosen such that half of the samples whose
    temperature fell have 3 or more.

    Args:
        last: Log temperatures after the last epoch, (n,).
        initial: Log temperature at the start.

    Example:
        >>> displacement_margins(np.array([-0.5, -1.0, -1.5, 1.0])).tolist()
        [1.5, 3.0, 4.5, -3.0]
    """
    fallen = initial - last.astype(np.float64)
    falling = fallen[fallen > 0]
    scale = float(np.median(falling if len(falling) else np.abs(fallen)))
    return fallen * (3 / scale if scale else 0.0)


def mean_temperature(log_temperature: Recorded) -> Floats:
    """The geometric mean of the temperature over the epochs, (n,).

    Like :func:`final_temperature`, but a sample that was doubted for long and learned at last keeps
    a high value.

    Example:
        >>> mean_temperature(np.log([[1.0], [4.0]])).round(6).tolist()
        [2.0]
    """
    temperature: Floats = np.exp(log_temperature.mean(axis=0, dtype=np.float64))
    return temperature


def area_under_margin(margin: Recorded) -> Floats:
    """The mean over the epochs of the given label's logit minus the highest other, (n,); low: bad.

    Pleiss, Zhang, Elenberg, Weinberger, "Identifying Mislabeled Data using the Area Under the
    Margin Ranking", NeurIPS 2020, equation 2.
    """
    area: Floats = margin.mean(axis=0, dtype=np.float64)
    return area


def mean_loss(loss: Recorded) -> Floats:
    """The mean cross-entropy over the epochs, (n,).

    The small-loss criterion, averaged: Arazo et al., "Unsupervised Label Noise Modeling and Loss
    Correction", ICML 2019, section 3.
    """
    mean: Floats = loss.mean(axis=0, dtype=np.float64)
    return mean


def last_loss(loss: Recorded) -> Floats:
    """The cross-entropy in the last epoch, (n,)."""
    last: Floats = loss[-1].astype(np.float64)
    return last


def confidence(loss: Recorded) -> Floats:
    """The mean probability of the given label over the epochs, (n,), 0 ... 1.

    Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Example:
        >>> confidence(-np.log([[0.25], [0.75]])).tolist()
        [0.5]
    """
    mean: Floats = np.exp(-loss.astype(np.float64)).mean(axis=0)
    return mean


def variability(loss: Recorded) -> Floats:
    """The standard deviation of the given label's probability over the epochs, (n,), 0 ... 0.5.

    Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.
    """
    spread: Floats = np.exp(-loss.astype(np.float64)).std(axis=0)
    return spread


def forgetting_events(correct: NDArray[np.bool_]) -> NDArray[np.int32]:
    """How often a sample went from right to wrong between two epochs, (n,).

    Toneva et al., "An Empirical Study of Example Forgetting", ICLR 2019, section 3.

    Example:
        >>> forgetting_events(np.array([[True], [False], [True], [False]])).tolist()
        [2]
    """
    events: NDArray[np.int32] = (correct[:-1] & ~correct[1:]).sum(axis=0).astype(np.int32)
    return events


def first_learned_epoch(
    correct: NDArray[np.bool_], epochs: NDArray[np.integer]
) -> NDArray[np.int32]:
    """The first epoch in which the prediction was the given label, (n,); 0 where it never was.

    The learning time of Baldock, Maennel, Neyshabur, "Deep Learning Through the Lens of Example
    Difficulty", NeurIPS 2021, in its simplest form.

    Args:
        correct: (epochs, n).
        epochs: The epochs' numbers, (epochs,), from 1.

    Example:
        >>> correct = np.array([[False, False], [True, False]])
        >>> first_learned_epoch(correct, np.array([1, 2])).tolist()
        [2, 0]
    """
    first = epochs[correct.argmax(axis=0)]
    return np.where(correct.any(axis=0), first, 0).astype(np.int32)


def error_norm(norms: Recorded) -> Floats:
    """The mean over the epochs of the error vector's Euclidean norm, (n,), 0 ... sqrt(2).

    EL2N of Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, definition 2.3,
    averaged over the epochs of one run instead of over several runs.
    """
    mean: Floats = norms.mean(axis=0, dtype=np.float64)
    return mean


def mean_probability_margin(
    probabilities: Recorded, labels: NDArray[np.integer]
) -> NDArray[np.floating]:
    """The margin of the mean probabilities, (n,), -1 ... 1; low: bad.

    The probabilities of each class are averaged first, over the epochs, and compared then, which
    arXiv 2510.16211 found best of many scores.

    Args:
        probabilities: Mean class probabilities, (n, C), C at least 2.
        labels: Given labels, (n,).

    Example:
        >>> mean_probability_margin(np.array([[0.75, 0.25]]), np.array([1])).tolist()
        [-0.5]
    """
    of_label, of_rival = label_and_rival(probabilities, labels)
    margin: NDArray[np.floating] = of_label - of_rival
    return margin


def label_and_rival(
    probabilities: Recorded, labels: NDArray[np.integer]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The probability of the given label and the highest other one, (n,) each.

    Args:
        probabilities: (n, C), 0 ... 1.
        labels: (n,).

    Example:
        >>> label_and_rival(np.array([[0.25, 0.75]]), np.array([0]))
        (array([0.25]), array([0.75]))
    """
    if not probabilities.flags.writeable:
        probabilities = probabilities.copy()
    rows = np.arange(len(labels))
    of_label = probabilities[rows, labels]
    # Taken out and put back: a copy of a million rows would cost more than the maximum.
    probabilities[rows, labels] = -1
    of_rival = probabilities.max(axis=1)
    probabilities[rows, labels] = of_label
    return of_label, of_rival
