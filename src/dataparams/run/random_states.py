"""The states of PyTorch's random number generators, such as dropout draws from."""

from __future__ import annotations

import torch
from torch import Tensor


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The generators' states in this process: the CPU's, and the device's where it has its own.

    Example:
        >>> state = random_state(torch.device("cpu"))
        >>> drawn = torch.rand(3)
        >>> set_random_state(state, torch.device("cpu"))
        >>> bool((torch.rand(3) == drawn).all())
        True
    """
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["device"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Go back to a state; one of another kind of device sets the CPU's generator alone."""
    torch.set_rng_state(state["cpu"])
    if "device" not in state:
        return
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["device"])
