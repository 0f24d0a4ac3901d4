"""Pages whose troubles are noted: what a hostile text might do, and what goes wrong."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page


def watch(page: Page, troubles: list[str]) -> None:
    """Note what a page logs, which errors it meets and which dialogs it opens."""

    def dismiss(dialog: Dialog) -> None:
        troubles.append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", dismiss)


@contextmanager
def opened_from_disk(browser: Browser, folder: Path) -> Iterator[Callable[..., Page]]:
    """Opens pages of a folder; what they should not do fails the test at its end."""
    opened: list[BrowserContext] = []
    troubles: list[str] = []

    def opening(name: str, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(30_000)
        opened.append(context)
        page = context.new_page()
        if "bypass_csp" not in options:  # the checker asks for files, in vain
            watch(page, troubles)
            page.on(
                "request",
                lambda one: None if one.url.startswith("file:") else troubles.append(one.url),
            )
        page.goto((folder / name).as_uri())
        return page

    yield opening
    for context in opened:
        context.close()
    assert troubles == []
