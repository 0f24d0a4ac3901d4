"""The states that a loop goes on from: of what it is made of, and of the random numbers."""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from dataparams.errors import ArgumentError, RunError
from dataparams.run.random_states import random_state, set_random_state

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME_EVERYWHERE = (
    nn.Module,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    torch.amp.GradScaler,
)
_ARRAY = "numpy array"
_PLAIN = (bool, int, float, complex, str, torch.Size, torch.dtype, torch.device)


def require_states(objects: Sequence[Any]) -> None:
    """Raise ArgumentError unless each of the objects can be kept and gone on from.

    Example:
        >>> require_states([nn.Linear(2, 2), torch.Generator()])
        >>> require_states(["adam"])
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: 'adam' cannot be gone on from; expected a model, an
        optimizer, a scheduler, a gradient scaler, a sampler with state_dict() and
        load_state_dict(), or a random number generator.
    """
    for one in objects:
        if not _is_generator(one) and not (
            hasattr(one, "state_dict") and hasattr(one, "load_state_dict")
        ):
            raise ArgumentError(
                f"{one!r} cannot be gone on from; expected a model, an optimizer, a scheduler, a "
                "gradient scaler, a sampler with state_dict() and load_state_dict(), or a random "
                "number generator."
            )
        state_of(one)


def is_same_everywhere(one: Any) -> bool:
    """Whether an object has the same state in all processes, as a model has."""
    return isinstance(one, _SAME_EVERYWHERE)


def kind_of(one: Any) -> str:
    """What an object is called, to tell whether a run goes on with the same ones."""
    return type(_bare(one)).__name__


def state_of(one: Any) -> Any:
    """The state of an object: tensors and plain values, which any file of tensors can hold.

    Raises:
        ArgumentError: If its state holds something else.
    """
    one = _bare(one)
    if isinstance(one, torch.Generator):
        return one.get_state()
    if isinstance(one, random.Random):
        return _plain(one.getstate(), one)
    if isinstance(one, np.random.Generator):
        return _plain(one.bit_generator.state, one)
    if isinstance(one, np.random.RandomState):
        return _plain(one.get_state(), one)
    state = one.state_dict()
    if isinstance(one, nn.Module) and all(isinstance(value, Tensor) for value in state.values()):
        return state
    return _plain(state, one)


def set_state(one: Any, state: Any) -> None:
    """Bring an object back to a state.

    Raises:
        RunError: If it does not fit.
    """
    one = _bare(one)
    try:
        if isinstance(one, torch.Generator):
            one.set_state(state)
        elif isinstance(one, random.Random):
            one.setstate(_restored(state))
        elif isinstance(one, np.random.Generator):
            one.bit_generator.state = _restored(state)
        elif isinstance(one, np.random.RandomState):
            one.set_state(_restored(state))
        else:
            one.load_state_dict(_restored(state))
    except (KeyError, IndexError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"The state of the {type(one).__name__} that the run was begun with does not fit: "
            f"{error}. Give what it was begun with, or `restart=True` to start anew."
        ) from error


def random_states(device: torch.device) -> dict[str, Any]:
    """The states of the generators that all share: PyTorch's, Python's and NumPy's.

    Example:
        >>> states = random_states(torch.device("cpu"))
        >>> drawn = random.random(), np.random.rand(), torch.rand(())
        >>> set_random_states(states, torch.device("cpu"))
        >>> drawn == (random.random(), np.random.rand(), torch.rand(()))
        True
    """
    return {
        "torch": random_state(device),
        "python": _plain(random.getstate(), random),
        "numpy": _plain(np.random.get_state(), np.random),  # noqa: NPY002 - loops draw from it
    }


def set_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Go back to states that :func:`random_states` gave."""
    set_random_state(states["torch"], device)
    random.setstate(_restored(states["python"]))
    np.random.set_state(_restored(states["numpy"]))  # noqa: NPY002 - loops draw from it


def _bare(one: Any) -> Any:
    """A model without what parallel training or a compiler wraps it in."""
    while isinstance(one, nn.Module):
        inner = getattr(one, "_orig_mod", None)
        if inner is None and type(one).__name__ in ("DistributedDataParallel", "DataParallel"):
            inner = one.module
        if inner is None:
            break
        one = inner
    return one


def _is_generator(one: Any) -> bool:
    kinds = (torch.Generator, random.Random, np.random.Generator, np.random.RandomState)
    return isinstance(one, kinds)


def _plain(value: Any, owner: Any) -> Any:
    """The same with NumPy's numbers and arrays as plain ones, which files of tensors can hold."""
    if value is None or isinstance(value, Tensor) or type(value) in _PLAIN:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        stored = np.ascontiguousarray(value)
        numbers = torch.from_numpy(stored.reshape(-1).view(np.uint8).copy())
        return {_ARRAY: numbers, "dtype": stored.dtype.str, "shape": list(stored.shape)}
    if isinstance(value, OrderedDict | Counter) or type(value) is dict or hasattr(value, "items"):
        items = {_key(key, owner): _plain(one, owner) for key, one in value.items()}
        return type(value)(items) if isinstance(value, OrderedDict | Counter) else items
    if isinstance(value, list | tuple | set):
        return _sequence(value)([_plain(one, owner) for one in value])
    raise ArgumentError(
        f"The state_dict() of the {type(owner).__name__} holds a {type(value).__name__}; expected "
        "tensors and plain values, which can be kept and read again without trusting the file."
    )


def _sequence(value: Any) -> type:
    return next(kind for kind in (list, tuple, set) if isinstance(value, kind))


def _key(key: Any, owner: Any) -> Any:
    plain = _plain(key, owner)
    return plain if isinstance(plain, str | int | float | bool | tuple) else str(plain)


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and _ARRAY in value:
        numbers = np.frombuffer(value[_ARRAY].numpy().tobytes(), np.dtype(value["dtype"]))
        return numbers.reshape(value["shape"]).copy()
    if isinstance(value, OrderedDict):
        for key, one in value.items():
            value[key] = _restored(one)
        return value
    if isinstance(value, Counter):
        return value
    if isinstance(value, dict):
        return {key: _restored(one) for key, one in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)([_restored(one) for one in value])
    return value
