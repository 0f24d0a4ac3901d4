"""The loss inside a graph of ``torch.compile``: two operators that are opaque to the compiler.

A graph cannot hold what a training forward leaves for the step. So the forward is one operator,
which remembers the batch as it does without a compiler, and its backward another, which puts
dL/dsigma where the step looks for it.
"""

from __future__ import annotations

from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from dataparams.method.functional import closed_form, logits_gradient
from dataparams.method.numbered import module_of_number

# The leaf of each batch that waits for its step, by the number that travels through the graph.
_leaves: WeakValueDictionary[int, Tensor] = WeakValueDictionary()
_tickets = count()


def loss_in_graph(
    logits: Tensor, labels: Tensor, index: Tensor, number: int, *, may_overflow: bool
) -> Tensor:
    """The loss per sample (B,) of the training batch, by the ``DataParameters`` of that number."""
    loss: Tensor = _loss(logits, labels, index, number, torch.is_grad_enabled(), may_overflow)[0]
    return loss


@torch.library.custom_op("dataparams::loss", mutates_args=())
def _loss(
    logits: Tensor, labels: Tensor, index: Tensor, number: int, learns: bool, may_overflow: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    # The graph may use the memory of its tensors again before the step reads them.
    batch = (logits, labels.clone(), index.clone())
    loss_of = _LossForBackward()
    with torch.set_grad_enabled(learns):
        loss = module_of_number(number).training_loss(batch, loss_of, may_overflow=may_overflow)
    ticket = next(_tickets)
    _leaves[ticket] = loss_of.leaf
    temperature = loss_of.leaf.detach().clone()
    return loss, loss_of.probability, loss_of.derivative, temperature, torch.tensor(ticket)


class _LossForBackward:
    """Computes the loss, and keeps what its backward needs."""

    leaf: Tensor
    probability: Tensor
    derivative: Tensor

    def __call__(self, logits: Tensor, labels: Tensor, temperature: Tensor) -> Tensor:
        self.leaf = temperature
        with torch.no_grad():
            loss, self.probability, self.derivative = closed_form(logits, labels, temperature)
        return loss


@_loss.register_fake
def _(logits: Tensor, *_: object) -> tuple[Tensor, ...]:
    loss, derivative, temperature = (logits.new_empty(logits.shape[0]) for _ in range(3))
    ticket = torch.empty((), dtype=torch.int64, device="cpu")
    return loss, torch.empty_like(logits), derivative, temperature, ticket


@torch.library.custom_op("dataparams::loss_backward", mutates_args=())
def _loss_backward(
    upstream: Tensor,
    labels: Tensor,
    temperature: Tensor,
    probability: Tensor,
    derivative: Tensor,
    ticket: Tensor,
) -> Tensor:
    leaf = _leaves.get(int(ticket))
    if leaf is not None:
        gradient = upstream * derivative
        leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
    return logits_gradient(upstream, labels, temperature, probability)


@_loss_backward.register_fake
def _(*saved: Tensor) -> Tensor:
    return torch.empty_like(saved[3])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, probability, derivative, temperature, ticket = output
    ctx.mark_non_differentiable(probability, derivative, temperature, ticket)
    ctx.save_for_backward(inputs[1], temperature, probability, derivative, ticket)


def _backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None, None, None]:
    gradient: Tensor = _loss_backward(upstream[0], *ctx.saved_tensors)
    return gradient, None, None, None, None, None


_loss.register_autograd(_backward, setup_context=_keep)
