"""Starting the server, telling where it is, and ending it."""

from __future__ import annotations

import ctypes
import gc
import ipaddress
import secrets
import signal
import socket
import webbrowser
from contextlib import closing, contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING

from dataparams.errors import UserError
from dataparams.extras import missing_packages_named
from dataparams.review.guarding import Access
from dataparams.review.pictures import LARGEST_PICTURE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataparams.review.run_in_review import RunInReview

FIRST_PORT = 8471
"""The port that is tried first where none is asked for."""
_PORTS_TRIED = 30
_SECONDS_KEPT = 75
_SECONDS_TO_END = 3
_MMAP_THRESHOLD, _BYTES_OF_THEIR_OWN = -3, 1 << 20
_ARENA_MAX, _ARENAS = -8, 2


@missing_packages_named()
def serve(
    review: RunInReview,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    opens_page: bool = True,
    on_line: Callable[[str], None] = print,
) -> None:
    """Serve a review until it is interrupted.

    Args:
        review: What is reviewed.
        host: What to listen on. Another than this machine's own address asks for a token, which
            the printed address contains.
        port: The port; None for the first free one of a few.
        opens_page: Whether to open the page in a browser.
        on_line: Called with each line that is to be printed.

    Raises:
        UserError: If the port is in use, or the host is not this machine's.
    """
    import uvicorn
    from PIL import Image

    from dataparams.review.application import make_application
    from dataparams.review.connections import Connection

    _give_memory_back()
    with (
        suppress(KeyboardInterrupt),
        _interrupted_by_sigterm(),
        closing(review),
        closing(listening_socket(host, port)) as listener,
    ):
        access = Access(host, listener.getsockname()[1], None if is_local(host) else new_token())
        address = address_of(access)
        on_line(f"Review at {address}")
        if access.token is not None:
            on_line("Whoever has this address can decide; send it only to those who should.")
        on_line("Every decision is saved at once. Ctrl-C ends the server.")
        # A picture of a few kilobytes can claim more pixels than there is memory.
        Image.MAX_IMAGE_PIXELS = LARGEST_PICTURE
        config = uvicorn.Config(
            make_application(review, access),
            log_level="warning",
            access_log=False,
            server_header=False,
            http=Connection,
            ws="none",
            lifespan="off",
            timeout_keep_alive=_SECONDS_KEPT,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        if opens_page:
            Thread(target=_open, args=(address,), daemon=True).start()
        uvicorn.Server(config).run(sockets=[listener])


def is_local(host: str) -> bool:
    """Whether only programs of this machine can connect to a host.

    Example:
        >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
        (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def address_of(access: Access) -> str:
    """The address to open. What follows # is not sent, and so appears in no log.

    Example:
        >>> address_of(Access("127.0.0.1", 8471)), address_of(Access("::1", 80))
        ('http://127.0.0.1:8471/', 'http://[::1]:80/')
    """
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(  # noqa: S104
        access.host, access.host
    )
    written = f"[{host}]" if ":" in host else host
    secret = "" if access.token is None else f"#token={access.token}"
    return f"http://{written}:{access.port}/{secret}"


def listening_socket(host: str, port: int | None) -> socket.socket:
    """A socket that listens on a port, or on the first free one.

    Args:
        host: What to listen on.
        port: The port; None for the first free one of a few.

    Raises:
        UserError: If it is in use, or the host is not this machine's.
    """
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        raise UserError(
            f"--host is {host!r}, which is no address of this machine; expected one, such as "
            "127.0.0.1 or 0.0.0.0."
        ) from error
    tried = range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED) if port is None else (port,)
    found = (_bound_or_not(host, number) for number in tried)
    listener = next((one for one in found if isinstance(one, socket.socket)), None)
    if listener is not None:
        return listener
    reason = _bound_or_not(host, tried[-1])
    if isinstance(reason, socket.socket):  # it has just become free
        return reason
    if port is None:
        raise UserError(
            f"The ports {tried[0]} ... {tried[-1]} of {host} cannot be used "
            f"({reason.strerror}). Choose another with --port."
        ) from reason
    raise UserError(
        f"Port {port} of {host} cannot be used ({reason.strerror}). Choose another with --port, or "
        "leave --port out to take the next free one."
    ) from reason


def _bound_or_not(host: str, port: int) -> socket.socket | OSError:
    try:
        return _bound(host, port)
    except OSError as error:
        return error


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # A server that has just ended must not bar its own port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let what runs end by SIGTERM as it does by Ctrl-C: with all that is open closed."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _give_memory_back() -> None:
    """Hand memory back to the system that is no longer used, where the C library can."""
    gc.collect()
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        # Else each thread that ever decoded a picture keeps as much for the next.
        library.mallopt(_MMAP_THRESHOLD, _BYTES_OF_THEIR_OWN)
        library.mallopt(_ARENA_MAX, _ARENAS)
        library.malloc_trim(0)


def _open(address: str) -> None:
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(address)
