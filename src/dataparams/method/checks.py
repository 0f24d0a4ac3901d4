"""Checks of settings and shapes, at once, and of values, without making a step wait."""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from dataparams.errors import ArgumentError, is_finite
from dataparams.method.exchange import world_size

Batch = tuple[Tensor, Tensor, Tensor]
"""Logits (B, C), labels (B,) and index (B,)."""

NOT_FINITE = (
    "`logits` are so large that the loss is not finite; expected logits that a softmax can take. "
    "Lower the model's learning rate or clip its gradients."
)
GRADIENT_NOT_FINITE = (
    "the gradient of the loss is not finite, so that the data parameters were left as they are; "
    "expected a finite one. Where a gradient scaler is in use, give it: step(scaler). Otherwise "
    "lower the model's learning rate or clip its gradients."
)


def require_settings(
    *,
    positive: dict[str, float],
    not_negative: dict[str, float],
    rates: dict[str, float | None],
    momentum: float,
    clamp: tuple[float, float] | None,
) -> None:
    """Raise ArgumentError for the first argument that is out of its range.

    Args:
        positive: Arguments by name that must be finite and above 0.
        not_negative: Arguments that must be finite, 0 or above.
        rates: The learning rates, likewise; None where not used, but not all of them.
        momentum: In [0, 1).
        clamp: Above 0, the first below the second; or None.
    """
    for name, value in positive.items():
        if not (is_finite(value) and value > 0):
            raise ArgumentError(f"`{name}` is {value}; expected a number above 0.")
    given = {name: rate for name, rate in rates.items() if rate is not None}
    for name, value in {**given, **not_negative}.items():
        if not (is_finite(value) and value >= 0):
            raise ArgumentError(f"`{name}` is {value}; expected a finite number, 0 or above.")
    if not given:
        raise ArgumentError(
            "`lr_inst` and `lr_class` are both None; expected a learning rate for the instance "
            "parameters (`lr_inst`), the class parameters (`lr_class`), or both."
        )
    if not (is_finite(momentum) and 0 <= momentum < 1):
        raise ArgumentError(f"`momentum` is {momentum}; expected 0 <= momentum < 1.")
    if clamp is not None and not 0 < clamp[0] < clamp[1]:
        raise ArgumentError(
            f"`clamp` is {clamp}; expected (lowest, highest) with 0 < lowest < highest."
        )


def require_batch(
    logits: Tensor, labels: Tensor, index: Tensor | None, num_classes: int, *, is_training: bool
) -> None:
    """Raise an error unless a batch has the right types, shapes and device; values come later."""
    require_logits(logits, num_classes)
    require_integers("labels", labels, logits)
    if index is not None:
        require_integers("index", index, logits)
    elif is_training:
        raise ArgumentError(
            "`index` is None; expected the (batch,) indices of the samples in the training set. "
            "IndexedDataset gives them where a data set has none; eval() needs none."
        )


def require_logits(logits: Tensor, num_classes: int) -> None:
    """Raise an error unless logits are a floating (batch, num_classes) tensor."""
    require_tensor("logits", logits, f"(batch, {num_classes})")
    if logits.ndim != 2 or logits.shape[1] != num_classes:
        raise ArgumentError(
            f"`logits` has shape {tuple(logits.shape)}; expected (batch, {num_classes}), "
            "a logit per class."
        )
    if not logits.is_floating_point():
        raise ArgumentError(f"`logits` has dtype {logits.dtype}; expected a floating dtype.")
    # Of several processes, one may be left without a sample, and must take the step all the same.
    if not len(logits) and world_size() == 1:
        raise ArgumentError(
            f"`logits` has shape {tuple(logits.shape)}, an empty batch, whose mean loss is not a "
            "number; expected one sample or more. Skip batches without samples."
        )


def require_integers(name: str, values: Tensor, logits: Tensor) -> None:
    """Raise an error unless ``values`` is (batch,) integers on the device of ``logits``."""
    require_tensor(name, values, f"({len(logits)},)")
    if values.shape != logits.shape[:1]:
        raise ArgumentError(
            f"`{name}` has shape {tuple(values.shape)}; expected ({len(logits)},), "
            "one for each row of `logits`."
        )
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise ArgumentError(f"`{name}` has dtype {values.dtype}; expected torch.int64.")
    if values.device != logits.device:
        raise ArgumentError(
            f"`{name}` is on {values.device}, but `logits` is on {logits.device}; "
            "expected both on one device."
        )


def require_loss_arguments(logits: Tensor, labels: Tensor, temperature: Tensor) -> None:
    """Raise an error unless logits are (B, C), and labels and temperatures (B,) tensors."""
    require_tensor("logits", logits, "(batch, classes)")
    if logits.ndim != 2:
        raise ArgumentError(
            f"`logits` has shape {tuple(logits.shape)}; expected (batch, classes), a logit per "
            "class."
        )
    for name, values in (("labels", labels), ("temperature", temperature)):
        require_tensor(name, values, f"({len(logits)},)")
        if values.shape != logits.shape[:1]:
            raise ArgumentError(
                f"`{name}` has shape {tuple(values.shape)}; expected ({len(logits)},), "
                "one for each row of `logits`."
            )


def require_tensor(name: str, values: Tensor, shape: str) -> None:
    """Raise TypeError for a list, a NumPy array or anything else that is no tensor."""
    if not isinstance(values, Tensor):
        kind = type(values)
        origin = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise TypeError(
            f"`{name}` is a {origin}{kind.__qualname__}; expected a torch.Tensor of shape {shape} "
            f"on the device of `logits`. torch.as_tensor({name}) makes one of a list or a NumPy "
            "array."
        )


class DeferredChecks:
    """Checks of the batches' values, in order, that wait for the device to report.

    Args:
        num_instances: N; an index is in 0 ... N-1.
        num_classes: C; a label is in 0 ... C-1.
    """

    def __init__(self, num_instances: int, num_classes: int) -> None:
        self.num_instances, self.num_classes = num_instances, num_classes
        self.skips_overflow: bool | None = None
        """Whether a gradient scaler skips what overflows; None: unknown before the first step."""
        self._waiting: deque[_DeferredCheck] = deque()

    def in_range(self, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Labels and index (B,) that are safe to use, and whether none of them had to be moved.

        On the CPU they are not looked at (None): there the kernels refuse what is out of range.
        """
        if kernels_check_range(labels):
            return labels.long(), index.long(), None
        safe_labels = labels.clamp(0, self.num_classes - 1)
        safe_index = index.clamp(0, self.num_instances - 1)
        in_range = ((safe_labels == labels) & (safe_index == index)).all()
        return safe_labels.long(), safe_index.long(), in_range

    def add(
        self, batch: Batch, loss: Tensor, in_range: Tensor | None, *, may_overflow: bool
    ) -> None:
        """Check that the loss is finite, and what :meth:`in_range` returned.

        Args:
            batch: What the loss is of, for the message.
            loss: A scalar or (B,).
            in_range: A boolean scalar; None where labels and index are known to be in range.
            may_overflow: Whether float16, which goes with a gradient scaler, may be the cause.
        """
        total = loss.detach().sum()
        if in_range is not None:
            ok = in_range & torch.isfinite(total)
        elif math.isfinite(total.item()):
            return
        else:
            ok = torch.tensor(False)
        self._waiting.append(_DeferredCheck(ok, batch, may_overflow=may_overflow))

    def complaint(self, *, wait: bool) -> str | None:
        """What was wrong with a batch, and forget all checks; None where nothing is known to be.

        Args:
            wait: Wait for the device, in place of leaving what it has not reported for later.
        """
        while self._waiting and (wait or self._waiting[0].has_arrived()):
            if self.skips_overflow is None and self._waiting[0].may_overflow:
                return None
            check = self._waiting.popleft()
            if not check.is_ok():
                complaint = self.complaint_about(check.batch)
                if complaint is not None:
                    self._waiting.clear()
                    return complaint
        return None

    def complaint_about(self, batch: Batch) -> str | None:
        """What is wrong with a batch; None for an overflow that a scaler skips."""
        logits, labels, index = batch
        outside = self.complaint_about_range(labels, index)
        return outside or (None if self.skips_overflow else complaint_about_logits(logits, labels))

    def complaint_about_range(self, labels: Tensor, index: Tensor) -> str | None:
        """Which label or index is out of its range; None where all are in it."""
        for name, values, limit, unit in (
            ("labels", labels, self.num_classes, "classes"),
            ("index", index, self.num_instances, "instances"),
        ):
            outside = values[(values < 0) | (values >= limit)]
            if outside.numel():
                return (
                    f"`{name}` contains {int(outside[0])}; expected 0 ... {limit - 1}, "
                    f"since there are {limit} {unit}."
                )
        return None


class _DeferredCheck:
    """One boolean that travels from the device while the step goes on."""

    def __init__(self, ok: Tensor, batch: Batch, *, may_overflow: bool) -> None:
        self.batch: Batch = (batch[0].detach(), batch[1], batch[2])
        self.may_overflow = may_overflow
        self._arrival: torch.cuda.Event | None = None
        if ok.is_cuda:
            self._ok = torch.empty((), dtype=torch.bool, pin_memory=True)
            self._ok.copy_(ok, non_blocking=True)
            self._arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrival.record()
        else:
            self._ok = ok

    def has_arrived(self) -> bool:
        """Whether it can be read without waiting."""
        return self._arrival is None or bool(self._arrival.query())  # type: ignore[no-untyped-call]

    def is_ok(self) -> bool:
        """Its value; waits for it where it has not arrived."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return bool(self._ok)


def kernels_check_range(values: Tensor) -> bool:
    """Whether the device's own kernels refuse an index out of range, at no further cost."""
    return values.device.type == "cpu"


def complaint_about_logits(logits: Tensor, labels: Tensor) -> str:
    """Say which logit makes the loss infinite or not a number; labels are in their range."""
    is_label = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, labels.long()[:, None], True)
    is_masked = torch.isneginf(logits) & ~is_label
    is_wrong = ~torch.isfinite(logits) & ~is_masked
    rows = is_wrong.any(dim=1).nonzero().squeeze(1)
    if not rows.numel():
        return NOT_FINITE
    row = int(rows[0])
    column = int(is_wrong[row].nonzero()[0])
    of_label = ", for the label itself" if bool(is_label[row, column]) else ""
    return (
        f"`logits` contains {float(logits[row, column])} in row {row}{of_label} ({len(rows)} of "
        f"{len(logits)} rows); expected finite numbers, or -inf for a masked class, which is never "
        "the label. Lower the model's learning rate or clip its gradients."
    )
