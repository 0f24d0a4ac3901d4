"""Review pages in a browser, and the server behind them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dataparams.decisions.store import DecisionStore
from made_reports import ColoredContents
from made_reviews import made_review, served
from waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, ViewportSize

    from driven_firefox import FirefoxPage

DESKTOP: ViewportSize = {"width": 1280, "height": 860}
TABLET: ViewportSize = {"width": 820, "height": 1180}
ZOOMED: ViewportSize = {"width": 640, "height": 430}
"""A notebook's screen at 200 %."""
REFLOWED: ViewportSize = {"width": 320, "height": 560}
"""As narrow as a screen at 400 %."""
SIZES = (
    {"hard": 30, "review": 10, "easy": 9},
    {"hard": 3, "review": 2, "easy": 6},
    {"easy": 1},
    {"easy": 1},
)
NAMES = ("cat", "dog", "élan", "zebra")
CUT = "net::ERR"


@contextmanager
def served_place(folder: Path) -> Iterator[SimpleNamespace]:
    """A run that can be served, stopped and served again at the same address."""
    stack = ExitStack()
    made = SimpleNamespace(folder=folder, address=None)

    def start(
        annotator: str | None = "ann",
        folder: Path = folder,
        sizes: Sequence[dict[str, int]] = SIZES,
        **options: Any,
    ) -> None:
        pictures = ColoredContents((200, 300), unreadable=["dog/0050.jpg"])
        review = made_review(
            folder,
            sizes=sizes,
            contents=pictures,
            annotator=annotator,
            names=NAMES,
            hostile=True,
            **options,
        )
        port = 0 if made.address is None else int(made.address.rpartition(":")[2])
        made.review = review
        made.address = stack.enter_context(served(review, port))

    made.start, made.stop = start, stack.close
    made.opinions = lambda: opinions_in(made.folder)
    yield made
    stack.close()


def opinions_in(folder: Path) -> dict[tuple[str, int], tuple[str, int | None]]:
    """What counts in a run folder: action and class by annotator and sample."""
    store = DecisionStore(folder / "review.sqlite")
    rows = store.in_force().iter_rows(named=True)
    found = {(row["annotator"], row["index"]): (row["action"], row["label"]) for row in rows}
    store.close()
    return found


@contextmanager
def opened_pages(browser: Browser, place: SimpleNamespace) -> Iterator[Callable[..., Page]]:
    """Opens pages; whatever they should not do fails at the end."""
    opened: list[BrowserContext] = []
    troubles: list[str] = []

    def opening(
        viewport: ViewportSize = DESKTOP,
        annotator: str | None = "ann",
        context: BrowserContext | None = None,
        script: str | None = None,
        expected: str = CUT,
        **options: Any,
    ) -> Page:
        if place.address is None:
            place.start(annotator)
        if context is None:
            context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
            context.set_default_timeout(20_000)
            opened.append(context)
        page = context.new_page()
        if script is not None:
            page.add_init_script(script)

        def note(text: str, *, is_fine: bool = False) -> None:
            if not is_fine:
                troubles.append(text)

        def dismiss(dialog: Dialog) -> None:
            note(dialog.message)
            dialog.dismiss()

        page.on("console", lambda one: note(one.text, is_fine=is_expected(one.text, expected)))
        page.on("pageerror", lambda error: note(f"error: {error}"))
        page.on("dialog", dismiss)
        page.on("request", lambda one: note(one.url, is_fine=one.url.startswith(place.address)))
        page.goto(place.address)
        if annotator:
            page.locator(".tile[data-filled]").first.wait_for()
        return page

    yield opening
    for context in opened:
        context.close()
    assert troubles == []


def is_expected(text: str, expected: str) -> bool:
    """Whether a page may say something; a browser without a graphics card complains of that."""
    return expected in text or "GL Driver Message" in text


def wait_saved(page: Page | FirefoxPage) -> None:
    """Wait until the page says that all is saved."""
    wait(page, "document.getElementById('saving-words').textContent === 'All saved'")


def wait_told(page: Page, words: str) -> None:
    """Wait until the page says something."""
    wait(page, f"document.getElementById('toast').textContent === '{words}'")


def wait_place(page: Page, words: str) -> None:
    """Wait until the page shows, one at a time, a sample at a place of the list."""
    wait(page, f"document.getElementById('fact-place').textContent === '{words}'")


def place_text(page: Page) -> str:
    """Which sample of the list is shown."""
    return page.locator("#fact-place").inner_text()


def selected(page: Page) -> list[int]:
    """The places of the cards that are selected."""
    every = page.locator(".tile[aria-selected=true]").all()
    return sorted(int(one.get_attribute("data-position") or "") for one in every)
