"""Functions that run in a process of their own, which gives their memory back by ending."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

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
        made: _T = self._run(function, args, kwargs, None)
        return made

    def run_told(
        self, on_progress: Callable[[float], None], function: Callable[..., _T], *args: object
    ) -> _T:
        """What a function returns that takes ``on_progress`` as well, of which this process hears.

        Args:
            on_progress: Told, in the thread that waits, what the function tells.
            function: A function of a module.
            args: Its other arguments.

        Raises:
            UserError: If the function raises one.
            RunError: If the process fails, or is ended by :meth:`close`.
        """
        made: _T = self._run(function, args, {}, on_progress)
        return made

    def _run(
        self,
        function: Callable[..., Any],
        args: Any,
        kwargs: dict[str, Any],
        on_progress: Callable[[float], None] | None,
    ) -> Any:
        context = get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        with receiver:
            with sender, self._lock:
                if self._is_closed:
                    raise RunError(f"The server is ending; {self._what} is not made any more.")
                self._process = process = context.Process(
                    target=_answer,
                    args=(sender, function, args, kwargs, on_progress is not None),
                    daemon=True,
                )
                with _interrupts_blocked():
                    process.start()
            try:
                while not isinstance(answer := receiver.recv(), _Answer):
                    (on_progress or _ignore)(answer)
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
        if answer.error is not None:
            raise answer.error
        return answer.result

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


class _Answer(NamedTuple):
    """What a function came to; anything else that is sent tells how far it is."""

    result: Any
    error: UserError | None = None


def _ignore(_: object) -> None:
    """Hear nothing."""


def _answer(
    sender: Connection,
    function: Callable[..., object],
    args: Any,
    kwargs: dict[str, Any],
    tells: bool,
) -> None:
    # Ended in order where Ctrl-C ends the one that waits: a terminal that shows progress must have
    # its cursor back.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    told = {"on_progress": sender.send} if tells else {}
    try:
        sender.send(_Answer(function(*args, **kwargs, **told)))
    except UserError as error:
        sender.send(_Answer(None, error))
