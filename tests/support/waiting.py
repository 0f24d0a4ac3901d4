"""Waiting for what a page in a browser comes to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from driven_firefox import FirefoxPage


def wait(page: Page | FirefoxPage, condition: str) -> None:
    """Wait for a condition; Playwright's own way to wait is barred by the page's policy."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(30)
