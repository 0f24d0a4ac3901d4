"""The optimizer of the model's weights, with rates that may differ from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from dataparams.training.config import OptimizerKind


def make_optimizer(
    model: nn.Module,
    kind: OptimizerKind = "sgd",
    *,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    layer_decay: float = 1.0,
) -> torch.optim.Optimizer:
    """Make the optimizer of a network.

    Args:
        model: The network.
        kind: Which optimizer. With ``adamw``, or with a ``layer_decay`` below 1, biases and
            normalizations have no weight decay.
        lr: Learning rate of the classifier.
        momentum: Momentum of ``sgd``.
        weight_decay: Weight decay.
        layer_decay: Each layer's learning rate as a share of that of the layer behind it; 1 for the
            same everywhere.

    Returns:
        The optimizer. Where layers have rates of their own, each of its groups has an ``lr_scale``:
        1 for the classifier, and ``layer_decay`` times that of the layer behind for each layer
        before it.

    Raises:
        ArgumentError: If layers are to have rates of their own in a network that does not tell
            them.

    Example:
        >>> import timm
        >>> model = timm.create_model("test_vit")
        >>> groups = make_optimizer(model, "adamw", lr=0.001, layer_decay=0.5).param_groups
        >>> sorted({group["lr_scale"] for group in groups})[-3:]
        [0.25, 0.5, 1.0]
    """
    if kind == "sgd" and layer_decay == 1:
        return torch.optim.SGD(model.parameters(), lr, momentum, weight_decay=weight_decay)
    from timm.optim import create_optimizer_v2

    if layer_decay < 1 and not hasattr(model, "group_matcher"):
        raise ArgumentError(
            f"`layer_decay` is {layer_decay}, but the network does not tell which layer comes "
            "before which; expected `layer_decay=1`, or a network of timm."
        )
    made: torch.optim.Optimizer = create_optimizer_v2(
        model,
        # What timm calls sgd has Nesterov's momentum.
        "momentum" if kind == "sgd" else kind,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        layer_decay=layer_decay if layer_decay < 1 else None,
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
