"""The cross-entropy, with the checks that the loss with data parameters has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dataparams.errors import ArgumentError
from dataparams.method.checks import DeferredChecks, require_batch
from dataparams.method.functional import reduced

if TYPE_CHECKING:
    from dataparams.method.functional import Reduction


class PlainLoss:
    """What stands in for ``DataParameters`` where no temperature is learned.

    Args:
        num_instances: N.
        num_classes: C.

    Example:
        >>> loss = PlainLoss(num_instances=5, num_classes=2)
        >>> loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), torch.tensor([4]))
        tensor(0.6931)
    """

    def __init__(self, num_instances: int, num_classes: int) -> None:
        self.num_classes = num_classes
        self._checks = DeferredChecks(num_instances, num_classes)

    def __call__(
        self, logits: Tensor, labels: Tensor, index: Tensor, reduction: Reduction = "mean"
    ) -> Tensor:
        """The loss of a batch; arguments and errors are those of ``DataParameters.forward``."""
        require_batch(logits, labels, index, self.num_classes, is_training=True)
        self._raise_reported(wait=False)
        complaint = None
        if logits.device.type == "cpu":
            complaint = self._checks.complaint_about_range(labels, index)
        if complaint is not None:
            raise ArgumentError(complaint)
        safe_labels, _, in_range = self._checks.in_range(labels, index)
        with torch.autocast(logits.device.type, enabled=False):
            exact = logits if logits.dtype == torch.float64 else logits.float()
            each = nn.functional.cross_entropy(exact, safe_labels, reduction="none")
            loss = reduced(each, reduction)
        self._checks.add(
            (exact, labels, index), loss, in_range, may_overflow=_is_half_precise(logits)
        )
        self._raise_reported(wait=False)
        return loss

    def step(self, scaler: torch.amp.GradScaler | None = None, **_: object) -> None:
        """Learn nothing, and say what was wrong with an earlier batch."""
        self._checks.skips_overflow = scaler is not None and scaler.is_enabled()
        self._raise_reported(wait=False)

    def synchronize(self) -> None:
        """Wait for the device and raise the error of any batch so far that was wrong."""
        self._raise_reported(wait=True)

    def to(self, _: torch.device) -> PlainLoss:
        """Nothing lies on a device."""
        return self

    def state_dict(self) -> dict[str, Any]:
        """Nothing is kept."""
        return {}

    def load_state_dict(self, _: dict[str, Any]) -> None:
        """Nothing is kept."""

    def _raise_reported(self, *, wait: bool) -> None:
        complaint = self._checks.complaint(wait=wait)
        if complaint is not None:
            raise ArgumentError(complaint)


def _is_half_precise(logits: Tensor) -> bool:
    """Whether logits were made with float16, which goes with a gradient scaler."""
    device = logits.device.type
    is_cast = torch.is_autocast_enabled(device)
    return logits.dtype == torch.float16 or (
        is_cast and torch.get_autocast_dtype(device) == torch.float16
    )
