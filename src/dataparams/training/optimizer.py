"""The optimizer of the model's weights, with rates that may differ from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dataparams.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from dataparams.training.config import TrainConfig


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Make the optimizer.

    Args:
        model: The network.
        config: Of which ``optimizer``, ``lr``, ``momentum``, ``wd`` and ``layer_decay`` are used.
            With ``adamw``, or with a decay below 1, biases and normalizations have no weight decay.

    Returns:
        The optimizer. Where layers have rates of their own, each of its groups has an ``lr_scale``:
        1 for the classifier, and ``layer_decay`` times that of the layer behind for each layer
        before it.

    Raises:
        UserError: If layers are to have rates of their own in a network that does not tell them.

    Example:
        >>> import timm
        >>> from dataparams.training.config import TrainConfig
        >>> config = TrainConfig(optimizer="adamw", lr=0.001, layer_decay=0.5)
        >>> groups = make_optimizer(timm.create_model("test_vit"), config).param_groups
        >>> sorted({group["lr_scale"] for group in groups})[-3:]
        [0.25, 0.5, 1.0]
    """
    is_plain = config.optimizer == "sgd" and config.layer_decay == 1
    if is_plain:
        return torch.optim.SGD(
            model.parameters(), config.lr, config.momentum, weight_decay=config.wd
        )
    from timm.optim import create_optimizer_v2

    if config.layer_decay < 1 and not hasattr(model, "group_matcher"):
        raise UserError(
            f"--layer-decay is {config.layer_decay}, but {config.arch} does not tell which layer "
            "comes before which; expected --layer-decay 1, or a network of timm."
        )
    made: torch.optim.Optimizer = create_optimizer_v2(
        model,
        # What timm calls sgd has Nesterov's momentum.
        "momentum" if config.optimizer == "sgd" else config.optimizer,
        lr=config.lr,
        weight_decay=config.wd,
        momentum=config.momentum,
        layer_decay=config.layer_decay if config.layer_decay < 1 else None,
    )
    return made


def set_learning_rate(groups: Iterable[dict[str, Any]], rate: float) -> None:
    """Set the learning rate of the classifier, and with it those of all layers.

    Args:
        groups: The groups of an optimizer, which are changed.
        rate: The rate of the classifier.
    """
    for group in groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)
