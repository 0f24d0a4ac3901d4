"""Which requests are answered: those of the server's own page, with its token if it has one."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
import time
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_PATH = "/api/session"
"""Where the token is exchanged for a cookie."""
MOST_BODY_BYTES = 4_000_000
"""The longest request that is read."""
SECONDS_TO_SEND = 30.0
"""How long a request may take to arrive."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Access:
    """Who may talk to a server.

    Attributes:
        host: What it listens on, as it was given.
        port: The port.
        token: What must be known to come in; None where only this machine can connect.
    """

    host: str
    port: int
    token: str | None = None

    @property
    def cookie(self) -> str:
        """Name of the cookie; cookies of one machine do not tell ports apart by themselves."""
        return f"dataparams_review_{self.port}"

    def is_own_host(self, host: str) -> bool:
        """Whether a Host header names this server.

        A foreign name that DNS resolves to this machine does not: by such a name a stranger's page
        would reach a server that listens on this machine alone (DNS rebinding).

        Example:
            >>> access = Access("127.0.0.1", 8000)
            >>> access.is_own_host("localhost:8000"), access.is_own_host("evil.example:8000")
            (True, False)
        """
        try:
            parts = urlsplit(f"//{host}")
            # A tunnel to this port may have another number, so any will do.
            name, _ = parts.hostname, parts.port
        except ValueError:
            return False
        has_more = parts.username is not None or parts.path or parts.query or parts.fragment
        if name is None or has_more:
            return False
        if name in ("localhost", self.host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            # Behind a token the machine may be called by its own name as well.
            return self.token is not None and name in _own_names()
        return self.token is not None or address.is_loopback

    def is_known(self, token: str) -> bool:
        """Whether a token is the right one; takes as long for a wrong one."""
        if self.token is None:
            return True
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())


class Guard:
    """Refuses requests of other pages, and adds security headers to every answer.

    Args:
        app: The application.
        access: Who may talk to it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        has_begun = False

        async def send_marked(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                present = {name for name, _ in message["headers"]}
                marks = {**_HEADERS, "cache-control": "no-store"}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (n.encode(), v.encode())
                        for n, v in marks.items()
                        if n.encode() not in present
                    ),
                ]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(send_marked, *refusal)
            return
        try:
            await self._app(scope, _ended_in_time(receive), send_marked)
        except asyncio.CancelledError:
            # Only a server that ends does this, to a request that it waited for long enough.
            if not has_begun:
                await _refuse(send_marked, 503, "The server has ended; start it again.")

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = _headers(scope)
        hosts = headers.get("host", [])
        if len(hosts) != 1 or not self._access.is_own_host(hosts[0]):
            return 421, "This server is not known by that name; open the address that it printed."
        path = scope["path"]
        is_api = path.startswith("/api/")
        if is_api and not _is_same_origin(headers, hosts[0]):
            return 403, "Requests from other sites are not answered."
        if scope["method"] not in ("GET", "HEAD"):
            kinds = headers.get("content-type", [""])
            if kinds[0].partition(";")[0].strip().lower() != "application/json":
                return 415, "Expected content of type application/json."
            length = headers.get("content-length", [""])[0]
            # A body that comes in pieces may have no end, whatever length is told beside it.
            if not length.isdecimal() or "transfer-encoding" in headers:
                return 411, "Expected a request that tells its length."
            if int(length) > MOST_BODY_BYTES:
                return 413, f"Expected at most {MOST_BODY_BYTES:,} bytes."
        if is_api and path != SESSION_PATH and not self._is_let_in(headers):
            return 401, "Open the address that was printed where the server was started."
        return None

    def _is_let_in(self, headers: dict[str, list[str]]) -> bool:
        if self._access.token is None:
            return True
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load("; ".join(headers.get("cookie", [])))
        except CookieError:
            return False
        found = cookies.get(self._access.cookie)
        return found is not None and self._access.is_known(found.value)


def _is_same_origin(headers: dict[str, list[str]], host: str) -> bool:
    """Whether a request comes from a page of this server, or from no page at all."""
    sites = headers.get("sec-fetch-site", [])
    if any(site not in ("same-origin", "none") for site in sites):
        return False
    origins = headers.get("origin", [])
    return all(origin.lower() == f"http://{host}".lower() for origin in origins)


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _ended_in_time(receive: Receive) -> Receive:
    """Bound the time that a request takes to arrive."""
    end = time.monotonic() + SECONDS_TO_SEND
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        message = await asyncio.wait_for(receive(), end - time.monotonic())
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time


def _headers(scope: Scope) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        gathered.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return gathered


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0], f"{name}.local"}
