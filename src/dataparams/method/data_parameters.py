"""Data parameters: a learned temperature per sample and per class, to join to any training loop.

Saxena, Tuzel, DeCoste, "Data Parameters: A New Family of Parameters for Learning a Differentiable
Curriculum", NeurIPS 2019. The formulas are in :mod:`dataparams.method.functional`. A step costs
O(batch), whatever the number of instances, and never waits for the device.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dataparams.errors import ArgumentError
from dataparams.method.checks import (
    GRADIENT_NOT_FINITE,
    DeferredChecks,
    require_batch,
    require_settings,
)
from dataparams.method.exchange import exchanged, world_size
from dataparams.method.functional import (
    Reduction,
    reduced,
    sparse_momentum_step,
    temperature_cross_entropy,
    temperature_of_batch,
)
from dataparams.method.local_buffers import LocalBuffers
from dataparams.method.loss_scaling import marked_where_skipped, unscaled
from dataparams.method.numbered import Numbered
from dataparams.method.pending_forwards import Forward, PendingForwards

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from dataparams.method.checks import Batch

    LossOf = Callable[[Tensor, Tensor, Tensor], Tensor]

CLAMP = (1 / 20, 20.0)
"""Lowest and highest temperature, as in the first implementation."""


class DataParameters(Numbered, LocalBuffers):
    """The loss with data parameters and their optimizer, to join to any training loop.

    Three lines join it: call it in place of the cross-entropy, and :meth:`step` after the model's
    optimizer. In ``eval()`` mode it is the plain cross-entropy: inference uses no data parameters.

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
        require_settings(
            positive={"num_instances": num_instances, "num_classes": num_classes}
            | {"init_inst": init_inst, "init_class": init_class},
            not_negative={"wd_inst": wd_inst, "wd_class": wd_class},
            rates={"lr_inst": lr_inst, "lr_class": lr_class},
            momentum=momentum,
            clamp=clamp,
        )
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
        self._checks = DeferredChecks(num_instances, num_classes)

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
        require_batch(logits, labels, index, self.num_classes, is_training=self.training)
        if not torch.compiler.is_compiling():
            self._raise_reported(wait=False)
            if self.training and torch.is_grad_enabled():
                self._pending.announce(len(labels))
        may_overflow = logits.dtype == torch.float16
        device = logits.device.type
        if not torch.is_autocast_enabled(device):
            return self._loss(logits, labels, index, reduction, may_overflow)
        may_overflow |= torch.get_autocast_dtype(device) == torch.float16
        with torch.autocast(device, enabled=False):
            return self._loss(logits, labels, index, reduction, may_overflow)

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
                finite, or the device has reported only now that a batch was wrong.
        """
        scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self._checks.skips_overflow = scaler is not None
        self._raise_reported(wait=False)
        index, labels, gradient = self._pending.take(self.inst_log.device)
        if scaler is not None:
            gradient = marked_where_skipped(gradient, scaler)
        is_sample = None
        if world_size() > 1:
            self.agree()
            index, labels, gradient, is_sample = exchanged(index, labels, gradient, capacity)
        if scaler is not None:
            kept = unscaled(gradient, scaler)
            if kept is None:
                return
            gradient = kept
        elif gradient.is_cpu and not math.isfinite(gradient.sum().item()):
            raise ArgumentError(GRADIENT_NOT_FINITE)
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
        names = ["num_instances", "num_classes", "lr_inst", "lr_class", "wd_inst", "wd_class"]
        return ", ".join(f"{name}={getattr(self, name)}" for name in [*names, "momentum"])

    def training_loss(self, batch: Batch, loss_of: LossOf, *, may_overflow: bool) -> Tensor:
        """Remember a batch of logits, labels and index for the step, and compute its loss.

        Args:
            batch: Logits (B, C), float32 or float64, labels (B,) and index (B,).
            loss_of: Gives the loss for logits, labels and temperatures (B,); the temperatures are a
                leaf, in whose ``grad`` the step expects dL/dsigma.
            may_overflow: Whether the logits were made with float16.
        """
        logits = batch[0]
        labels, index, in_range = self._checks.in_range(batch[1], batch[2])
        try:
            temperature = self._remember(labels, index, logits.dtype)
            loss = loss_of(logits, labels, temperature)
        except (IndexError, RuntimeError) as error:
            self._pending.forget()
            is_unchecked = in_range is None
            complaint = self._checks.complaint_about_range(labels, index) if is_unchecked else None
            raise (ArgumentError(complaint) if complaint else error) from None
        self._checks.add(batch, loss, in_range, may_overflow=may_overflow)
        if in_range is None:
            self._raise_reported(wait=False)
        return loss

    def _loss(
        self,
        logits: Tensor,
        labels: Tensor,
        index: Tensor | None,
        reduction: Reduction,
        may_overflow: bool,
    ) -> Tensor:
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if not self.training or index is None:
            return nn.functional.cross_entropy(logits, labels.long(), reduction=reduction)
        if torch.compiler.is_compiling():
            # Imported only where a compiler is in use.
            from dataparams.method.compiled_loss import loss_in_graph

            loss = loss_in_graph(
                logits, labels, index, self.graph_number, may_overflow=may_overflow
            )
            return reduced(loss, reduction)
        loss_of = partial(temperature_cross_entropy, reduction=reduction)
        return self.training_loss((logits, labels, index), loss_of, may_overflow=may_overflow)

    def _remember(self, labels: Tensor, index: Tensor, dtype: torch.dtype) -> Tensor:
        """The batch's temperatures (B,): a leaf that collects dL/dsigma for the step."""
        temperature = temperature_of_batch(
            self.inst_log if self.learns_instances else None,
            self.class_log if self.learns_classes else None,
            index,
            labels,
        ).to(dtype)
        if torch.is_grad_enabled():
            temperature.requires_grad_()
            self._pending.add(Forward(index, labels, temperature))
        return temperature

    def _update(
        self, index: Tensor, labels: Tensor, gradient: Tensor, is_sample: Tensor | None
    ) -> None:
        """Step the instances and classes of a batch, by dL/dsigma (B,) of its samples."""
        for values, momenta, entries, rate, decay in (
            (self.inst_log, self.inst_momentum, index, self.lr_inst, self.wd_inst),
            (self.class_log, self.class_momentum, labels, self.lr_class, self.wd_class),
        ):
            if rate is not None:
                sparse_momentum_step(
                    values,
                    momenta,
                    entries,
                    gradient * values[entries].exp(),
                    learning_rate=rate,
                    momentum=self.momentum,
                    # What pads the shares of processes is not decayed.
                    weight_decay=is_sample * decay if is_sample is not None and decay else decay,
                    clamp=self.clamp,
                )

    def _raise_reported(self, *, wait: bool) -> None:
        """Raise the error of a batch that was wrong, unless a gradient scaler skips it."""
        complaint = self._checks.complaint(wait=wait)
        if complaint is not None:
            self._pending.forget()
            raise ArgumentError(complaint)
