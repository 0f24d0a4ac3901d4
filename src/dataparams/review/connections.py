"""Connections that ask for something within a time, and of which there are not endlessly many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

MOST_CONNECTIONS = 400
"""A browser opens six for a page; a system lends a process about a thousand files."""
SECONDS_TO_ASK = 75.0
"""How long a connection may be open without a whole request that is being answered."""


class Connection(H11Protocol):
    """An HTTP connection that is closed when it asks for nothing.

    Whoever opens connections and says nothing, or says it a byte at a time, would keep them, and
    in the end all files that a process may open.
    """

    _end: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override] # uvicorn declares it so
        self, transport: asyncio.Transport
    ) -> None:
        """Wait for a request; who has waited longest makes way where there are too many."""
        super().connection_made(transport)
        self._wait_for_request()
        if len(self.connections) > MOST_CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, Connection)]
            min(others, key=Connection.urgency).transport.abort()

    def urgency(self) -> tuple[bool, float]:
        """Whether something is being answered, and until when a request is waited for."""
        return self._is_answering(), 0.0 if self._end is None else self._end.when()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait_for_request()

    def _wait_for_request(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(SECONDS_TO_ASK, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if not self._is_answering():
            self.transport.abort()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
