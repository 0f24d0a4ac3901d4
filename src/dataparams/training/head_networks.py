"""What heads compute: a product with the features, or one hidden layer; all heads at once.

Both give the logits of a batch from all heads, and learn from the gradient of these. A linear head
learns by stochastic gradient descent with momentum, one with a hidden layer by AdamW (Loshchilov
and Hutter, "Decoupled weight decay regularization", 2019).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np

    from dataparams.training.heads import HeadSettings

_DECAY_OF_SQUARES = 0.99
_LEAST_SQUARE = 1e-8


class HeadNetworks(Protocol):
    """The networks of H heads, for features of one width and C classes."""

    @property
    def num_classes(self) -> int:
        """C."""

    def logits(self, inputs: Tensor) -> Tensor:
        """What all heads say of a batch, (B, H, C); remembered for :meth:`learn`.

        Args:
            inputs: (B, width), the last number of each sample a 1.
        """

    def learn(self, inputs: Tensor, gradient: Tensor, rate: float) -> None:
        """Make a step.

        Args:
            inputs: Those that :meth:`logits` was called with.
            gradient: Of the sum of all heads' losses by these logits, (B, H, C).
            rate: Learning rate.
        """

    def logits_of(self, head: int, inputs: Tensor) -> Tensor:
        """What one head says of some samples, (m, C)."""


def head_networks(
    settings: HeadSettings, width: int, num_classes: int, rng: np.random.Generator
) -> HeadNetworks:
    """Networks that have learned nothing yet.

    Args:
        settings: How many heads, how wide their hidden layer is, and how they learn.
        width: Numbers per sample, the 1 for the bias among them.
        num_classes: C.
        rng: Draws the first weights of a hidden layer; a linear head begins with zeros.
    """
    if settings.hidden:
        return PerceptronNetworks(settings, width, num_classes, rng)
    return LinearNetworks(settings, width, num_classes)


class LinearNetworks:
    """Linear heads: logistic regressions.

    Attributes:
        weights: (width, heads, classes), float32; the last row is the bias.
    """

    def __init__(self, settings: HeadSettings, width: int, num_classes: int) -> None:
        self._shape = settings.heads, num_classes
        self._momentum, self._weight_decay = settings.momentum, settings.weight_decay
        self._weights = torch.zeros(width, settings.heads * num_classes)
        self._velocity = torch.zeros_like(self._weights)

    @property
    def num_classes(self) -> int:  # noqa: D102 - see the protocol
        return self._shape[1]

    @property
    def weights(self) -> Tensor:  # noqa: D102 - see the class
        return self._weights.view(-1, *self._shape)

    def logits(self, inputs: Tensor) -> Tensor:  # noqa: D102 - see the protocol
        return (inputs @ self._weights).view(-1, *self._shape)

    def learn(self, inputs: Tensor, gradient: Tensor, rate: float) -> None:  # noqa: D102
        of_weights = inputs.T @ gradient.view(len(inputs), -1)
        of_weights.add_(self._weights, alpha=self._weight_decay)
        self._velocity.mul_(self._momentum).add_(of_weights)
        self._weights.sub_(self._velocity, alpha=rate)

    def logits_of(self, head: int, inputs: Tensor) -> Tensor:  # noqa: D102
        return inputs @ self.weights[:, head]


class PerceptronNetworks:
    """Heads with one hidden layer of rectified linear units.

    Numbers lie in memory as products of few classes are fastest: head by head, and of each head
    class by class.

    Attributes:
        hidden: Weights from the features, (heads, width, units), float32; the last row is the bias.
        weights: Weights from the units, (heads, classes, units), float32.
        bias: (heads, classes, 1), float32.
    """

    def __init__(
        self, settings: HeadSettings, width: int, num_classes: int, rng: np.random.Generator
    ) -> None:
        heads, units = settings.heads, settings.hidden
        # He et al., "Delving deep into rectifiers" (2015); logits begin at zero.
        drawn = rng.normal(0, math.sqrt(2 / max(width - 1, 1)), (width, heads, units))
        drawn[-1] = 0
        self.hidden = torch.from_numpy(drawn.astype("float32")).transpose(0, 1).contiguous()
        self.weights = torch.zeros(heads, num_classes, units)
        self.bias = torch.zeros(heads, num_classes, 1)
        self._steps = [
            _AdamStep(each, settings.momentum, decay)
            for each, decay in (
                (self.hidden, settings.weight_decay),
                (self.weights, settings.weight_decay),
                (self.bias, 0.0),
            )
        ]
        self._active = torch.empty(0)

    @property
    def num_classes(self) -> int:  # noqa: D102 - see the protocol
        return self.bias.shape[1]

    def logits(self, inputs: Tensor) -> Tensor:  # noqa: D102 - see the protocol
        self._active = torch.matmul(inputs, self.hidden).relu_()
        by_class = torch.baddbmm(self.bias, self.weights, self._active.transpose(1, 2))
        return by_class.permute(2, 0, 1)

    def learn(self, inputs: Tensor, gradient: Tensor, rate: float) -> None:  # noqa: D102
        of_logits = gradient.permute(1, 2, 0)
        of_units = torch.bmm(of_logits.transpose(1, 2), self.weights)
        of_units = torch.ops.aten.threshold_backward(of_units, self._active, 0)
        gradients = (
            torch.matmul(inputs.T, of_units),
            torch.bmm(of_logits, self._active),
            of_logits.sum(dim=2, keepdim=True),
        )
        for step, of_weights in zip(self._steps, gradients, strict=True):
            step.make(of_weights, rate)

    def logits_of(self, head: int, inputs: Tensor) -> Tensor:  # noqa: D102
        active = (inputs @ self.hidden[head]).relu_()
        return active @ self.weights[head].T + self.bias[head].T


class _AdamStep:
    """AdamW of one tensor, in place."""

    def __init__(self, weights: Tensor, momentum: float, weight_decay: float) -> None:
        self._weights, self._momentum, self._weight_decay = weights, momentum, weight_decay
        self._mean, self._square = torch.zeros_like(weights), torch.zeros_like(weights)
        self._count = 0

    def make(self, gradient: Tensor, rate: float) -> None:
        self._count += 1
        self._mean.lerp_(gradient, 1 - self._momentum)
        self._square.mul_(_DECAY_OF_SQUARES)
        self._square.addcmul_(gradient, gradient, value=1 - _DECAY_OF_SQUARES)
        of_mean = 1 - self._momentum**self._count
        of_square = 1 - _DECAY_OF_SQUARES**self._count
        root = (self._square / of_square).sqrt_().add_(_LEAST_SQUARE)
        self._weights.mul_(1 - rate * self._weight_decay)
        self._weights.addcdiv_(self._mean, root, value=-rate / of_mean)
