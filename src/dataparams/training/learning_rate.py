"""The schedule of the model's learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

_WARM_UP = 0.1
_LOWEST_WARM_UP = 0.02


def learning_rate_factor(
    progress: float,
    *,
    epochs: int,
    schedule: Literal["steps", "cosine"],
    milestones: Sequence[int] = (),
    lr_drop_epoch_step: int | None = None,
) -> float:
    """The share of the highest learning rate at a point of the training.

    Args:
        progress: Epochs done so far, with fractions, 0 ... ``epochs``.
        epochs: Number of epochs.
        schedule: ``"steps"``, or ``"cosine"`` after a linear warm-up over a tenth of the epochs.
        milestones: Epochs after each of which the rate drops to a tenth, where it goes in steps.
        lr_drop_epoch_step: Where given, the rate drops to a tenth every so many epochs instead.

    Returns:
        A factor, 0 ... 1.

    Example:
        >>> steps = {"epochs": 120, "schedule": "steps", "milestones": (80, 100, 160)}
        >>> [round(learning_rate_factor(epoch, **steps), 3) for epoch in (0, 80, 110)]
        [1.0, 0.1, 0.01]
        >>> drops = {"epochs": 100, "schedule": "steps", "lr_drop_epoch_step": 30}
        >>> [round(learning_rate_factor(epoch, **drops), 3) for epoch in (29.9, 30, 90)]
        [1.0, 0.1, 0.001]
    """
    if lr_drop_epoch_step is not None:
        return float(0.1 ** (progress // lr_drop_epoch_step))
    if schedule == "steps":
        return float(0.1 ** sum(progress >= milestone for milestone in milestones))
    warm_up = _WARM_UP * epochs
    if progress < warm_up:
        return max(progress / warm_up, _LOWEST_WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (epochs - warm_up)))
