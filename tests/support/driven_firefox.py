"""A Firefox that tests drive by WebDriver BiDi, where one is installed."""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import ClientSession, ClientTimeout

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from aiohttp import ClientWebSocketResponse

FIREFOXES = ("firefox-esr", "firefox")
ANSWERS_WITHIN = 150.0  # seconds, of a machine that does much else
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)\n")
Result = TypeVar("Result")


class FirefoxPage:
    """A page in Firefox: what it has on it, and the keys that are pressed in it.

    :func:`waiting.wait` waits for it as for a page in Chromium.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: ClientWebSocketResponse) -> None:
        self.loop, self.socket = loop, socket
        self.numbers = itertools.count(1)
        self.troubles: list[str] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])
        self.tab = self.call("browsingContext.create", type="tab")["context"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What Firefox answers; what pages log until then is noted."""
        return awaited(self.loop, self._call(method, params))

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = await self.socket.receive_json()
            if told.get("method") == "log.entryAdded":
                self.troubles.append(told["params"]["text"])
            if told.get("id") == number:
                assert told["type"] == "success", told
                result: dict[str, Any] = told["result"]
                return result

    def open(self, address: str, width: int = 1280, height: int = 860) -> None:
        """Go to an address."""
        viewport = {"width": width, "height": height}
        self.call("browsingContext.setViewport", context=self.tab, viewport=viewport)
        self.call("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression that gives a word, a number or a truth."""
        told = self.call(
            "script.evaluate",
            expression=expression,
            target={"context": self.tab},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return told["result"].get("value")

    def wait_for_timeout(self, timeout: float) -> None:
        """Let milliseconds pass."""
        time.sleep(timeout / 1000)

    def press(self, key: str) -> None:
        """Press a key, and let it go."""
        pressed = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.act({"type": "key", "id": "keys", "actions": pressed})

    def act(self, *actions: dict[str, Any]) -> None:
        """Move, press, and let go, as WebDriver writes it."""
        self.call("input.performActions", context=self.tab, actions=list(actions))


@contextmanager
def firefox_page(program: str, folder: Path) -> Iterator[FirefoxPage]:
    """An empty page of a Firefox that keeps everything in a folder of its own."""
    profile, told = folder / "profile", folder / "told.txt"
    profile.mkdir()
    words = ["--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with ExitStack() as stack:
        log = stack.enter_context(told.open("w"))
        firefox = subprocess.Popen([program, *words], stderr=log)
        stack.callback(firefox.wait, ANSWERS_WITHIN)
        stack.callback(firefox.terminate)
        loop = stack.enter_context(running_loop())
        session, socket = awaited(loop, _connected(_listening(firefox, told)))
        stack.callback(lambda: awaited(loop, session.close()))
        yield FirefoxPage(loop, socket)


def _listening(firefox: subprocess.Popen[bytes], told: Path) -> str:
    deadline = time.monotonic() + ANSWERS_WITHIN
    while not (found := LISTENING.search(told.read_text())):
        assert firefox.poll() is None, told.read_text()
        assert time.monotonic() < deadline, told.read_text()
        time.sleep(0.1)
    return found[1]


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop in a thread of its own: Playwright's, which stays open, has the tests' thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def awaited(loop: asyncio.AbstractEventLoop, given: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine gives, in a loop of another thread."""
    return asyncio.run_coroutine_threadsafe(given, loop).result(ANSWERS_WITHIN)


async def _connected(address: str) -> tuple[ClientSession, ClientWebSocketResponse[Any]]:
    session = ClientSession(timeout=ClientTimeout(total=ANSWERS_WITHIN))
    return session, await session.ws_connect(f"{address}/session", max_msg_size=0)
