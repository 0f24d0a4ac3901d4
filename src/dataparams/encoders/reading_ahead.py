"""Contents read in one thread and examined in others, a few ahead of their consumer."""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from dataparams.contents.decoding_threads import decoding_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from typing_extensions import Self

    from dataparams.contents.content import Content, UnreadableContentError
    from dataparams.sources.source import Contents

    Placed: TypeAlias = tuple[int, Content | UnreadableContentError]
    """The position of a row among the requested ones, and its content."""

_Result = TypeVar("_Result")
_CONTENTS_AT_ONCE = 8
_BLOCKS_AHEAD = 16
_SECONDS_TO_LOOK = 0.1


class ReadAhead(Generic[_Result]):
    """An iterator over results for contents, in the order in which the contents are stored.

    It is a context manager, whose threads end with it.

    Args:
        contents: The contents; those stored together are read together, once.
        rows: The requested rows.
        examine: Makes a result of a few of them; called in several threads.
    """

    def __init__(
        self, contents: Contents, rows: Sequence[int], examine: Callable[[list[Placed]], _Result]
    ) -> None:
        self._contents, self._rows, self._examine = contents, rows, examine
        self._blocks: queue.Queue[Future[_Result] | BaseException | None]
        self._blocks = queue.Queue(_BLOCKS_AHEAD)
        self._is_over = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        pool = self._stack.enter_context(decoding_threads())
        self._stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        reader = threading.Thread(target=self._read, args=(pool,), daemon=True)
        reader.start()
        self._stack.callback(reader.join)
        self._stack.callback(self._is_over.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[_Result]:
        while (block := self._blocks.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block.result()

    def _read(self, pool: ThreadPoolExecutor) -> None:
        try:
            for some in self._pieces():
                self._put(pool.submit(self._examine, some))
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised in the consumer's thread
            self._put(error)

    def _pieces(self) -> Iterator[list[Placed]]:
        for found in self._contents.sweep(self._rows):
            placed = list(zip(found.places, found.contents, strict=True))
            for start in range(0, len(placed), _CONTENTS_AT_ONCE):
                if self._is_over.is_set():
                    return
                yield placed[start : start + _CONTENTS_AT_ONCE]

    def _put(self, block: Future[_Result] | BaseException | None) -> None:
        while not self._is_over.is_set():
            with suppress(queue.Full):
                self._blocks.put(block, timeout=_SECONDS_TO_LOOK)
                return
