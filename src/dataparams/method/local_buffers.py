"""Buffers that are saved, loaded and moved like any, but not broadcast by DDP at every step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from dataparams.method.exchange import broadcast_from_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self


class LocalBuffers(nn.Module):
    """A module whose buffers DDP does not broadcast, since equal updates keep them equal.

    ``DistributedDataParallel`` broadcasts the registered buffers of the module that it wraps at
    every forward: a cost of O(instances) a step for values that are equal already. These are
    therefore plain attributes, and buffers only while a state dict is written or read and while the
    module is moved or cast. They keep their dtype when a model around them is cast.

    Args:
        buffers: The tensors by name; each becomes an attribute, and a key of the state dict.

    Example:
        >>> import torch
        >>> module = LocalBuffers(values=torch.zeros(3))
        >>> list(module.state_dict()), len(list(module.buffers())), module.half().values.dtype
        (['values'], 0, torch.float32)
    """

    def __init__(self, **buffers: Tensor) -> None:
        super().__init__()
        self._local_names = tuple(buffers)
        self._agree = False
        for name, buffer in buffers.items():
            setattr(self, name, buffer)

    def agree(self) -> None:
        """Take the first process's values, once.

        ``DistributedDataParallel`` does so with parameters and buffers when it wraps a model.
        """
        if not self._agree:
            broadcast_from_first([getattr(self, name) for name in self._local_names])
            self._agree = True

    @contextmanager
    def _registered(self) -> Iterator[None]:
        """Put the attributes where modules look for buffers."""
        for name in self._local_names:
            self._buffers[name] = self.__dict__.pop(name)
        try:
            yield
        finally:
            for name in self._local_names:
                self.__dict__[name] = self._buffers.pop(name)

    def _save_to_state_dict(self, *arguments: Any) -> None:
        with self._registered():
            super()._save_to_state_dict(*arguments)

    def _load_from_state_dict(self, *arguments: Any) -> None:
        with self._registered():
            super()._load_from_state_dict(*arguments)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        before = {name: getattr(self, name) for name in self._local_names}
        with self._registered():
            super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in before.items():
            moved = getattr(self, name)
            if moved.dtype != buffer.dtype:
                setattr(self, name, buffer.to(moved.device))
        return self
