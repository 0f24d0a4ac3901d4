"""Checks of numbers that a caller gives; they need no PyTorch."""

from __future__ import annotations

import math


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


def require_at_least_one(**arguments: float) -> None:
    """Raise ValueError for the first argument that is below 1 or not finite."""
    for name, value in arguments.items():
        if not (value >= 1 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; expected a number, 1 or above.")


def require_momentum(momentum: float) -> None:
    """Raise ValueError unless 0 <= momentum < 1."""
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is {momentum}; expected 0 <= momentum < 1.")


def require_clamp(clamp: tuple[float, float] | None) -> None:
    """Raise ValueError unless the lowest temperature is above 0 and below the highest."""
    if clamp is not None and not 0 < clamp[0] < clamp[1]:
        raise ValueError(f"clamp is {clamp}; expected (lowest, highest) with 0 < lowest < highest.")
