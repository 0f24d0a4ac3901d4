"""Starting the server, telling where it is, and ending it."""

from __future__ import annotations

import ctypes
import ipaddress
import secrets
import signal
import socket
import webbrowser
from contextlib import closing, contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError, UserError
from dataparams.extras import missing_packages_named
from dataparams.review.content_views import LARGEST_PICTURE
from dataparams.review.guarding import Access, Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataparams.review.run_in_review import RunInReview

FIRST_PORT = 8471
"""The port that is tried first where none is asked for."""
LAST_PORT = 65535
_PORTS_TRIED = 30
_SECONDS_KEPT = 75
_SECONDS_TO_END = 3
_MOST_FILES = 8192
_MMAP_THRESHOLD, _PICTURE_BYTES = -3, 1 << 20


@missing_packages_named()
def serve(
    review: RunInReview,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    opens_page: bool = True,
    on_line: Callable[[str], None] = print,
    reopen: Callable[[], RunInReview] | None = None,
) -> None:
    """Serve a review until it is interrupted.

    Args:
        review: What is reviewed.
        host: What to listen on. Another than this machine's own address asks for a token, which
            the printed address contains.
        port: The port; None for the first free one of a few.
        opens_page: Whether to open the page in a browser.
        on_line: Called with each line that is to be printed.
        reopen: Opens the run as it is now, where it was analyzed again meanwhile and a page asks
            for that; None where it has to be started again.

    Raises:
        ArgumentError: If the host is not this machine's, or the port no number of a port.
        UserError: If the port is in use.
    """
    import uvicorn
    from PIL import Image

    from dataparams.review.application import renewable

    _return_memory_of_pictures()
    _allow_many_connections()
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
            on_line("Everybody with this address can decide; send it only to people who should.")
        on_line("Every decision is saved at once. Ctrl-C ends the server.")
        # A picture of a few kilobytes can claim more pixels than there is memory.
        Image.MAX_IMAGE_PIXELS = LARGEST_PICTURE
        served = renewable(review, access, reopen)
        config = uvicorn.Config(
            Guard(served, access),
            log_level="warning",
            access_log=False,
            server_header=False,
            http="h11",
            ws="none",
            lifespan="off",
            timeout_keep_alive=_SECONDS_KEPT,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        if opens_page:
            Thread(target=_open, args=(address,), daemon=True).start()
        with closing(served):
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
    """A token of 256 random bits."""
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
        ArgumentError: If the host is not this machine's, or the port no number of a port.
        UserError: If the port is in use.
    """
    if port is not None and not 0 <= port <= LAST_PORT:
        raise ArgumentError(f"`port` is {port}; expected a number, 0 ... {LAST_PORT}.")
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        raise ArgumentError(
            f"`host` is {host!r}, which is no address of this machine; expected one, such as "
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
            f"({reason.strerror}). Choose another with `port`."
        ) from reason
    raise UserError(
        f"Port {port} of {host} cannot be used ({reason.strerror}). Choose another with `port`, or "
        "leave `port` out to take the next free one."
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


def _return_memory_of_pictures() -> None:
    """Give large blocks of memory back to the system as soon as they are free, on Linux.

    Else the C library keeps them for the thread that decoded a picture. After 200 pictures of 12
    megapixels the server had taken 0.92 GB at most with this, and 1.28 to 1.43 GB without.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _PICTURE_BYTES)


def _allow_many_connections() -> None:
    """Let the process open as many files as the system lets it, up to a bound.

    A connection that never asks for anything stays open, and is a file; some systems begin with 256
    of them. 5,000 such connections took 17 MB, and others were answered in 1 to 5 ms.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
        if now != resource.RLIM_INFINITY and now < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _open(address: str) -> None:
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(address)
