"""Many strings in two arrays, without an object for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.sources.arrow_types import arrow_array, numpy_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_AT_ONCE = 4096


class TextColumn(Sequence[str]):
    """A sequence of strings that takes a few bytes beside their letters.

    Processes that are forked share it: looking at it writes nothing, not even reference counts.

    Args:
        values: Strings, or an Arrow array of strings.

    Example:
        >>> names = TextColumn(["a.jpg", "b.jpg", "c.jpg"])
        >>> names[1], len(names), list(names.take(np.array([2, 0])))
        ('b.jpg', 3, ['c.jpg', 'a.jpg'])
        >>> names.find(["c.jpg", "d.jpg"]).tolist()
        [2, -1]
    """

    def __init__(self, values: Iterable[str] | pa.Array) -> None:
        array: Any = values
        if not isinstance(values, (pa.Array, pa.ChunkedArray)):
            array = _strings(values)
        array = array.cast(pa.large_string())
        self.arrow: Any = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array

    def __len__(self) -> int:
        return len(self.arrow)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> TextColumn: ...
    def __getitem__(self, place: int | slice) -> str | TextColumn:
        if isinstance(place, slice):
            return TextColumn(self.arrow[place])
        text: str = self.arrow[place].as_py()
        return text

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self.arrow.slice(start, _AT_ONCE).to_pylist()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TextColumn):
            return bool(self.arrow.equals(other.arrow))
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def take(self, places: NDArray[np.integer]) -> TextColumn:
        """Take the strings at some places, in the order wanted."""
        return TextColumn(self.arrow.take(arrow_array(places)))

    def find(self, sought: Iterable[str]) -> NDArray[np.int64]:
        """The place of each of some strings, (n,); -1 where it is not there."""
        wanted = _strings(sought)
        places = pc.fill_null(pc.index_in(wanted, value_set=self.arrow), -1)
        return np.asarray(numpy_array(places), dtype=np.int64)

    def contents(self) -> tuple[NDArray[np.int64], memoryview]:
        """The number of bytes of each string, (n,), and the bytes of all one after the other."""
        _, offsets, letters = self.arrow.buffers()
        places = np.frombuffer(offsets, np.int64)[self.arrow.offset :][: len(self) + 1]
        joined = memoryview(letters if letters is not None else b"")
        return np.diff(places), joined[places[0] : places[-1]]


def _strings(values: Iterable[str]) -> pa.Array:
    plain = values if hasattr(values, "to_arrow") else list(values)
    return arrow_array(plain, pa.large_string())
