"""Ctrl-C, and the notice that a machine is about to be taken away."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from typing_extensions import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A launcher passes on to its processes what the terminal sent them already.
_IMPATIENT_AFTER = 2.0


class StopSignals:
    """Remembers SIGINT and SIGTERM, so that a step can be finished and written first.

    A second Ctrl-C, two seconds or more after the first, interrupts at once. Signals that are
    ignored stay so, and outside the main thread, where Python allows no handler, nothing changes.

    Attributes:
        received: Number of the first signal; 0 for none so far.

    Example:
        >>> with StopSignals() as signals:
        ...     signal.raise_signal(signal.SIGTERM)
        >>> signals.received == signal.SIGTERM
        True
    """

    def __init__(self) -> None:
        self.received = 0
        self._since = 0.0
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:
                    self._before[number] = before
                    signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A forked helper inherits the handler, but nobody there would look at what it keeps.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        if not self.received:
            self.received, self._since = number, now
        elif number == signal.SIGINT and now - self._since > _IMPATIENT_AFTER:
            raise KeyboardInterrupt
