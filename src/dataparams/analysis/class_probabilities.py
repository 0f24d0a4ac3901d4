"""How likely each class is for each sample, from what training recorded and from the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.trajectories import Trajectories

    Floats32 = NDArray[np.float32]

_LOST = 0.1
_MOST_EPOCHS = 40


def telling_epochs(
    accuracy: NDArray[np.floating],
    noise_rate: float,
    validation: NDArray[np.floating] | None = None,
) -> NDArray[np.intp]:
    """The epochs whose predictions tell right labels from wrong ones.

    In the first fifth of its epochs a model still finds its way. And once it agrees with more
    labels than can be right, or does worse and worse on samples that it was not trained on, it has
    begun to memorize wrong ones: the epochs before that count. Of more than 40, as many
    spread evenly stand for all.

    Args:
        accuracy: Share of given labels that were predicted in each epoch, (epochs,), 0 ... 1.
        noise_rate: Estimated share of wrong labels.
        validation: Accuracy on samples that were not trained on, (epochs,), where it is known.

    Returns:
        Positions of the epochs, ascending, at least one.

    Example:
        >>> telling_epochs(np.array([0.2, 0.3, 0.4, 0.5, 0.6]), 0.4).tolist()
        [1, 2, 3, 4]
        >>> telling_epochs(np.array([0.2, 0.5, 0.6, 0.9, 1.0]), 0.4).tolist()
        [1, 2]
    """
    start = len(accuracy) // 5
    by_heart = np.flatnonzero(accuracy > 1 - noise_rate / 2)
    end = int(by_heart[0]) if len(by_heart) else len(accuracy)
    if validation is not None and len(validation) == len(accuracy):
        end = min(end, _end_of_generalizing(validation))
    count = max(end, start + 1) - start
    spread: NDArray[np.intp] = np.linspace(0, count - 1, min(count, _MOST_EPOCHS)).astype(np.intp)
    return start + spread


def _end_of_generalizing(validation: NDArray[np.floating]) -> int:
    """The epoch after the one of the highest accuracy, where much of it was lost since."""
    peak = int(validation.argmax())
    last = validation[-max(len(validation) // 10, 1) :].mean()
    return peak + 1 if last < validation[peak] - _LOST else len(validation)


def recorded_probabilities(
    trajectories: Trajectories,
    labels: NDArray[np.integer],
    num_classes: int,
) -> Floats32 | None:
    """The mean class probabilities over epochs.

    Training records the probabilities of two classes per epoch: the given label's, exp(-loss), and
    its strongest rival's, exp(-loss - margin). What is left is spread evenly over the others.

    Args:
        trajectories: Records of n samples, in the epochs that tell (:func:`telling_epochs`).
        labels: Given labels, (n,).
        num_classes: C, 2 or above.

    Returns:
        (n, C), rows sum to 1; None where loss, margin or rival were not recorded.

    Example:
        >>> from dataparams.analysis.trajectories import Trajectories
        >>> half = np.full((1, 1), np.log(2), np.float32)
        >>> records = Trajectories(
        ...     np.zeros((1, 1), np.float32), margin=half * 0, loss=half, rival=np.array([[2]]))
        >>> recorded_probabilities(records, np.array([0]), 3).round(3).tolist()
        [[0.5, 0.0, 0.5]]
    """
    if trajectories.loss is None or trajectories.margin is None or trajectories.rival is None:
        return None
    of_label = np.exp(-trajectories.loss)
    of_rival = np.exp(-(trajectories.loss + trajectories.margin))
    counted, count = of_label.shape
    rest = np.maximum(1 - of_label - of_rival, 0) / max(num_classes - 2, 1)
    cells = trajectories.rival.astype(np.int64) + np.arange(count) * num_classes
    size = count * num_classes
    probabilities = np.bincount(cells.ravel(), (of_rival - rest).ravel(), size).astype(np.float32)
    probabilities = probabilities.reshape(count, num_classes) + rest.sum(axis=0)[:, None]
    probabilities[np.arange(count), labels] += (of_label - rest).sum(axis=0)
    probabilities /= counted
    narrow: Floats32 = probabilities.astype(np.float32)
    return narrow


def neighbor_probabilities(
    features: Floats32, probabilities: Floats32, neighbors: int = 30, most: int = 20_000
) -> Floats32:
    """The mean class probabilities of the samples that look most alike to the model.

    Args:
        features: What the model makes of each sample, (n, d).
        probabilities: Class probabilities of each, (n, C).
        neighbors: How many to average over.
        most: Among how many samples, drawn at random, they are looked for.

    Returns:
        (n, C).
    """
    import torch

    count = len(features)
    drawn = np.arange(count)
    if count > most:
        drawn = np.sort(np.random.default_rng(0).choice(count, most, replace=False))
    centered = torch.from_numpy(features - features.mean(axis=0))
    directions = torch.nn.functional.normalize(centered, dim=1)
    among, their = directions[drawn], torch.from_numpy(probabilities[drawn])
    position = torch.full((count,), -1, dtype=torch.int64)
    position[drawn] = torch.arange(len(drawn))
    wanted = min(neighbors, len(drawn) - 1)
    if wanted < 1:
        return probabilities
    means = []
    for rows in torch.split(torch.arange(count), 2048):
        alike = directions[rows] @ among.T
        itself = position[rows]
        is_drawn = itself >= 0
        alike[is_drawn.nonzero().squeeze(1), itself[is_drawn]] = -torch.inf
        means.append(their[alike.topk(wanted, dim=1).indices].mean(dim=1))
    averaged: Floats32 = torch.cat(means).numpy()
    return averaged
