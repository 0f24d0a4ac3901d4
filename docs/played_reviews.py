"""People who review a run in a browser: what they look at, and the keys that they press."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from renewed_pages import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, FloatRect, Locator, Page, ViewportSize

DOCS = Path(__file__).parent
SIZE: ViewportSize = {"width": 1280, "height": 830}


@contextmanager
def served(words: list[str], folder: Path) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address at which a command serves the review."""
    program = shutil.which(words[0], path=environment(folder)["PATH"]) or words[0]
    server = subprocess.Popen(
        [program, *words[1:], "--no-open"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = next(
            found[0] for line in server.stdout or () if (found := re.search(r"http://\S+", line))
        )
        with chromium() as browser:
            yield browser, address
    finally:
        server.terminate()
        server.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    """An installed Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def opened(
    browser: Browser,
    address: str,
    annotator: str,
    waits_for: str = ".tile[data-filled]",
    **options: Any,
) -> Page:
    """The page, opened by somebody."""
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(address)
    page.locator("#who-name").fill(annotator)
    page.keyboard.press("Enter")
    page.locator(waits_for).first.wait_for()
    return page


def file_of(tile: Locator) -> str:
    """The file name that a screen reader is told first."""
    return (tile.get_attribute("aria-label") or "").partition(", ")[0]


def place_of(part: Locator) -> FloatRect:
    """Where a part of the page stands."""
    box = part.bounding_box()
    assert box is not None, f"{part} is not shown"
    return box


def is_among(page: Page, right: str) -> bool:
    """Whether a class is the given or the suggested one."""
    return right in (text_of(page, "fact-given"), suggested_of(page))


def suggested_of(page: Page) -> str:
    """The suggested class of the sample that is shown large."""
    return page.locator("#fact-suggested .name").inner_text()


def decide(page: Page, right: str, picture: str = "") -> None:
    """Give a sample its class by the fewest keys, and wait for the next."""
    sample = text_of(page, "fact-file")
    if right == text_of(page, "fact-given"):
        page.keyboard.press("k")
    elif right == suggested_of(page):
        page.keyboard.press("s")
    else:
        page.keyboard.press("c")
        page.locator("#picker[open]").wait_for()
        page.keyboard.type(right if not picture else right[:3])
        if picture:
            shoot(page, picture)
            page.locator("#picker-input").fill(right)
        page.keyboard.press("Enter")
    wait_for_next(page, sample)


def wait_for_next(page: Page, sample: str) -> None:
    """Wait until another sample is shown, or there is none left; the last of a list stays."""
    if len(set(text_of(page, "fact-place").split()) - {"of"}) == 1:
        return
    is_other = f"document.getElementById('fact-file').textContent !== {sample!r}"
    wait(page, f"{is_other} || !document.getElementById('empty').hidden")


def text_of(page: Page, name: str) -> str:
    """The words in a part of the page."""
    return page.locator(f"#{name}").inner_text()


def wait_saved(page: Page) -> None:
    """Wait until the server has everything."""
    wait(page, "document.getElementById('saving-words').textContent === 'All saved'")


def wait(page: Page, condition: str) -> None:
    """Wait for a condition; the page's policy bars Playwright's own way to do so."""
    for _ in range(1000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise SystemExit(f"The page does not come to {condition}.")


def shoot(page: Page, name: str, part: Locator | None = None) -> None:
    """A picture, ``docs/NAME.png``."""
    wait(page, "[...document.images].every((one) => one.complete)")
    page.wait_for_timeout(300)
    (part or page).screenshot(path=DOCS / f"{name}.png")
