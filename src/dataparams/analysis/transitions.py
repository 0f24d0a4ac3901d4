"""How labels of one class came to be given as another: the noise-transition matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_STRUCTURE_OF_CHANCE = 0.05
_STRUCTURE_FOR_SURE = 0.25
_ONE_WAY_OF_MUTUAL = 0.3
_ONE_WAY_FOR_SURE = 0.5
_LEAST_UNCERTAINTY = 0.01
_LEAST_CONTRAST = 0.05


@dataclass(frozen=True, eq=False)
class Transitions:
    """The estimated noise-transition matrix.

    Attributes:
        matrix: Probability that a sample of class c (row) is given label k (column), (C, C).
        structure: How far wrong labels keep to few classes: 0, they are spread as by chance; 1,
            they clearly are not (cats given as dogs).
        asymmetry: How far that goes one way only: 0, cats are given as dogs as often as dogs as
            cats, as where the model or the labelers confuse the two; 1, half of it or more does.
        uncertainty: How much probability the model leaves, on the average and with the noise taken
            out, to other classes than the likeliest, 0 ... 1.
    """

    matrix: NDArray[np.float64]
    structure: float
    asymmetry: float
    uncertainty: float


def estimate_transitions(
    likeliest: NDArray[np.integer],
    labels: NDArray[np.integer],
    num_classes: int,
    highest: NDArray[np.floating] | None = None,
) -> Transitions:
    """Estimate the matrix from the model's likeliest classes and the given labels.

    Counting how often a likeliest class meets a given label is the idea of the confident joint
    (Northcutt, Jiang, Chuang, "Confident Learning", JAIR 2021, section 3.1). Counts of a class's
    wrong labels that differ no more than chance has them are evened out: the matrix then has two
    values, one on the diagonal and one beside it.

    Args:
        likeliest: The model's likeliest class of each sample, (n,).
        labels: Given labels, (n,).
        num_classes: C, 2 or above.
        highest: The model's probability of the likeliest class of each, (n,); None where it is
            certain.

    Example:
        >>> likeliest = np.repeat([0, 1, 2], 100)
        >>> labels = likeliest.copy()
        >>> labels[:30] = 1
        >>> labels[100:130] = 2
        >>> transitions = estimate_transitions(likeliest, labels, 3)
        >>> transitions.structure, transitions.matrix[0, 1].round(1).item()
        (1.0, 0.3)
    """
    cells = np.bincount(likeliest * num_classes + labels, minlength=num_classes**2)
    counts = cells.astype(np.float64).reshape(num_classes, num_classes)
    structure = _structure(counts)
    counted = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    kept = (np.trace(counts) + num_classes) / (counts.sum() + num_classes**2)
    even = np.full_like(counted, (1 - kept) / max(num_classes - 1, 1))
    np.fill_diagonal(even, kept)
    matrix = (1 - structure) * even + structure * counted
    uncertainty = 0.0
    if highest is not None:
        certainty = (highest - even[0, 1]) / max(kept - even[0, 1], _LEAST_CONTRAST)
        uncertainty = 1 - float(np.clip(certainty, 0, 1).mean())
    return Transitions(matrix, structure, _asymmetry(counts), uncertainty)


def _structure(counts: NDArray[np.float64]) -> float:
    """How much less entropy the wrong labels have than evenly spread ones would."""
    num_classes = len(counts)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    per_class = wrong.sum(axis=1)
    if num_classes < 3 or not per_class.sum():
        return 0.0
    shares = wrong / np.maximum(per_class, 1)[:, None]
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
    # Few counts look less even than they are (Miller, 1955): that much is chance.
    by_chance = (num_classes - 2) / (2 * np.maximum(per_class, 1))
    lacking = np.maximum(math.log(num_classes - 1) - entropy - by_chance, 0)
    structure = float(lacking @ per_class / per_class.sum() / math.log(num_classes - 1))
    span = _STRUCTURE_FOR_SURE - _STRUCTURE_OF_CHANCE
    return min(max((structure - _STRUCTURE_OF_CHANCE) / span, 0.0), 1.0)


def _asymmetry(counts: NDArray[np.float64]) -> float:
    """How much of the wrong labels remains when cats as dogs and dogs as cats cancel out.

    Even of mutual confusion a part remains, since one of two classes is often confused more.
    """
    wrong = counts.sum() - np.trace(counts)
    one_way = float(np.abs(counts - counts.T).sum() / (2 * wrong)) if wrong else 0.0
    span = _ONE_WAY_FOR_SURE - _ONE_WAY_OF_MUTUAL
    return min(max((one_way - _ONE_WAY_OF_MUTUAL) / span, 0.0), 1.0)


def true_class_probabilities(
    probabilities: NDArray[np.float32], transitions: Transitions
) -> NDArray[np.float32]:
    """How likely each class is to be the true one, whatever label a sample was given.

    A model trained on noisy labels predicts noisy labels, q = p T; so p is q T^-1 (Patrini et al.,
    "Making Deep Neural Networks Robust to Label Noise", CVPR 2017, section 4.1), bent to stay
    positive.

    Args:
        probabilities: What the model predicts, (n, C).
        transitions: The matrix T.

    Returns:
        (n, C); rows sum to 1.
    """
    if transitions.structure > 0:
        true = probabilities @ np.linalg.pinv(transitions.matrix).astype(np.float32)
    else:
        kept, beside = transitions.matrix[0, 0], transitions.matrix[0, 1]
        contrast = np.float32(max(kept - beside, _LEAST_CONTRAST))
        true = (probabilities - np.float32(beside)) / contrast
    # All classes that are ruled out keep together what the model is uncertain of.
    sharpness = true.shape[1] * math.log(2) / max(transitions.uncertainty, _LEAST_UNCERTAINTY)
    # PyTorch's softplus takes a tenth of the time of NumPy's logaddexp.
    positive = functional.softplus(torch.from_numpy(true).mul_(sharpness))
    shares: NDArray[np.float32] = functional.normalize(positive, p=1, dim=1).numpy()
    return shares


def true_class_posterior(
    true: NDArray[np.float32], labels: NDArray[np.integer], transitions: Transitions
) -> NDArray[np.float32]:
    """How likely each class is to be the true one, given the label too: Bayes' rule.

    Args:
        true: From :func:`true_class_probabilities`, (n, C).
        labels: Given labels, (n,).
        transitions: The matrix, whose column says how likely each class is given that label.

    Returns:
        (n, C); rows sum to 1.
    """
    posterior: NDArray[np.float32] = transitions.matrix.T.astype(np.float32)[labels]
    posterior *= true
    posterior /= posterior.sum(axis=1, keepdims=True)
    return posterior
