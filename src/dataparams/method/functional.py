"""The method as pure functions: the loss with temperatures, and the sparse step of momentum.

Saxena, Tuzel, DeCoste, "Data Parameters: A New Family of Parameters for Learning a Differentiable
Curriculum", NeurIPS 2019, section 3. For a sample i of class c with logits z and label y,

    temperature   sigma = exp(s_i)              instance parameters only
                  sigma = exp(s_c)              class parameters only
                  sigma = exp(s_c) + exp(s_i)   joint
    loss          cross-entropy(z / sigma, y)
    gradients     dL/dz     = (p - onehot(y)) / sigma,   p = softmax(z / sigma)
                  dL/dsigma = (z_y - sum_j p_j z_j) / sigma^2
                  dL/ds     = dL/dsigma * exp(s)

The log temperatures s are learned by SGD with momentum in which only the entries of the batch take
part.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from dataparams.errors import ArgumentError
from dataparams.method.checks import require_loss_arguments

Reduction = Literal["mean", "sum", "none"]


def temperature_cross_entropy(
    logits: Tensor, labels: Tensor, temperature: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of logits divided by one temperature per sample (section 3 of the paper).

    Differentiable once in ``logits`` and ``temperature``; both gradients are computed in closed
    form together with the loss.

    Args:
        logits: (B, C), float32 or float64, before the softmax; -inf masks a class that is not the
            label.
        labels: (B,), int64, in 0 ... C-1.
        temperature: (B,), positive, of the dtype of ``logits``.
        reduction: ``"mean"`` over the batch, ``"sum"``, or ``"none"`` for the loss per sample.

    Returns:
        A scalar, or (B,) for ``reduction="none"``. The mean over an empty batch is 0.

    Raises:
        TypeError: An argument is no tensor.
        ValueError: Shapes do not fit, or ``reduction`` is none of the three.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
        >>> labels = torch.tensor([0, 0])
        >>> temperature_cross_entropy(logits, labels, torch.tensor([1.0, 2.0]), "none")
        tensor([0.1269, 0.3133])
    """
    require_loss_arguments(logits, labels, temperature)
    loss: Tensor = _TemperatureCrossEntropy.apply(logits, labels, temperature)[0]
    return reduced(loss, reduction)


def closed_form(logits: Tensor, labels: Tensor, temperature: Tensor) -> tuple[Tensor, ...]:
    """The loss (B,), the softmax of the scaled logits (B, C) and dL/dsigma (B,).

    Arguments are those of :func:`temperature_cross_entropy`.
    """
    inverse = temperature.reciprocal()
    column = labels.unsqueeze(1)
    scaled = logits * inverse.unsqueeze(1)
    log_probability = torch.log_softmax(scaled, dim=1)
    loss = log_probability.gather(1, column).squeeze(1).neg()
    probability = log_probability.exp_()
    label_logit = scaled.gather(1, column).squeeze(1)
    # The -inf of a masked class would make 0 * -inf, which is not a number.
    finite = scaled.clamp_min_(torch.finfo(scaled.dtype).min)
    expected_logit = torch.linalg.vecdot(probability, finite)
    return loss, probability, (label_logit - expected_logit) * inverse


def logits_gradient(
    upstream: Tensor, labels: Tensor, temperature: Tensor, probability: Tensor
) -> Tensor:
    """dL/dlogits (B, C), times the gradient ``upstream`` (B,) of each sample's loss."""
    weight = (upstream / temperature).unsqueeze(1)
    return (probability * weight).scatter_add_(1, labels.unsqueeze(1), weight.neg_())


def reduced(loss: Tensor, reduction: Reduction) -> Tensor:
    """The losses (B,) of samples as one number, or as they are."""
    if reduction == "mean":
        return loss.mean() if len(loss) else loss.sum()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ArgumentError(f"`reduction` is {reduction!r}; expected 'mean', 'sum' or 'none'.")


def temperature_of_batch(
    instance_log_temperature: Tensor | None,
    class_log_temperature: Tensor | None,
    index: Tensor,
    labels: Tensor,
) -> Tensor:
    """The temperature sigma of each sample of a batch, (B,).

    Args:
        instance_log_temperature: (N,) log temperature of each instance; None where not learned.
        class_log_temperature: (C,) log temperature of each class; None where not learned. One of
            the two is given.
        index: (B,) int64, in 0 ... N-1.
        labels: (B,) int64, in 0 ... C-1.

    Example:
        >>> log_instance, log_class = torch.zeros(5), torch.log(torch.tensor([1.0, 2.0]))
        >>> batch = torch.tensor([4, 0]), torch.tensor([0, 1])
        >>> temperature_of_batch(log_instance, log_class, *batch)
        tensor([2., 3.])
    """
    parts = [
        values.index_select(0, entries).exp_()
        for values, entries in ((instance_log_temperature, index), (class_log_temperature, labels))
        if values is not None
    ]
    return parts[0] if len(parts) == 1 else parts[0].add_(parts[1])


def sparse_momentum_step(
    log_temperature: Tensor,
    momentum_buffer: Tensor,
    index: Tensor,
    gradient: Tensor,
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float | Tensor,
    clamp: tuple[float, float] | None,
) -> None:
    """One step of SGD with momentum on the entries in ``index``, in place; all others rest.

    An entry that occurs several times in ``index`` gets the sum of its gradients, weight decay for
    each of its occurrences, and one momentum update. Costs O(len(index)), with no read-back from
    the device.

    Args:
        log_temperature: (N,) log temperatures s.
        momentum_buffer: (N,) one momentum per entry.
        index: (B,) int64, entries taking part; repeats allowed.
        gradient: (B,) dL/ds of each occurrence.
        learning_rate: Step size.
        momentum: Momentum, 0 <= momentum < 1.
        weight_decay: Factor of 1/2 s^2, which the loss has once for each occurrence; a number, or
            (B,) one for each.
        clamp: Lowest and highest temperature, or None for no limit.

    Example:
        >>> s, v = torch.zeros(3), torch.zeros(3)
        >>> sparse_momentum_step(
        ...     s, v, torch.tensor([2, 0, 2]), torch.tensor([0.1, 0.2, 0.3]),
        ...     learning_rate=1.0, momentum=0.9, weight_decay=0.0, clamp=None)
        >>> s
        tensor([-0.2000,  0.0000, -0.4000])
    """
    value = log_temperature[index]
    if isinstance(weight_decay, Tensor) or weight_decay:
        gradient = gradient + value * weight_decay
    # Repeats write the same carried value and then add their gradients to it: no sort, no unique.
    momentum_buffer.index_copy_(0, index, momentum_buffer[index].mul_(momentum))
    momentum_buffer.index_add_(0, index, gradient)
    value.sub_(momentum_buffer[index], alpha=learning_rate)
    if clamp is not None:
        value.clamp_(math.log(clamp[0]), math.log(clamp[1]))
    log_temperature.index_copy_(0, index, value)


class _TemperatureCrossEntropy(torch.autograd.Function):
    """Per-sample loss with both gradients in closed form, from one softmax over the logits."""

    @staticmethod
    def forward(logits: Tensor, labels: Tensor, temperature: Tensor) -> tuple[Tensor, ...]:
        return closed_form(logits, labels, temperature)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        _, probability, temperature_gradient = output
        ctx.mark_non_differentiable(probability, temperature_gradient)
        ctx.save_for_backward(inputs[1], inputs[2], probability, temperature_gradient)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, Tensor]:
        labels, temperature, probability, temperature_gradient = ctx.saved_tensors
        gradient = logits_gradient(upstream[0], labels, temperature, probability)
        return gradient, None, upstream[0] * temperature_gradient
