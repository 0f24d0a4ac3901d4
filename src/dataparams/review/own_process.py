"""Functions that run in a process of their own, which gives their memory back by ending."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from dataparams.errors import RunError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OwnProcess:
    """Runs one function at a time, each in a new process, which takes seconds to start.

    Args:
        what: What is made there, for messages: ``the map``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = Lock()
        self._is_closed = False
        self._process: SpawnProcess | None = None

    def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a function of a module returns, its arguments and result being pickled.

        Raises:
            UserError: If the function raises one.
            RunError: If the process fails, or is ended by :meth:`close`.
        """
        context = get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        with receiver:
            with sender, self._lock:
                if self._is_closed:
                    raise RunError(f"The server is ending; {self._what} is not made any more.")
                self._process = process = context.Process(
                    target=_answer, args=(sender, function, args, kwargs), daemon=True
                )
                with _interrupts_blocked():
                    process.start()
            try:
                result, error = receiver.recv()
            except KeyboardInterrupt:
                process.terminate()
                raise
            except EOFError:
                process.join()
                raise RunError(
                    f"A process was to make {self._what}, and ended with status "
                    f"{process.exitcode}. See what it wrote where this was started; -9 often "
                    "means that memory ran out."
                ) from None
            finally:
                process.join()
        if error is not None:
            raise error
        made: _T = result
        return made

    def close(self) -> None:
        """End what runs, and run nothing more."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let a process that starts here not hear of Ctrl-C, which the one that waits for it does."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer(
    sender: Connection, function: Callable[..., object], args: Any, kwargs: dict[str, Any]
) -> None:
    # Ended in order where Ctrl-C ends the one that waits: a terminal that shows progress must have
    # its cursor back.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        sender.send((function(*args, **kwargs), None))
    except UserError as error:
        sender.send((None, error))
