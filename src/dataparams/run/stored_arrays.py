"""NumPy arrays inside a torch file, as the first implementation wrote them; NumPy unpickles none.

What ``torch.load`` allows by name may be called with anything that the file says, and NumPy's own
reconstruction trusts it: a file may tell it, for example, that numbers are pointers. So plain
stand-ins take the place of the three names that an array of numbers needs, keep what the file says,
and the array is made of its bytes once all of it was checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_ITEMS = ("f4", "f8")
_BYTE_ORDERS = ("<", ">")
_STATE_LENGTH = 5


class _StoredType:
    """Stands in for ``numpy.dtype``: what kind of item an array has."""

    def __init__(self, item: object = None, *_: object) -> None:
        self.item = item
        self.byte_order: object = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = state[1]


class StoredArray:
    """Stands in for ``numpy.ndarray``: shape, item and bytes, as a file has them."""

    def __init__(self, *_: object) -> None:
        self._state: object = None

    def __setstate__(self, state: object) -> None:
        self._state = state

    def tensor(self) -> torch.Tensor:
        """The array as a tensor, (N,), float32, in this machine's byte order.

        Raises:
            ValueError: If it is not a one-dimensional array of float32 or float64, or has other
                bytes than it says.
        """
        if not isinstance(self._state, tuple) or len(self._state) != _STATE_LENGTH:
            raise ValueError("an array without contents")
        _, shape, kind, _, contents = self._state
        if not (
            isinstance(kind, _StoredType)
            and isinstance(kind.item, str)
            and isinstance(kind.byte_order, str)
            and kind.item in _ITEMS
            and kind.byte_order in _BYTE_ORDERS
            and isinstance(contents, bytes)
            and isinstance(shape, tuple)
            and len(shape) == 1
        ):
            raise ValueError("not a one-dimensional array of float32 or float64")
        item = np.dtype(f"{kind.byte_order}{kind.item}")
        if len(contents) != shape[0] * item.itemsize:
            raise ValueError("an array that is longer or shorter than it says")
        with np.errstate(over="ignore"):
            return torch.from_numpy(np.frombuffer(contents, dtype=item).astype(np.float32))


def _reconstruct(kind: type[StoredArray], *_: object) -> StoredArray:
    """Stands in for NumPy's function of that name, which makes an array that is yet empty."""
    if kind is not StoredArray:
        raise ValueError("an array of an unknown class")
    return StoredArray()


STAND_INS: tuple[tuple[Callable[..., Any], str], ...] = (
    (StoredArray, "numpy.ndarray"),
    (_StoredType, "numpy.dtype"),
    (_reconstruct, "numpy.core.multiarray._reconstruct"),
    (_reconstruct, "numpy._core.multiarray._reconstruct"),
)
"""For ``torch.serialization.safe_globals``: what NumPy 1 and NumPy 2 write, and what it becomes."""
