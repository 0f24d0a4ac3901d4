"""Walks through tutorials/closed_case.md: plants faults, runs its commands, plays its reviewers.

uv run python docs/closed_case.py PATH_OF_CALTECH20

Needs Chromium. Ann looks at the whole queue, Bob at its beginning, Carol settles what they dispute;
then Ann audits a random sample. The page and its pictures are renewed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from planted_faults import DISCARDED, plant
from played_reviews import (
    DOCS,
    SIZE,
    chromium,
    decide,
    opened,
    served,
    shoot,
    text_of,
    wait_for_next,
    wait_saved,
)
from renewed_pages import renew

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BOB_DECIDES, BOB_ERRS_EVERY = 60, 12


def main(photographs: Path) -> None:
    """Run everything in a folder that is thrown away, and renew the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = plant(photographs, folder / "museum")

        def play(words: list[str], place: Path) -> None:
            with served(words, place) as (browser, address):
                if "--audit" in words:
                    audit(browser, address, truth)
                else:
                    review(browser, address, truth)

        renew(DOCS / "tutorials/closed_case.md", folder, play)
        shoot_report(folder / "weights_CL/museum/audit/report/index.html")


def review(browser: Browser, address: str, truth: dict[str, str]) -> None:
    """Ann decides about the whole queue, Bob about its beginning, Carol about their disputes."""
    ann, bob = (opened(browser, address, name) for name in ("Ann", "Bob"))
    shoot_map(ann)
    decide_all(ann, truth, "closed_case_group")
    shoot(ann, "closed_case_end")
    bob.keyboard.press("o")
    for number in range(1, BOB_DECIDES + 1):
        right = truth[text_of(bob, "fact-file")]
        decide_as_seen(bob, text_of(bob, "fact-given") if not number % BOB_ERRS_EVERY else right)
    wait_saved(bob)
    carol = opened(browser, address, "Carol", waits_for="#grid-space")
    carol.locator("[name=decision]").select_option("disputed")
    carol.locator(".tile[data-filled]").first.wait_for()
    decide_all(carol, truth, "closed_case_dispute")


def audit(browser: Browser, address: str, truth: dict[str, str]) -> None:
    """Ann judges the random sample blind, and is told what was found."""
    ann = opened(browser, address, "Ann")
    decide_all(ann, truth)
    ann.locator("#audit-dialog[open]").wait_for()
    shoot(ann, "closed_case_audit", ann.locator("#audit-dialog"))


def decide_all(page: Page, truth: dict[str, str], picture: str = "") -> None:
    """Go through a list with one key each."""
    page.keyboard.press("o")
    page.locator("#stage-picture img").first.wait_for()
    if picture:
        shoot(page, picture)
    for _ in range(int(text_of(page, "fact-place").split()[-1].replace(",", ""))):
        if page.locator("#empty").is_visible():
            break
        decide_as_seen(page, truth[text_of(page, "fact-file")])
    wait_saved(page)


def decide_as_seen(page: Page, right: str) -> None:
    """Give a sample the class that it shows, or discard it where nothing can be seen."""
    if right != DISCARDED:
        decide(page, right)
        return
    sample = text_of(page, "fact-file")
    page.keyboard.press("d")
    wait_for_next(page, sample)


def shoot_map(page: Page) -> None:
    """The map of all samples, by what the model sees."""
    page.keyboard.press("m")
    page.locator("#map-wait").wait_for(state="hidden", timeout=300_000)
    shoot(page, "closed_case_map")
    page.keyboard.press("g")


def shoot_report(index: Path) -> None:
    """The first screen of the report."""
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        page.goto(index.as_uri())
        shoot(page, "closed_case_report")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
