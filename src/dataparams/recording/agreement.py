"""What the processes of a loop agree on, over the connections that the loop opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch.distributed as dist

from dataparams.errors import UserError
from dataparams.method.exchange import world_size

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def rank() -> int:
    """The number of this process; 0 where there is but one."""
    return dist.get_rank() if world_size() > 1 else 0


def on_first(action: Callable[[], T]) -> T:
    """Let the first process act; all get what it returns, or the user's error that it raises.

    Example:
        >>> on_first(lambda: 5)
        5
    """
    if world_size() == 1:
        return action()
    outcome = [_attempted(action) if rank() == 0 else (None, None)]
    dist.broadcast_object_list(outcome, src=0)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def gathered(value: T) -> list[T]:
    """The value of each process, by rank.

    Example:
        >>> gathered("here")
        ['here']
    """
    if world_size() == 1:
        return [value]
    values: list[T] = [value] * world_size()
    dist.all_gather_object(values, value)
    return values


def _attempted(action: Callable[[], T]) -> tuple[T | None, UserError | None]:
    try:
        return action(), None
    except UserError as error:
        return None, error
