"""Checks of what a caller hands to the loss: shapes at once, values without making it wait."""

from __future__ import annotations

import torch
from torch import Tensor

from dataparams.method.exchange import world_size

NOT_FINITE = (
    "logits are so large that the loss is not finite; expected logits that a softmax can take. "
    "Lower the model's learning rate or clip its gradients."
)
GRADIENT_NOT_FINITE = (
    "the gradient of the loss is not finite, so that the data parameters were left as they are; "
    "expected a finite one. Where a gradient scaler is in use, give it: step(scaler). Otherwise "
    "lower the model's learning rate or clip its gradients."
)


class DeferredCheck:
    """A verdict on a batch that travels from the device without anybody waiting for it."""

    def __init__(
        self, ok: Tensor, batch: tuple[Tensor, Tensor, Tensor], *, may_overflow: bool
    ) -> None:
        self._batch = (batch[0].detach(), *batch[1:])
        self._may_overflow = may_overflow
        self._arrival: torch.cuda.Event | None = None
        if ok.is_cuda:
            self._ok = torch.empty((), dtype=torch.bool, pin_memory=True)
            self._ok.copy_(ok, non_blocking=True)
            self._arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrival.record()
        else:
            self._ok = ok

    def has_arrived(self) -> bool:
        """Whether the verdict can be read without waiting."""
        return self._arrival is None or bool(self._arrival.query())  # type: ignore[no-untyped-call]

    def is_ok(self) -> bool:
        """The verdict; waits for it where it has not arrived."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return bool(self._ok)

    @property
    def may_overflow(self) -> bool:
        """Whether float16, which goes with a gradient scaler, may have made it not finite."""
        return self._may_overflow

    def complaint(
        self, num_instances: int, num_classes: int, *, skips_overflow: bool
    ) -> str | None:
        """What was wrong with the batch; None for an overflow where a scaler skips it."""
        logits, labels, index = self._batch
        outside = complaint_about_range(labels, index, num_instances, num_classes)
        return outside or (None if skips_overflow else complaint_about_logits(logits, labels))


def complaint_about_range(
    labels: Tensor, index: Tensor, num_instances: int, num_classes: int
) -> str | None:
    """Say which integer is out of its range; None where all are in it."""
    for name, values, limit, unit in (
        ("labels", labels, num_classes, "classes"),
        ("index", index, num_instances, "instances"),
    ):
        outside = values[(values < 0) | (values >= limit)]
        if outside.numel():
            return (
                f"{name} contains {int(outside[0])}; expected 0 ... {limit - 1}, "
                f"since there are {limit} {unit}."
            )
    return None


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
        f"logits contains {float(logits[row, column])} in row {row}{of_label} ({len(rows)} of "
        f"{len(logits)} rows); expected finite numbers, or -inf for a masked class, which is never "
        "the label. Lower the model's learning rate or clip its gradients."
    )


def require_logits(logits: Tensor, num_classes: int) -> None:
    """Raise TypeError or ValueError unless logits are a floating (batch, num_classes) tensor."""
    require_tensor("logits", logits, f"(batch, {num_classes})")
    if logits.ndim != 2 or logits.shape[1] != num_classes:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)}; expected (batch, {num_classes}), "
            "a logit per class."
        )
    if not logits.is_floating_point():
        raise ValueError(f"logits has dtype {logits.dtype}; expected a floating dtype.")
    # Of several processes, one may be left without a sample, and must take the step all the same.
    if not len(logits) and world_size() == 1:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)}, an empty batch, whose mean loss is not a "
            "number; expected one sample or more. Skip batches without samples."
        )


def require_tensor(name: str, values: Tensor, shape: str) -> None:
    """Raise TypeError for a list, a NumPy array or anything else that is no tensor."""
    if not isinstance(values, Tensor):
        kind = type(values)
        origin = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise TypeError(
            f"{name} is a {origin}{kind.__qualname__}; expected a torch.Tensor of shape {shape} on "
            f"the device of logits. torch.as_tensor({name}) makes one of a list or a NumPy array."
        )


def require_batch_of_integers(name: str, values: Tensor, logits: Tensor) -> None:
    """Raise TypeError or ValueError unless ``values`` is (batch,) integers beside ``logits``."""
    require_tensor(name, values, f"({len(logits)},)")
    if values.shape != logits.shape[:1]:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}; expected ({len(logits)},), "
            "one for each row of logits."
        )
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise ValueError(f"{name} has dtype {values.dtype}; expected torch.int64.")
    if values.device != logits.device:
        raise ValueError(
            f"{name} is on {values.device}, but logits is on {logits.device}; "
            "expected both on one device."
        )
