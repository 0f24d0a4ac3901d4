"""Learning rates: the model's over the steps, and the one of the instance parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dataparams.method.number_checks import require_at_least_one, require_momentum

if TYPE_CHECKING:
    from dataparams.training.config import TrainConfig

_RATE_PER_SAMPLE = 1.67
_WARM_UP = 0.1


def instance_learning_rate(epochs: int, batch_size: int, momentum: float = 0.9) -> float:
    """Choose the learning rate of the instance parameters from the length of the training.

    An instance takes part once per epoch with a gradient that the mean over the batch divides by
    its size. Under a constant gradient g per sample, SGD with momentum displaces its log
    temperature in E epochs by ``rate * g / batch_size * A(E)`` with

        A(E) = (E - momentum * (1 - momentum^E) / (1 - momentum)) / (1 - momentum).

    The rule keeps ``rate * A(E) / batch_size`` the same for every run, so that temperatures end at
    the same spread: far enough to reshape the loss, short of the clamp.

    Args:
        epochs: Number of epochs, 1 or above.
        batch_size: The global batch, 1 or above: the samples of one step of the optimizer, over all
            processes and all accumulated micro-batches. Four processes that accumulate two
            micro-batches of 32 have a batch of 4 * 2 * 32 = 256.
        momentum: Momentum of the data parameters, in [0, 1).

    Returns:
        The learning rate.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> round(instance_learning_rate(epochs=30, batch_size=128), 2)
        1.0
        >>> round(instance_learning_rate(epochs=120, batch_size=128), 2)
        0.19
    """
    require_at_least_one(epochs=epochs, batch_size=batch_size)
    require_momentum(momentum)
    decayed = momentum * (1 - momentum**epochs) / (1 - momentum)
    displacement = (epochs - decayed) / (1 - momentum)
    return _RATE_PER_SAMPLE * batch_size / displacement


def learning_rate_factor(config: TrainConfig, progress: float) -> float:
    """The share of the highest learning rate at a point of the training.

    Args:
        config: Of which ``schedule``, ``milestones``, ``lr_drop_epoch_step`` and ``epochs`` are
            used.
        progress: Epochs done so far, with fractions, 0 ... ``config.epochs``.

    Returns:
        A factor, 0 ... 1.

    Example:
        >>> from dataparams.training.config import RECIPES
        >>> [round(learning_rate_factor(RECIPES["cifar"], epoch), 3) for epoch in (0, 80, 110)]
        [1.0, 0.1, 0.01]
        >>> [round(learning_rate_factor(RECIPES["imagenet"], epoch), 3) for epoch in (29.9, 30, 90)]
        [1.0, 0.1, 0.001]
    """
    if config.lr_drop_epoch_step is not None:
        return float(0.1 ** (progress // config.lr_drop_epoch_step))
    if config.schedule == "steps":
        return float(0.1 ** sum(progress >= milestone for milestone in config.milestones))
    warm_up = _WARM_UP * config.epochs
    if progress < warm_up:
        return max(progress / warm_up, 0.02)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (config.epochs - warm_up)))
