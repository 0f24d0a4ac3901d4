"""Checks of what a caller hands to the loss: shapes at once, values without making it wait."""

from __future__ import annotations

import math

import torch
from torch import Tensor

NOT_FINITE = (
    "logits are so large that the loss is not finite; expected logits that a softmax can take. "
    "Lower the model's learning rate or clip its gradients."
)


class DeferredCheck:
    """A verdict on a batch that travels from the device without anybody waiting for it."""

    def __init__(self, ok: Tensor, logits: Tensor, labels: Tensor, index: Tensor) -> None:
        self._batch = (logits, labels, index)
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

    def complaint(self, num_instances: int, num_classes: int) -> str:
        """What was wrong with the batch."""
        return complaint_about(*self._batch, num_instances, num_classes) or NOT_FINITE


def complaint_about(
    logits: Tensor, labels: Tensor, index: Tensor, num_instances: int, num_classes: int
) -> str | None:
    """Say which argument was wrong; looks at values, since the run ends here anyway.

    Returns:
        The message, or None where all values are as they should be.
    """
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
    rows = (~torch.isfinite(logits)).any(dim=1).nonzero().squeeze(1)
    if not rows.numel():
        return None
    value = logits[rows[0]][~torch.isfinite(logits[rows[0]])][0]
    return (
        f"logits contains {float(value)} in row {int(rows[0])} ({len(rows)} of {len(logits)} "
        "rows); expected finite numbers. Lower the model's learning rate or clip its gradients."
    )


def require_positive(**arguments: float) -> None:
    """Raise ValueError for the first argument that is not a finite number above 0."""
    for name, value in arguments.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; expected a number above 0.")


def require_not_negative(**arguments: float | None) -> None:
    """Raise ValueError for the first argument that is below 0 or not finite; None is allowed."""
    for name, value in arguments.items():
        if value is not None and not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; expected a finite number, 0 or above.")


def require_batch_of_integers(name: str, values: Tensor, logits: Tensor) -> None:
    """Raise ValueError unless ``values`` is a (batch,) tensor of integers beside ``logits``."""
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
