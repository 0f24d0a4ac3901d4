"""Contents examined ahead of their consumer, in threads or in processes."""

from __future__ import annotations

import pickle
import queue
import threading
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from torch.utils.data import Dataset

from dataparams.contents.decoding_threads import decoding_threads
from dataparams.contents.images import EncodedImage
from dataparams.errors import UserError
from dataparams.sources.reading_processes import deaths_told, reading_loader, results_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from typing_extensions import Self

    from dataparams.contents.content import Content, UnreadableContentError
    from dataparams.sources.source import Contents

    Placed: TypeAlias = tuple[int, Content | UnreadableContentError]
    """The position of a row among the requested ones, and its content."""

_Result = TypeVar("_Result")
_ENDED = (
    "A process that prepares samples ended unexpectedly; memory may be too small. Free some and "
    "give the same command again: it goes on from what is kept."
)
_CONTENTS_AT_ONCE = 8
_CONTENTS_TO_SEND = 32
_MOST_BYTES = 1 << 22
_BLOCKS_AHEAD = 16
_SECONDS_TO_LOOK = 0.1


@contextmanager
def examined_ahead(
    contents: Contents,
    rows: Sequence[int],
    examine: Callable[[list[Placed]], _Result],
    *,
    processes: int = 0,
) -> Iterator[Iterator[_Result]]:
    """Results for contents, in the order in which the contents are stored.

    Args:
        contents: The contents; those stored together are read together, once.
        rows: The requested rows.
        examine: Makes a result of a few of them; called in several threads, or in processes, which
            have a copy of all that it knows now.
        processes: Number of processes, which are forked; 0 for threads. Threads that decode
            pictures hinder each other where they are many.

    Yields:
        An iterator over the results; threads and processes end with the block.

    Raises:
        DataError: If a process ends unexpectedly.
    """
    if processes:
        with (
            deaths_told(_ENDED),
            closing(_by_processes(contents, rows, examine, processes)) as some,
        ):
            yield some
        return
    with _ReadAhead(contents, rows, examine) as blocks:
        yield iter(blocks)


def _by_processes(
    contents: Contents,
    rows: Sequence[int],
    examine: Callable[[list[Placed]], _Result],
    processes: int,
) -> Generator[_Result, None, None]:
    jobs = _SentPieces(contents, rows)
    loader = reading_loader(_Examining(examine), jobs, processes, start_method="fork")
    with closing(results_of(loader, _ENDED)) as results:
        for result in results:
            if isinstance(result, UserError):
                raise result
            yield result


def _pieces(contents: Contents, rows: Sequence[int], most: int) -> Iterator[list[Placed]]:
    """Contents, a few at a time, fewer where they are large, in the order of the storage."""
    for found in contents.sweep(rows):
        piece: list[Placed] = []
        size = 0
        for placed in zip(found.places, found.contents, strict=True):
            piece.append(placed)
            size += _bytes_in_memory(placed[1])
            if len(piece) == most or size >= _MOST_BYTES:
                yield piece
                piece, size = [], 0
        if piece:
            yield piece


def _bytes_in_memory(content: Content | UnreadableContentError) -> int:
    return len(content.stored or b"") if isinstance(content, EncodedImage) else 0


class _SentPieces:
    """Pieces of contents as they are sent to processes.

    Pickled here, so that what cannot be is an error here; by the loader it would never arrive.
    """

    def __init__(self, contents: Contents, rows: Sequence[int]) -> None:
        self._contents, self._rows = contents, rows

    def __iter__(self) -> Iterator[bytes]:
        for piece in _pieces(self._contents, self._rows, _CONTENTS_TO_SEND):
            yield pickle.dumps([(place, _sendable(content)) for place, content in piece])


def _sendable(content: Content | UnreadableContentError) -> Content | UnreadableContentError:
    """The same content with bytes of its own where it views others', which cannot be pickled."""
    if isinstance(content, EncodedImage) and isinstance(content.stored, memoryview):
        return EncodedImage(bytes(content.stored), content.file)
    return content


class _Examining(Dataset[_Result | UserError]):
    """Examines pieces of contents; forked processes have a copy of it."""

    def __init__(self, examine: Callable[[list[Placed]], _Result]) -> None:
        self._examine = examine

    def __getitem__(self, piece: bytes) -> _Result | UserError:
        # What the loader raises it words anew, with the traceback of the process.
        try:
            return self._examine(pickle.loads(piece))  # noqa: S301 - of the process that forked it
        except UserError as error:
            return error


class _ReadAhead(Generic[_Result]):
    """Examines contents in threads.

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
            for some in _pieces(self._contents, self._rows, _CONTENTS_AT_ONCE):
                if self._is_over.is_set():
                    return
                self._put(pool.submit(self._examine, some))
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised in the consumer's thread
            self._put(error)

    def _put(self, block: Future[_Result] | BaseException | None) -> None:
        while not self._is_over.is_set():
            with suppress(queue.Full):
                self._blocks.put(block, timeout=_SECONDS_TO_LOOK)
                return
