"""A wrapper that makes a dataset return each sample's index."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset, IterableDataset

if TYPE_CHECKING:
    from collections.abc import Sequence


class IndexedDataset(Dataset[Any]):
    """A map-style dataset whose items carry their own index.

    ``(image, label)`` becomes ``(image, label, i)``; a mapping gets the key ``"index"``; anything
    else becomes ``(item, i)``.

    Args:
        dataset: Any dataset with ``__getitem__`` and ``__len__``.

    Raises:
        TypeError: If the dataset can only be iterated over, so that its samples have no index.

    Example:
        >>> dataset = IndexedDataset([("cat.jpg", 0), ("dog.jpg", 1)])
        >>> dataset[1], len(dataset)
        (('dog.jpg', 1, 1), 2)
        >>> IndexedDataset([{"image": "cat.jpg"}])[0]
        {'image': 'cat.jpg', 'index': 0}
    """

    def __init__(self, dataset: Any) -> None:
        is_map_style = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
        if isinstance(dataset, IterableDataset) or not is_map_style:
            raise TypeError(
                f"dataset is a {type(dataset).__name__}, which has no samples by index; expected "
                "a map-style dataset with __getitem__ and __len__, so that each sample keeps its "
                "number from epoch to epoch."
            )
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        position = self._position(index)
        return _with_index(self.dataset[position], position)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Fetch several items, by the dataset's own ``__getitems__`` if it has one."""
        positions = [self._position(index) for index in indices]
        fetch = getattr(self.dataset, "__getitems__", None)
        items = fetch(positions) if fetch else [self.dataset[i] for i in positions]
        return [_with_index(item, i) for item, i in zip(items, positions, strict=True)]

    def _position(self, index: int) -> int:
        """Count a negative index from the end: -1 would be a second number for one sample."""
        position = operator.index(index)
        position += len(self) if position < 0 else 0
        if not 0 <= position < len(self):
            raise IndexError(f"index is {index}; expected 0 ... {len(self) - 1}.")
        return position


def _with_index(item: Any, index: int) -> Any:
    if isinstance(item, tuple):
        return (*item, index)
    if isinstance(item, Mapping):
        if "index" in item:
            raise ValueError(
                f"Item {index} has a key 'index' already; expected none. Rename that column first."
            )
        return {**item, "index": index}
    return item, index
