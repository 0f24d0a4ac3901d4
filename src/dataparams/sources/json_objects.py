"""Reading JSON piece by piece: whole lines, or whole values of one list."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

BLOCK = 1 << 24
_MARK_OF_UTF8 = b"\xef\xbb\xbf"
_QUOTE, _COMMA = b'",'
_STEPS = np.zeros(256, np.int8)
"""What a letter outside of strings adds to the number of brackets around what follows it."""
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_IS_MARK = _STEPS != 0
_IS_MARK[[_QUOTE, _COMMA]] = True


def is_list(head: bytes) -> bool:
    """Whether JSON is one list, by its first bytes."""
    return head.removeprefix(_MARK_OF_UTF8).lstrip().startswith(b"[")


def iterate_lines(stream: Any) -> Iterator[bytes]:
    r"""Read a stream of lines piece by piece, each of which is whole lines.

    Example:
        >>> import io
        >>> list(iterate_lines(io.BytesIO(b'{"a": 1}\n{"a": 2}')))
        [b'{"a": 1}\n', b'{"a": 2}']
    """
    begun: list[bytes] = []
    for block in _blocks(stream):
        whole, end, rest = block.rpartition(b"\n")
        if end:
            yield b"".join([*begun, whole, end])
            begun = []
        begun.append(rest)
    yield b"".join(begun)


def iterate_lists(stream: Any) -> Iterator[bytes]:
    """Read a stream of one list piece by piece, each of which is a list of some of its values.

    Raises:
        pyarrow.ArrowInvalid: If the list is not closed, or something comes after it.

    Example:
        >>> import io
        >>> list(iterate_lists(io.BytesIO(b'[{"a": "[,"}, {"a": ""}]')))
        [b'[{"a": "[,"}, {"a": ""}]']
    """
    blocks = _blocks(stream)
    first = next(filter(None, map(bytes.lstrip, blocks)), b"").removeprefix(b"[")
    depth, is_in_string, escape = 1, False, b""
    begun: list[bytes] = []
    for block in itertools.chain([first], blocks):
        # What a backslash at the end belongs to is in the next block.
        kept = (escape + block).rstrip(b"\\")
        escape = (escape + block)[len(kept) :]
        marks = _marks(kept, is_in_string=is_in_string)
        is_in_string = marks.ends_in_string
        depths = depth + np.cumsum(_STEPS[marks.letters], dtype=np.int64)
        depth = int(depths[-1]) if len(depths) else depth
        ends = marks.places[depths == 0]
        commas = marks.places[(depths == 1) & (marks.letters == _COMMA)]
        if len(ends):
            yield _list_of([*begun, kept[: ends[0]]])
            _require_end(itertools.chain([kept[ends[0] + 1 :], escape], blocks))
            return
        if len(commas):
            yield _list_of([*begun, kept[: commas[-1]]])
            begun = []
        begun.append(kept[commas[-1] + 1 :] if len(commas) else kept)
    raise pa.ArrowInvalid("its list is not closed, so the file may have been cut off")


def _blocks(stream: Any) -> Iterator[bytes]:
    block = stream.read(BLOCK).removeprefix(_MARK_OF_UTF8)
    while block:
        yield block
        block = stream.read(BLOCK)


def _list_of(parts: Sequence[bytes]) -> bytes:
    return b"".join([b"[", *parts, b"]"])


def _require_end(blocks: Iterable[bytes]) -> None:
    for block in blocks:
        if block.strip():
            raise pa.ArrowInvalid("something comes after its list")


class _Marks(NamedTuple):
    """Brackets and commas outside of strings.

    Attributes:
        places: Where they are, (n,).
        letters: Which they are, (n,).
        ends_in_string: Whether a string is open at the end.
    """

    places: NDArray[np.int64]
    letters: NDArray[np.uint8]
    ends_in_string: bool


def _marks(block: bytes, *, is_in_string: bool) -> _Marks:
    plain = block.replace(rb"\\", b"__").replace(rb"\"", b"__")
    letters = np.frombuffer(plain, np.uint8)
    places = np.flatnonzero(_IS_MARK[letters])
    found = letters[places]
    is_quote = found == _QUOTE
    is_inside = (np.cumsum(is_quote) + is_in_string) % 2 == 1
    is_plain = ~is_inside & ~is_quote
    ends_in_string = bool(is_inside[-1]) if len(places) else is_in_string
    return _Marks(places[is_plain], found[is_plain], ends_in_string)
