"""Data parameters: a learned temperature per sample and per class.

Saxena, Tuzel, DeCoste, "Data Parameters: A New Family of Parameters for Learning a Differentiable
Curriculum", NeurIPS 2019. For a sample i of class c with logits z and label y,

    temperature   sigma = exp(s_i)              instance parameters only
                  sigma = exp(s_c)              class parameters only
                  sigma = exp(s_c) + exp(s_i)   joint
    loss          cross-entropy(z / sigma, y), mean over the batch
    gradient      dL/dsigma = (z_y - sum_j p_j z_j) / sigma^2,  p = softmax(z / sigma)

The log temperatures s are learned by SGD with momentum in which only the entries of the batch take
part. A step costs O(batch), whatever the number of instances, and never waits for the device.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from dataparams.argument_checks import (
    NOT_FINITE,
    DeferredCheck,
    complaint_about,
    require_batch_of_integers,
    require_not_negative,
    require_positive,
)
from dataparams.process_exchange import exchanged, world_size

if TYPE_CHECKING:
    from collections.abc import Callable

Reduction = Literal["mean", "sum", "none"]
CLAMP = (1 / 20, 20.0)
_FORWARDS_WITHOUT_STEP = 1000


class _TemperatureCrossEntropy(torch.autograd.Function):
    """Per-sample loss with both gradients in closed form, from one softmax over the logits."""

    @staticmethod
    def forward(logits: Tensor, labels: Tensor, temperature: Tensor) -> tuple[Tensor, ...]:
        """Return the loss (B,), the softmax of the scaled logits (B, C) and dL/dsigma (B,)."""
        inverse = temperature.reciprocal()
        column = labels.unsqueeze(1)
        log_probability = torch.log_softmax(logits * inverse.unsqueeze(1), dim=1)
        loss = log_probability.gather(1, column).squeeze(1).neg()
        probability = log_probability.exp_()
        expected_logit = torch.linalg.vecdot(probability, logits)
        label_logit = logits.gather(1, column).squeeze(1)
        temperature_gradient = (label_logit - expected_logit) * inverse * inverse
        return loss, probability, temperature_gradient

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        _, probability, temperature_gradient = output
        ctx.mark_non_differentiable(probability, temperature_gradient)
        ctx.save_for_backward(inputs[1], inputs[2], probability, temperature_gradient)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, Tensor]:
        labels, temperature, probability, temperature_gradient = ctx.saved_tensors
        weight = (upstream[0] / temperature).unsqueeze(1)
        logits_gradient = probability * weight
        logits_gradient.scatter_add_(1, labels.unsqueeze(1), weight.neg_())
        return logits_gradient, None, upstream[0] * temperature_gradient


def temperature_cross_entropy(
    logits: Tensor, labels: Tensor, temperature: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of logits divided by one temperature per sample (section 3 of the paper).

    Differentiable once in ``logits`` and ``temperature``; both gradients are computed in closed
    form together with the loss.

    Args:
        logits: (B, C), float32 or float64, before the softmax.
        labels: (B,), int64, in 0 ... C-1.
        temperature: (B,), positive, of the dtype of ``logits``.
        reduction: ``"mean"`` over the batch, ``"sum"``, or ``"none"`` for the loss per sample.

    Returns:
        A scalar, or (B,) for ``reduction="none"``.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
        >>> labels = torch.tensor([0, 0])
        >>> temperature_cross_entropy(logits, labels, torch.tensor([1.0, 2.0]), "none")
        tensor([0.1269, 0.3133])
    """
    loss: Tensor = _TemperatureCrossEntropy.apply(logits, labels, temperature)[0]
    return _reduce(loss, reduction)


def sparse_momentum_step(
    log_temperature: Tensor,
    momentum_buffer: Tensor,
    index: Tensor,
    gradient: Tensor,
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    clamp: tuple[float, float] | None,
) -> None:
    """One step of SGD with momentum on the entries in ``index``, in place; all others rest.

    An entry that occurs several times in ``index`` gets the sum of its gradients, its weight decay
    once, and one momentum update. Costs O(len(index)), with no read-back from the device.

    Args:
        log_temperature: (N,) log temperatures s.
        momentum_buffer: (N,) one momentum per entry.
        index: (B,) int64, entries taking part; repeats allowed.
        gradient: (B,) dL/ds of each occurrence.
        learning_rate: Step size.
        momentum: Momentum, 0 <= momentum < 1.
        weight_decay: Factor of 1/2 s^2 in the loss.
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
    carried = momentum_buffer[index].mul_(momentum)
    if weight_decay:
        carried.add_(value, alpha=weight_decay)
    # Repeats write the same carried value and then add their gradients to it: no sort, no unique.
    momentum_buffer.index_copy_(0, index, carried)
    momentum_buffer.index_add_(0, index, gradient)
    value.sub_(momentum_buffer[index], alpha=learning_rate)
    if clamp is not None:
        value.clamp_(math.log(clamp[0]), math.log(clamp[1]))
    log_temperature.index_copy_(0, index, value)


@dataclass
class _Forward:
    """What a training forward leaves for the step; autograd puts dL/dsigma in the temperature."""

    index: Tensor
    labels: Tensor
    temperature: Tensor


class DataParameters(nn.Module):
    """The loss with data parameters and their optimiser, to join to any training loop.

    Three lines join it: call it in place of the cross-entropy, and :meth:`step` after the model's
    optimiser. In ``eval()`` mode it is the plain cross-entropy: inference uses no data parameters.

    Args:
        num_instances: N, the number of training samples; their indices are 0 ... N-1.
        num_classes: C, the number of classes.
        lr_inst: Learning rate of the instance parameters; None: they are not used.
        lr_class: Learning rate of the class parameters; None: they are not used.
        init_inst: Initial instance temperature, > 0.
        init_class: Initial class temperature, > 0.
        wd_inst: Weight decay of the log instance temperatures, >= 0.
        wd_class: Weight decay of the log class temperatures, >= 0.
        momentum: Momentum of both, in [0, 1).
        clamp: Lowest and highest instance or class temperature, or None for no limit.

    Raises:
        ValueError: An argument is out of its range, or no learning rate is given.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = nn.Linear(4, 3)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> dp = DataParameters(num_instances=100, num_classes=3, lr_inst=0.2)
        >>> x, y, index = torch.randn(8, 4), torch.arange(8) % 3, torch.arange(8)
        >>> loss = dp(model(x), y, index)
        >>> optimizer.zero_grad(); loss.backward(); optimizer.step(); dp.step()
        >>> dp.instance_parameters.shape, bool((dp.instance_parameters[8:] == 1).all())
        (torch.Size([100]), True)
    """

    inst_log: Tensor
    inst_momentum: Tensor
    class_log: Tensor
    class_momentum: Tensor

    def __init__(
        self,
        num_instances: int,
        num_classes: int,
        *,
        lr_inst: float | None = None,
        lr_class: float | None = None,
        init_inst: float = 1.0,
        init_class: float = 1.0,
        wd_inst: float = 0.0,
        wd_class: float = 0.0,
        momentum: float = 0.9,
        clamp: tuple[float, float] | None = CLAMP,
    ) -> None:
        super().__init__()
        require_positive(num_instances=num_instances, num_classes=num_classes)
        require_positive(init_inst=init_inst, init_class=init_class)
        require_not_negative(lr_inst=lr_inst, lr_class=lr_class, wd_inst=wd_inst, wd_class=wd_class)
        if lr_inst is None and lr_class is None:
            raise ValueError(
                "lr_inst and lr_class are both None; expected a learning rate for the instance "
                "parameters (lr_inst), the class parameters (lr_class), or both."
            )
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}; expected 0 <= momentum < 1.")
        if clamp is not None and not 0 < clamp[0] < clamp[1]:
            raise ValueError(
                f"clamp is {clamp}; expected (lowest, highest) with 0 < lowest < highest."
            )
        self.num_instances, self.num_classes = num_instances, num_classes
        self.lr_inst, self.lr_class = lr_inst, lr_class
        self.wd_inst, self.wd_class = wd_inst, wd_class
        self.momentum, self.clamp = momentum, clamp
        instances = num_instances if self.learns_instances else 0
        classes = num_classes if self.learns_classes else 0
        self.register_buffer("inst_log", torch.full((instances,), math.log(init_inst)))
        self.register_buffer("inst_momentum", torch.zeros(instances))
        self.register_buffer("class_log", torch.full((classes,), math.log(init_class)))
        self.register_buffer("class_momentum", torch.zeros(classes))
        self._forwards: list[_Forward] = []
        self._checks: list[DeferredCheck] = []

    @property
    def learns_instances(self) -> bool:
        """Whether there is a temperature per sample."""
        return self.lr_inst is not None

    @property
    def learns_classes(self) -> bool:
        """Whether there is a temperature per class."""
        return self.lr_class is not None

    @property
    def instance_parameters(self) -> Tensor:
        """The temperature of each sample, (N,); (0,) where instance parameters are not used."""
        return self.inst_log.exp()

    @property
    def class_parameters(self) -> Tensor:
        """The temperature of each class, (C,); (0,) where class parameters are not used."""
        return self.class_log.exp()

    # The batch is remembered in a list, which a compiled graph cannot hold: a graph break, here.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        index: Tensor | None = None,
        reduction: Reduction = "mean",
    ) -> Tensor:
        """The loss of a batch; in training mode it is remembered for :meth:`step`.

        Args:
            logits: (B, C), any floating dtype; the loss is computed in float32 (or float64).
            labels: (B,), int64, in 0 ... C-1.
            index: (B,), int64, in 0 ... N-1; may be left out in ``eval()`` mode.
            reduction: ``"mean"`` over the batch, ``"sum"``, or ``"none"`` for the loss per sample.

        Returns:
            The loss, float32 (float64 for float64 logits): a scalar, or (B,) for ``"none"``.

        Raises:
            ValueError: A shape or dtype is wrong, an index or label is out of its range, or a logit
                is not finite. On a CUDA device, where looking at values would make the step wait,
                the values' errors are raised by a later call, as soon as the device has reported.
        """
        self._raise_reported(wait=False)
        index = self._checked_shapes(logits, labels, index)
        if not torch.is_autocast_enabled(logits.device.type):
            return self._loss(logits, labels, index, reduction)
        with torch.autocast(logits.device.type, enabled=False):
            return self._loss(logits, labels, index, reduction)

    @torch.no_grad()
    def step(
        self, scaler: torch.amp.GradScaler | None = None, *, capacity: int | None = None
    ) -> None:
        """Update the entries of all batches since the last step, from their gradients.

        Call it once after ``backward()`` (of all micro-batches, where gradients are accumulated).
        In a process group every process must call it; all agree afterwards, bit for bit, on the
        update that the gradients' average over the processes (as DDP takes it) gives.

        Args:
            scaler: The gradient scaler, when one is in use: call this between
                ``scaler.step(optimizer)`` and ``scaler.update()``.
            capacity: The most samples that any process brings, where the caller knows it; None lets
                the processes agree on it, which reads one number back from the device.
        """
        self._raise_reported(wait=False)
        forwards = [kept for kept in self._forwards if kept.temperature.grad is not None]
        self._forwards = []
        index, labels, gradient = _joined(forwards, self.inst_log.device)
        if world_size() > 1:
            index, labels, gradient = exchanged(index, labels, gradient, capacity)
        if scaler is not None and scaler.is_enabled():
            gradient, keep = _unscaled(gradient, scaler.get_scale())
            if not keep:
                return
        if gradient.numel():
            self._update(index, labels, gradient)

    def synchronize(self) -> None:
        """Wait for the device and raise the ValueError of any batch so far that was wrong."""
        self._raise_reported(wait=True)

    def extra_repr(self) -> str:
        """The arguments that shape the update, for ``print``."""
        return (
            f"num_instances={self.num_instances}, num_classes={self.num_classes}, "
            f"lr_inst={self.lr_inst}, lr_class={self.lr_class}, "
            f"wd_inst={self.wd_inst}, wd_class={self.wd_class}, momentum={self.momentum}"
        )

    def _loss(self, logits: Tensor, labels: Tensor, index: Tensor, reduction: Reduction) -> Tensor:
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if not self.training:
            return nn.functional.cross_entropy(logits, labels, reduction=reduction)
        if logits.device.type == "cpu":
            return self._loss_on_cpu(logits, labels.long(), index.long(), reduction)
        given = (labels, index)
        labels, index, in_range = self._inside(labels, index)
        temperature = self._remember(labels, index, logits.dtype)
        loss, _, gradient = _TemperatureCrossEntropy.apply(logits, labels, temperature)
        finite = torch.isfinite(gradient.sum())
        self._checks.append(DeferredCheck(in_range & finite, logits.detach(), *given))
        return _reduce(loss, reduction)

    def _loss_on_cpu(
        self, logits: Tensor, labels: Tensor, index: Tensor, reduction: Reduction
    ) -> Tensor:
        """The same where the kernels themselves refuse what is out of range, at no cost."""
        try:
            temperature = self._remember(labels, index, logits.dtype)
            loss, _, gradient = _TemperatureCrossEntropy.apply(logits, labels, temperature)
        except (IndexError, RuntimeError) as error:
            self._forwards = []
            complaint = complaint_about(
                logits.detach(), labels, index, self.num_instances, self.num_classes
            )
            raise (ValueError(complaint) if complaint else error) from None
        # Any logit that is not finite makes its sample's dL/dsigma not finite.
        if not math.isfinite(gradient.sum().item()):
            self._forwards = []
            raise ValueError(
                complaint_about(
                    logits.detach(), labels, index, self.num_instances, self.num_classes
                )
                or NOT_FINITE
            )
        return _reduce(loss, reduction)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DataParameters:
        """Move with ``.to()``, and stay float32 when a model around is cast to half precision."""
        before = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in before.items():
            moved = getattr(self, name)
            if moved.dtype != buffer.dtype:
                setattr(self, name, buffer.to(moved.device))
        return self

    def _update(self, index: Tensor, labels: Tensor, gradient: Tensor) -> None:
        # dL/ds = dL/dsigma * exp(s); both are read before either moves.
        inst_gradient = gradient * self.inst_log[index].exp() if self.learns_instances else None
        class_gradient = gradient * self.class_log[labels].exp() if self.learns_classes else None
        if inst_gradient is not None and self.lr_inst is not None:
            sparse_momentum_step(
                self.inst_log,
                self.inst_momentum,
                index,
                inst_gradient,
                learning_rate=self.lr_inst,
                momentum=self.momentum,
                weight_decay=self.wd_inst,
                clamp=self.clamp,
            )
        if class_gradient is not None and self.lr_class is not None:
            sparse_momentum_step(
                self.class_log,
                self.class_momentum,
                labels,
                class_gradient,
                learning_rate=self.lr_class,
                momentum=self.momentum,
                weight_decay=self.wd_class,
                clamp=self.clamp,
            )

    def _remember(self, labels: Tensor, index: Tensor, dtype: torch.dtype) -> Tensor:
        """The batch's temperatures (B,): a leaf that collects dL/dsigma for the step."""
        parts = []
        if self.learns_instances:
            parts.append(self.inst_log.index_select(0, index).exp_())
        if self.learns_classes:
            parts.append(self.class_log.index_select(0, labels).exp_())
        temperature = (parts[0] if len(parts) == 1 else parts[0].add_(parts[1])).to(dtype)
        if torch.is_grad_enabled():
            temperature.requires_grad_()
            self._forwards.append(_Forward(index, labels, temperature))
            if len(self._forwards) == _FORWARDS_WITHOUT_STEP:
                warnings.warn(
                    f"DataParameters was called {_FORWARDS_WITHOUT_STEP} times in training mode "
                    "without step(): the data parameters do not learn and memory grows. Call "
                    "step() after backward(), or eval() where nothing is to be learned.",
                    stacklevel=3,
                )
        return temperature

    def _checked_shapes(self, logits: Tensor, labels: Tensor, index: Tensor | None) -> Tensor:
        if logits.ndim != 2 or logits.shape[1] != self.num_classes:
            raise ValueError(
                f"logits has shape {tuple(logits.shape)}; expected (batch, {self.num_classes}), "
                "a logit per class."
            )
        if not logits.is_floating_point():
            raise ValueError(f"logits has dtype {logits.dtype}; expected a floating dtype.")
        require_batch_of_integers("labels", labels, logits)
        if index is None:
            if self.training:
                raise ValueError(
                    "index is None; expected the (batch,) indices of the samples in the training "
                    "set. IndexedDataset gives them where a data set has none; eval() needs none."
                )
            return labels
        require_batch_of_integers("index", index, logits)
        return index

    def _inside(self, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Labels and index moved into range, so that no kernel fails, and whether they were."""
        safe_labels = labels.clamp(0, self.num_classes - 1)
        safe_index = index.clamp(0, self.num_instances - 1)
        in_range = ((safe_labels == labels) & (safe_index == index)).all()
        return safe_labels.long(), safe_index.long(), in_range

    def _raise_reported(self, *, wait: bool) -> None:
        while self._checks and (wait or self._checks[0].has_arrived()):
            check = self._checks.pop(0)
            if not check.is_ok():
                self._forwards, self._checks = [], []
                raise ValueError(check.complaint(self.num_instances, self.num_classes))


_Batch = tuple[Tensor, Tensor, Tensor]


def _joined(forwards: list[_Forward], device: torch.device) -> _Batch:
    """Index, labels and dL/dsigma of all forwards, each (B,)."""
    if not forwards:
        empty = torch.empty(0, dtype=torch.int64, device=device)
        return empty, empty, torch.empty(0, device=device)
    gradients = [
        kept.temperature.grad.float() for kept in forwards if kept.temperature.grad is not None
    ]
    index, labels = [kept.index for kept in forwards], [kept.labels for kept in forwards]
    if len(forwards) == 1:
        return index[0], labels[0], gradients[0]
    return torch.cat(index), torch.cat(labels), torch.cat(gradients)


def _unscaled(gradient: Tensor, scale: float) -> tuple[Tensor, bool]:
    """The gradient without the scaler's factor, and whether the scaler keeps the step."""
    return gradient / scale, bool(torch.isfinite(gradient).all())


def _reduce(loss: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"reduction is {reduction!r}; expected 'mean', 'sum' or 'none'.")
