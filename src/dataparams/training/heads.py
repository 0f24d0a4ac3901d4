"""Heads on ready features, trained with data parameters: many of them in one product.

Each head leaves some samples out, so that it can be asked about them afterwards. A batch goes
through all heads at once, (batch, heads, classes); a mask says which head learns from which sample.
Temperatures are learned per sample and head by the rules of the method (Saxena et al. 2019, section
3; see :mod:`dataparams.method.data_parameters`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataparams.method.data_parameters import CLAMP
from dataparams.training.head_networks import head_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.training.head_networks import HeadNetworks

    OnBatch = Callable[[NDArray[np.int64], Tensor, Tensor], None]

_LOWEST, _HIGHEST = math.log(CLAMP[0]), math.log(CLAMP[1])
_WARM_UP = 0.3
_FIRST_RATE = 1 / 25


@dataclass(frozen=True)
class HeadSettings:
    """How heads are trained.

    Attributes:
        folds: In how many parts the samples are divided; a head learns from all but one.
        repeats: How often they are divided anew.
        epochs: Number of epochs of each head.
        batch_size: Samples per step.
        learning_rate: Highest one, in the middle of a cycle.
        momentum: Of the weights and of the log temperatures.
        weight_decay: Of the weights.
        pull: How far a log temperature moves over all epochs for a constant gradient of one; 0
            trains without data parameters.
        hidden: Units of a hidden layer; 0 for linear heads.
    """

    folds: int = 5
    repeats: int = 3
    epochs: int = 5
    batch_size: int = 256
    learning_rate: float = 0.3
    momentum: float = 0.9
    weight_decay: float = 5e-4
    pull: float = 5.0
    hidden: int = 0

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.folds * self.repeats

    def weights(self, width: int, num_classes: int) -> int:
        """Numbers that one head learns, about.

        Args:
            width: Numbers per sample.
            num_classes: C.
        """
        return self.hidden * (width + num_classes) if self.hidden else width * num_classes

    def at_most(self, heads: int, samples: int) -> HeadSettings:
        """The same with fewer repeats and folds, so that there are at most so many heads.

        Two folds stay in any case, and no more folds than samples.

        Args:
            heads: How many there may be.
            samples: How many samples there are.

        Example:
            >>> HeadSettings(folds=5, repeats=3).at_most(7, 1000).heads
            5
        """
        folds = max(min(self.folds, heads, samples), 2)
        return replace(self, folds=folds, repeats=max(min(self.repeats, heads // folds), 1))

    def instance_rate(self) -> float:
        """Learning rate of the log temperatures.

        A gradient g of a sample's loss that stays the same moves them by ``pull * g`` over all
        epochs: the batch mean gives g / B in each, and momentum m makes (1 - m^t) / (1 - m) of it
        in epoch t.
        """
        epochs = np.arange(1, self.epochs + 1)
        moved = float(((1 - self.momentum**epochs) / (1 - self.momentum)).sum())
        return float(self.pull * self.batch_size / moved)


@dataclass(frozen=True, eq=False)
class Heads:
    """Trained heads.

    Attributes:
        networks: What they compute.
        log_temperature: What each head made of each sample, (n, heads), float32; 0 where it did not
            see the sample.
    """

    networks: HeadNetworks
    log_temperature: Tensor


class ScaledFeatures:
    """Features as heads take them: centered, each sample scaled to one norm, with a 1 for the bias.

    Args:
        features: (n, d), of any float type; may be mapped from disk.
        norm: Euclidean norm of every sample; None leaves each as long as it is, where lengths say
            something, as in the rows of a table.

    Example:
        >>> scaled = ScaledFeatures(np.array([[3.0, 4.0], [-3.0, -4.0]], np.float16))
        >>> scaled.rows(np.array([1]))
        tensor([[-6., -8.,  1.]])
    """

    MOST_IN_MEMORY = 400_000_000
    _ROWS = 8192

    def __init__(self, features: NDArray[np.floating], norm: float | None = 10.0) -> None:
        self._features, self.norm = features, norm
        total = np.zeros(features.shape[1])
        for start in range(0, len(features), self._ROWS):
            total += features[start : start + self._ROWS].sum(axis=0, dtype=np.float64)
        self._mean = torch.from_numpy((total / max(len(features), 1)).astype(np.float32))
        self._whole: Tensor | None = None
        if features.size <= self.MOST_IN_MEMORY:
            self._whole = self._scaled(np.arange(len(features)))

    def __len__(self) -> int:
        return len(self._features)

    @property
    def width(self) -> int:
        """Numbers per sample, the one for the bias among them."""
        return int(self._features.shape[1]) + 1

    def rows(self, rows: NDArray[np.int64]) -> Tensor:
        """Some samples, (len(rows), width), float32."""
        return self._scaled(rows) if self._whole is None else self._whole[torch.from_numpy(rows)]

    def _scaled(self, rows: NDArray[np.int64]) -> Tensor:
        values = torch.from_numpy(self._features[rows]).float() - self._mean
        if self.norm is not None:
            values *= self.norm / values.norm(dim=1, keepdim=True).clamp_min_(1e-12)
        return torch.cat([values, torch.ones(len(rows), 1)], dim=1)


def assign_folds(
    labels: NDArray[np.int64], settings: HeadSettings, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Which fold each sample is in, (repeats, n), each class spread evenly over the folds."""
    folds = np.empty((settings.repeats, len(labels)), dtype=np.int64)
    for repeat in folds:
        order = rng.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]
        # One count over all classes, so that folds are equally large where classes are tiny.
        repeat[order] = (np.arange(len(labels)) + rng.integers(settings.folds)) % settings.folds
    return folds


def train_heads(
    features: ScaledFeatures,
    labels: NDArray[np.int64],
    num_classes: int,
    folds: NDArray[np.int64],
    settings: HeadSettings,
    rng: np.random.Generator,
    *,
    rows: NDArray[np.int64] | None = None,
    on_batch: OnBatch | None = None,
    on_epoch: Callable[[int, Tensor], None] | None = None,
) -> Heads:
    """Train one head per fold and repeat, each on the samples outside its fold.

    Args:
        features: Of n samples.
        labels: (n,), 0 ... num_classes - 1.
        num_classes: C.
        folds: (repeats, n), from :func:`assign_folds`.
        settings: How.
        rng: Draws the batches.
        rows: Those to train on; None for all.
        on_batch: Called with the rows of each batch, (B,), the logits of all heads, (B, H, C), and
            whether each head learns from each sample, (B, H).
        on_epoch: Called after each epoch with its number, from 1, and the log temperatures so far.
    """
    count, heads = len(labels), settings.heads
    rows = np.arange(count) if rows is None else rows
    targets = torch.from_numpy(labels)
    learns = _learns(folds, settings)
    networks = head_networks(settings, features.width, num_classes, rng)
    log_temperature, momentum = torch.zeros(count, heads), torch.zeros(count, heads)
    steps = settings.epochs * max(math.ceil(len(rows) / settings.batch_size), 1)
    rate_of_instances, step = settings.instance_rate(), 0
    for epoch in range(settings.epochs):
        order = rng.permutation(rows)
        for start in range(0, len(order), settings.batch_size):
            batch = order[start : start + settings.batch_size]
            index = torch.from_numpy(batch)
            inputs, active = features.rows(batch), learns[index]
            logits = networks.logits(inputs)
            if on_batch is not None:
                on_batch(batch, logits, active)
            gradient, of_log_temperature = _gradients(
                logits, targets[index], log_temperature[index], active
            )
            networks.learn(inputs, gradient, settings.learning_rate * one_cycle(step, steps))
            if settings.pull:
                _step_of_temperatures(
                    log_temperature, momentum, index,
                    of_log_temperature / settings.batch_size, active,
                    rate_of_instances, settings.momentum,
                )  # fmt: skip
            step += 1
        if on_epoch is not None:
            on_epoch(epoch + 1, log_temperature)
    return Heads(networks, log_temperature)


def one_cycle(step: int, steps: int) -> float:
    """The share of the highest rate at a step: up over three tenths of the steps, then to zero.

    Smith and Topin, "Super-convergence" (2019), with cosines, as PyTorch's ``OneCycleLR``.

    Example:
        >>> [round(one_cycle(step, 11), 2) for step in (0, 3, 10)]
        [0.04, 1.0, 0.0]
    """
    peak, last = _WARM_UP * (steps - 1), max(steps - 1, 1)
    if step <= peak:
        share = 1.0 if peak == 0 else step / peak
        return _FIRST_RATE + (1 - _FIRST_RATE) * (1 - math.cos(math.pi * share)) / 2
    return (1 + math.cos(math.pi * (step - peak) / (last - peak))) / 2


def held_out_probabilities(
    heads: Heads,
    features: ScaledFeatures,
    folds: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> Tensor:
    """Class probabilities of some samples by the heads that did not see them.

    Args:
        heads: The heads.
        features: Of n samples.
        folds: (repeats, n).
        rows: The samples wanted, (m,).

    Returns:
        (m, C), the mean over the repeats.
    """
    repeats, folds_of_each = len(folds), heads.log_temperature.shape[1] // len(folds)
    inputs = features.rows(rows)
    total = torch.zeros(len(rows), heads.networks.num_classes)
    for repeat in range(repeats):
        of_rows = folds[repeat, rows]
        for fold in range(folds_of_each):
            chosen = torch.from_numpy(np.flatnonzero(of_rows == fold))
            logits = heads.networks.logits_of(repeat * folds_of_each + fold, inputs[chosen])
            total[chosen] += logits.softmax(dim=1)
    return total / repeats


def _learns(folds: NDArray[np.int64], settings: HeadSettings) -> Tensor:
    """Whether each head learns from each sample, (n, heads)."""
    is_out = folds.T[:, :, None] == np.arange(settings.folds)
    return torch.from_numpy(~is_out.reshape(len(is_out), -1))


def _gradients(
    logits: Tensor, labels: Tensor, log_temperature: Tensor, active: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of each head's mean loss: by the logits (B, H, C); of each loss by s (B, H).

    With z' = z / sigma: dL/dz = (p - 1 at the label) / sigma, and dL/ds = z'_y - sum_j p_j z'_j.
    """
    inverse = (-log_temperature).exp()
    scaled = logits * inverse.unsqueeze(2)
    column = labels.view(-1, 1, 1).expand(-1, logits.shape[1], 1)
    probability = _softmax(scaled)
    of_log_temperature = scaled.gather(2, column).squeeze(2) - torch.linalg.vecdot(
        probability, scaled
    )
    weight = inverse * active / active.sum(dim=0).clamp_min(1)
    probability.scatter_add_(2, column, torch.full_like(column, -1, dtype=probability.dtype))
    return probability.mul_(weight.unsqueeze(2)), of_log_temperature


def _softmax(logits: Tensor) -> Tensor:
    """Over the classes of (B, H, C), in the order in which the numbers lie in memory.

    Of few classes that lie side by side it takes ten times as long as of the same class by class.
    """
    by_class = logits.permute(1, 2, 0)
    if by_class.is_contiguous():
        return by_class.softmax(dim=1).permute(2, 0, 1)
    return logits.softmax(dim=2)


def _step_of_temperatures(
    log_temperature: Tensor,
    momentum: Tensor,
    index: Tensor,
    gradient: Tensor,
    active: Tensor,
    rate: float,
    decay: float,
) -> None:
    """The sparse step of the method; what a head does not see keeps value and momentum."""
    before, carried = log_temperature[index], momentum[index]
    moved = carried * decay + gradient
    after = (before - rate * moved).clamp_(_LOWEST, _HIGHEST)
    momentum[index] = torch.where(active, moved, carried)
    log_temperature[index] = torch.where(active, after, before)
