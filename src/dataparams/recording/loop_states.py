"""The states of all objects of a loop, and of its random numbers, over all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch

from dataparams.errors import RunError
from dataparams.method.exchange import world_size
from dataparams.recording.agreement import gathered, rank
from dataparams.recording.states import (
    is_same_everywhere,
    kind_of,
    random_states,
    require_states,
    set_random_states,
    set_state,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class LoopStates:
    """What a loop goes on from, beside its data parameters.

    A model, an optimizer, a scheduler and a gradient scaler are the same in all processes; samplers
    and generators each process has of its own.

    Args:
        objects: What the loop is made of.

    Raises:
        ArgumentError: If one of them has no state that can be kept.

    Example:
        >>> generator = torch.Generator().manual_seed(5)
        >>> states = LoopStates([generator])
        >>> state = states.state(torch.device("cpu"))
        >>> drawn = torch.rand(2, generator=generator), torch.rand(2)
        >>> states.restore(state, torch.device("cpu"))
        >>> again = torch.rand(2, generator=generator), torch.rand(2)
        >>> all(map(torch.equal, drawn, again))
        True
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        require_states(objects)
        self._objects = list(objects)

    def state(self, device: torch.device) -> dict[str, Any]:
        """The states; all processes must call it.

        Args:
            device: Whose random numbers the loop draws, beside the CPU's.
        """
        shared = [state_of(one) if is_same_everywhere(one) else None for one in self._objects]
        own = [None if is_same_everywhere(one) else state_of(one) for one in self._objects]
        every = gathered((own, random_states(device)))
        return {
            "kinds": list(map(kind_of, self._objects)),
            "objects": shared,
            "own": [states for states, _ in every],
            "random_states": [states for _, states in every],
        }

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Go back to what :meth:`state` gave.

        Another number of processes than then takes the first one's samplers, and draws other random
        numbers.

        Raises:
            RunError: If these are states of other objects.
        """
        kinds = list(map(kind_of, self._objects))
        if kinds != state["kinds"]:
            raise RunError(
                f"The run was begun with {', '.join(state['kinds'])}, and is now given "
                f"{', '.join(kinds)}. Give the same in the same order, or `restart=True` to start "
                "anew."
            )
        is_same_count = len(state["own"]) == world_size()
        own = state["own"][rank() if is_same_count else 0]
        for one, shared, of_process in zip(self._objects, state["objects"], own, strict=True):
            set_state(one, shared if is_same_everywhere(one) else of_process)
        set_random_states(state["random_states"][rank() if is_same_count else 0], device)
        if not is_same_count:
            torch.manual_seed(torch.initial_seed() + rank())


def first_of(objects: Sequence[Any], kind: type[T]) -> T | None:
    """The first object of a kind; None where there is none."""
    return next((one for one in objects if isinstance(one, kind)), None)


def device_of(objects: Sequence[Any]) -> torch.device:
    """Where the model among some objects computes; the CPU where there is none."""
    model = first_of(objects, torch.nn.Module)
    weights = None if model is None else next(model.parameters(), None)
    return torch.device("cpu") if weights is None else weights.device
