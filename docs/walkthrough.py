"""Walks through tutorials/walkthrough.md: runs its commands, plays its reviewers, and renews it.

uv run python docs/walkthrough.py PATH_OF_CALTECH20

Needs Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dataparams.analysis import load_analysis
from dataparams.run.folder import RunFolder
from played_reviews import (
    DOCS,
    decide,
    file_of,
    is_among,
    opened,
    place_of,
    served,
    shoot,
    text_of,
    wait,
    wait_saved,
)
from renewed_pages import renew

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROWS_AT_ONCE = 2
BOB_DECIDES, BOB_ERRS_EVERY = 60, 12


def main(dataset: Path) -> None:
    """Run everything in a folder that is thrown away, and renew the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(dataset, folder / dataset.name)
        renew(DOCS / "tutorials/walkthrough.md", folder, play)
        (figure,) = folder.rglob("comparison.png")
        shutil.copy(figure, DOCS / "walkthrough_comparison.png")


def play(words: list[str], folder: Path) -> None:
    """Serve the review, and let Ann and Bob decide in a browser."""
    with served(words, folder) as (browser, address):
        review(browser, address, RunFolder(folder / words[2]))


def review(browser: Browser, address: str, run: RunFolder) -> None:
    """Ann goes through the whole queue, Bob through its beginning; he errs now and then."""
    names = run.class_names()
    # Labels of samples to validate on are as given; they are in the queue as well.
    known = (run.judged_samples().select("id", "label"), run.samples().select("id", "true_label"))
    truth = {sample: names[label] for table in known for sample, label in table.iter_rows()}
    bob = opened(browser, address, "Bob", color_scheme="dark")
    ann = opened(browser, address, "Ann")
    decide_in_grid(ann, truth)
    decide_one_at_a_time(ann, truth)
    shoot_map(bob, most_doubtful_class(run))
    bob.keyboard.press("o")
    for number in range(1, BOB_DECIDES + 1):
        right = truth[text_of(bob, "fact-file")]
        errs = number % BOB_ERRS_EVERY == 0
        decide(bob, text_of(bob, "fact-given") if errs else right)
    wait_saved(bob)
    ann.locator("#people").click()
    ann.locator("#people-dialog[open]").wait_for()
    shoot(ann, "walkthrough_people", ann.locator("#people-dialog"))


def decide_in_grid(page: Page, truth: dict[str, str]) -> None:
    """Take the suggestions of the first rows at once, where they are right."""
    tops = [place_of(tile)["y"] for tile in page.locator(".tile[data-filled]").all()]
    in_row = tops.count(min(tops))
    page.locator(".tile[data-position='0'] .tile-box").click()
    last = ROWS_AT_ONCE * in_row - 1
    page.locator(f".tile[data-position='{last}']").click(modifiers=["Shift"])
    for position in range(last + 1):
        tile = page.locator(f".tile[data-position='{position}']")
        suggested = tile.locator(".suggested .name").inner_text()
        if truth[file_of(tile)] != suggested:
            tile.locator(".tile-box").click()
    shoot(page, "walkthrough_grid")
    page.keyboard.press("s")
    wait_saved(page)
    page.locator("#refresh").click()
    wait(page, "document.getElementById('refresh').hidden")


def decide_one_at_a_time(page: Page, truth: dict[str, str]) -> None:
    """Go through what is left with one key each."""
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    shoot(page, "walkthrough_single")
    total = int(text_of(page, "fact-place").split()[-1].replace(",", ""))
    is_shot = False
    for _ in range(total):
        right = truth[text_of(page, "fact-file")]
        is_choice = not is_among(page, right)
        decide(page, right, "" if is_shot or not is_choice else "walkthrough_picker")
        is_shot = is_shot or is_choice
    wait_saved(page)


def most_doubtful_class(run: RunFolder) -> int:
    """The class with the most hard and need-review samples."""
    analysis = load_analysis(run)
    assert analysis is not None, f"{run.path} was not analyzed"
    doubtful = analysis.frame.filter(category="hard")
    return int(doubtful["label"].mode()[0])


def shoot_map(page: Page, label: int) -> None:
    """The map of a class with a group in the lasso, which is let go again."""
    counted = text_of(page, "counted")
    page.keyboard.press("m")
    page.locator("[name=label]").select_option(str(label))
    page.locator("#map-wait").wait_for(state="hidden", timeout=300_000)
    box = place_of(page.locator("#map"))
    left, top, width, height = box["x"], box["y"], box["width"], box["height"]
    corners = ((0.5, 0.02), (0.98, 0.02), (0.98, 0.6), (0.5, 0.6), (0.5, 0.02))
    page.mouse.move(left + 0.5 * width, top + 0.02 * height)
    page.mouse.down()
    for across, down in corners:
        page.mouse.move(left + across * width, top + down * height, steps=8)
    page.mouse.up()
    shoot(page, "walkthrough_map")
    page.keyboard.press("Escape")
    page.locator("[name=label]").select_option("")
    page.keyboard.press("g")
    wait(page, f"document.getElementById('counted').textContent === {counted!r}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
