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
from itertools import count
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from dataparams.method.checks import (
    GRADIENT_NOT_FINITE,
    DeferredCheck,
    complaint_about_range,
    require_batch_of_integers,
    require_logits,
)
from dataparams.method.exchange import exchanged, world_size
from dataparams.method.local_buffers import LocalBuffers
from dataparams.method.loss_scaling import is_scaled, marked_where_skipped, unscaled
from dataparams.method.number_checks import (
    require_clamp,
    require_momentum,
    require_not_negative,
    require_positive,
)
from dataparams.method.pending_forwards import Forward, PendingForwards

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    Computation = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]

Reduction = Literal["mean", "sum", "none"]
CLAMP = (1 / 20, 20.0)


def closed_form(logits: Tensor, labels: Tensor, temperature: Tensor) -> tuple[Tensor, ...]:
    """The loss (B,), the softmax of the scaled logits (B, C) and dL/dsigma (B,)."""
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
    """dL/dlogits (B, C): (p - 1 at the label) / sigma, times what comes from above, (B,)."""
    weight = (upstream / temperature).unsqueeze(1)
    return (probability * weight).scatter_add_(1, labels.unsqueeze(1), weight.neg_())


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


# A compiled graph knows a DataParameters by its number.
BY_NUMBER: WeakValueDictionary[int, DataParameters] = WeakValueDictionary()
_numbers = count()


class DataParameters(LocalBuffers):
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
        wd_inst: Weight decay of the log instance temperatures, >= 0. The loss, which is a mean over
            the batch, gets 1/2 wd s^2 for each occurrence in it, which is a sum.
        wd_class: Weight decay of the log class temperatures, >= 0, likewise: a class that occurs
            ten times in a batch is decayed ten times.
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
        require_positive(num_instances=num_instances, num_classes=num_classes)
        require_positive(init_inst=init_inst, init_class=init_class)
        require_not_negative(lr_inst=lr_inst, lr_class=lr_class, wd_inst=wd_inst, wd_class=wd_class)
        if lr_inst is None and lr_class is None:
            raise ValueError(
                "lr_inst and lr_class are both None; expected a learning rate for the instance "
                "parameters (lr_inst), the class parameters (lr_class), or both."
            )
        require_momentum(momentum)
        require_clamp(clamp)
        instances = num_instances if lr_inst is not None else 0
        classes = num_classes if lr_class is not None else 0
        super().__init__(
            inst_log=torch.full((instances,), math.log(init_inst)),
            inst_momentum=torch.zeros(instances),
            class_log=torch.full((classes,), math.log(init_class)),
            class_momentum=torch.zeros(classes),
        )
        self.num_instances, self.num_classes = num_instances, num_classes
        self.lr_inst, self.lr_class = lr_inst, lr_class
        self.wd_inst, self.wd_class = wd_inst, wd_class
        self.momentum, self.clamp = momentum, clamp
        self._pending = PendingForwards(num_instances)
        self._checks: list[DeferredCheck] = []
        self._skips_overflow: bool | None = None  # Until the first step, nobody knows.
        self._number = _numbered(self)

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

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        index: Tensor | None = None,
        reduction: Reduction = "mean",
    ) -> Tensor:
        """The loss of a batch; in training mode it is remembered for :meth:`step`.

        Args:
            logits: (B, C), any floating dtype; the loss is computed in float32 (or float64). Minus
                infinity masks a class that is not the label.
            labels: (B,), int64, in 0 ... C-1.
            index: (B,), int64, in 0 ... N-1; may be left out in ``eval()`` mode.
            reduction: ``"mean"`` over the batch, ``"sum"``, or ``"none"`` for the loss per sample.

        Returns:
            The loss, float32 (float64 for float64 logits): a scalar, or (B,) for ``"none"``. Of an
            empty batch, which only one of several processes may have, it is 0.

        Raises:
            TypeError: An argument is not a tensor.
            ValueError: A shape or dtype is wrong, the batch is empty, an index or label is out of
                its range, or a logit makes the loss infinite or not a number. On a CUDA device,
                where looking at values would make the step wait, the values' errors are raised by a
                later call, as soon as the device has reported. Where a gradient scaler is in use,
                which skips such a step, logits that overflow are no error; logits in float16 wait
                for the first step to know whether there is one.
        """
        index = self._checked(logits, labels, index)
        if not torch.compiler.is_compiling():
            self._raise_reported(wait=False)
            if self.training and torch.is_grad_enabled():
                self._pending.announce(len(labels))
        is_half = logits.dtype == torch.float16
        device = logits.device.type
        if not torch.is_autocast_enabled(device):
            return self._loss(logits, labels, index, reduction, is_half)
        is_half |= torch.get_autocast_dtype(device) == torch.float16
        with torch.autocast(device, enabled=False):
            return self._loss(logits, labels, index, reduction, is_half)

    @torch.no_grad()
    def step(
        self, scaler: torch.amp.GradScaler | None = None, *, capacity: int | None = None
    ) -> None:
        """Update the entries of all batches since the last step, from their gradients.

        Call it once after ``backward()`` (of all micro-batches, where gradients are accumulated).
        In a process group every process must call it; all agree afterwards, bit for bit, on the
        update that the gradients' average over the processes (as DDP takes it) gives. The first
        such step takes the values of process 0 for all, as DDP does with a model's.

        Args:
            scaler: The gradient scaler, when one is in use: call this between
                ``scaler.step(optimizer)`` (or ``scaler.unscale_(optimizer)``) and
                ``scaler.update()``. A step that the scaler skips changes nothing here either.
            capacity: The most samples that any process brings, where the caller knows it; None lets
                the processes agree on it, which reads one number back from the device.

        Raises:
            ValueError: No scaler is in use, and the logits or the gradient of the loss are not
                finite, or a batch was wrong of which the device had not reported yet.
        """
        self._skips_overflow = is_scaled(scaler)
        self._raise_reported(wait=False)
        index, labels, gradient = _joined(self._pending.take(), self.inst_log.device)
        if scaler is not None and self._skips_overflow:
            gradient = marked_where_skipped(gradient, scaler)
        is_sample = None
        if world_size() > 1:
            self.agree()
            index, labels, gradient, is_sample = exchanged(index, labels, gradient, capacity)
        if scaler is not None and self._skips_overflow:
            kept = unscaled(gradient, scaler)
            if kept is None:
                return
            gradient = kept
        elif gradient.is_cpu and not math.isfinite(gradient.sum().item()):
            raise ValueError(GRADIENT_NOT_FINITE)
        if gradient.numel():
            self._update(index, labels, gradient, is_sample)

    def synchronize(self) -> None:
        """Wait for the device and raise the ValueError of any batch so far that was wrong."""
        self._raise_reported(wait=True)

    def train(self, mode: bool = True) -> Self:
        """Switch between the loss with data parameters and, for False, the plain cross-entropy."""
        if self.training and not mode:
            self._pending.training_ends()
        return super().train(mode)

    def extra_repr(self) -> str:
        """The arguments that shape the update, for ``print``."""
        return (
            f"num_instances={self.num_instances}, num_classes={self.num_classes}, "
            f"lr_inst={self.lr_inst}, lr_class={self.lr_class}, "
            f"wd_inst={self.wd_inst}, wd_class={self.wd_class}, momentum={self.momentum}"
        )

    def training_loss(
        self, batch: Batch, computation: Computation, *, may_overflow: bool
    ) -> tuple[Tensor, ...]:
        """Remember a batch of logits, labels and index, and compute its loss.

        Returns:
            The loss (B,), the softmax (B, C), dL/dsigma (B,) and the temperature (B,).
        """
        loss_of = self._loss_on_cpu if batch[0].device.type == "cpu" else self._loss_on_device
        return loss_of(batch, computation, may_overflow)

    def _loss(
        self,
        logits: Tensor,
        labels: Tensor,
        index: Tensor,
        reduction: Reduction,
        may_overflow: bool,
    ) -> Tensor:
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if not self.training:
            return nn.functional.cross_entropy(logits, labels.long(), reduction=reduction)
        if not torch.compiler.is_compiling():
            loss = self.training_loss(
                (logits, labels, index), _TemperatureCrossEntropy.apply, may_overflow=may_overflow
            )[0]
        else:
            # Imported by whoever compiles, and by nobody else.
            from dataparams.method.compiled_loss import loss_in_graph

            loss = loss_in_graph(logits, labels, index, self._number, may_overflow=may_overflow)
        return _reduce(loss, reduction)

    def _loss_on_device(
        self, batch: Batch, computation: Computation, may_overflow: bool
    ) -> tuple[Tensor, ...]:
        """What is wrong is known from a flag that travels while the step goes on."""
        logits, labels, index = batch
        labels, index, in_range = self._inside(labels, index)
        temperature = self._remember(labels, index, logits.dtype)
        loss, probability, derivative = computation(logits, labels, temperature)
        ok = in_range & torch.isfinite(derivative.sum())
        self._checks.append(DeferredCheck(ok, batch, may_overflow=may_overflow))
        return loss, probability, derivative, temperature

    def _loss_on_cpu(
        self, batch: Batch, computation: Computation, may_overflow: bool
    ) -> tuple[Tensor, ...]:
        """The same where the kernels themselves refuse what is out of range, at no cost."""
        logits, labels, index = batch[0], batch[1].long(), batch[2].long()
        try:
            temperature = self._remember(labels, index, logits.dtype)
            loss, probability, derivative = computation(logits, labels, temperature)
        except (IndexError, RuntimeError) as error:
            self._pending.forget()
            complaint = complaint_about_range(labels, index, self.num_instances, self.num_classes)
            raise (ValueError(complaint) if complaint else error) from None
        # Whatever makes the loss infinite or not a number, makes its sample's dL/dsigma so.
        if not math.isfinite(derivative.sum().item()):
            self._checks.append(
                DeferredCheck(torch.tensor(False), batch, may_overflow=may_overflow)
            )
            self._raise_reported(wait=False)
        return loss, probability, derivative, temperature

    def _update(
        self, index: Tensor, labels: Tensor, gradient: Tensor, is_sample: Tensor | None
    ) -> None:
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
                weight_decay=_decay_of_samples(self.wd_inst, is_sample),
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
                weight_decay=_decay_of_samples(self.wd_class, is_sample),
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
            self._pending.add(Forward(index, labels, temperature))
        return temperature

    def _checked(self, logits: Tensor, labels: Tensor, index: Tensor | None) -> Tensor:
        """The index, after checks of everything that is known without looking at values."""
        require_logits(logits, self.num_classes)
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
        """Raise the error of a batch that was wrong, unless a gradient scaler skips it."""
        while self._checks and (wait or self._checks[0].has_arrived()):
            if self._skips_overflow is None and self._checks[0].may_overflow:
                return
            check = self._checks.pop(0)
            complaint = None if check.is_ok() else self._complaint(check)
            if complaint is not None:
                self._checks = []
                self._pending.forget()
                raise ValueError(complaint)

    def _complaint(self, check: DeferredCheck) -> str | None:
        skips = bool(self._skips_overflow)
        return check.complaint(self.num_instances, self.num_classes, skips_overflow=skips)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Give a copy a number of its own."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._number = _numbered(self)


Batch = tuple[Tensor, Tensor, Tensor]


def _numbered(data_parameters: DataParameters) -> int:
    number = next(_numbers)
    BY_NUMBER[number] = data_parameters
    return number


def _decay_of_samples(weight_decay: float, is_sample: Tensor | None) -> float | Tensor:
    """The weight decay of each occurrence, none of what is padding."""
    return weight_decay if is_sample is None or not weight_decay else is_sample * weight_decay


def _joined(forwards: list[Forward], device: torch.device) -> Batch:
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


def _reduce(loss: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "mean":
        return loss.mean() if len(loss) else loss.sum()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"reduction is {reduction!r}; expected 'mean', 'sum' or 'none'.")
