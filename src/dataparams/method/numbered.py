"""Numbers by which compiled graphs know modules, since a graph cannot hold the module itself."""

from __future__ import annotations

from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from torch import nn

_modules: WeakValueDictionary[int, Numbered] = WeakValueDictionary()
_numbers = count()


class Numbered(nn.Module):
    """A module with a number of its own in this process; a copy gets another.

    Args:
        arguments: For the next class.

    Example:
        >>> module = Numbered()
        >>> module_of_number(module.graph_number) is module
        True
    """

    graph_number: int

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._take_number()

    def _take_number(self) -> None:
        self.graph_number = next(_numbers)
        _modules[self.graph_number] = self

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._take_number()


def module_of_number(number: int) -> Any:
    """The module that has this number."""
    return _modules[number]
