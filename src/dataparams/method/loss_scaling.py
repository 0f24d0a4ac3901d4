"""Following a gradient scaler: its factor undone, its decision to skip a step shared."""

from __future__ import annotations

import torch
from torch import Tensor


def marked_where_skipped(gradient: Tensor, scaler: torch.amp.GradScaler) -> Tensor:
    """The gradient, infinite where the scaler found an overflow in those of the model.

    Marked before processes exchange their gradients, so that all of them skip the step.
    """
    for state in scaler._per_optimizer_states.values():
        for found in state["found_inf_per_device"].values():
            overflow = found.to(gradient.device) > 0
            gradient = torch.where(overflow, torch.inf, gradient)
    return gradient


def unscaled(gradient: Tensor, scaler: torch.amp.GradScaler) -> Tensor | None:
    """The gradient without the scaler's factor, or None where the step is skipped."""
    return gradient / scaler.get_scale() if bool(torch.isfinite(gradient).all()) else None
