"""Walks through tutorials/walkthrough.md: runs its commands, plays its reviewers, and renews it.

uv run python docs/walkthrough.py PATH_OF_CALTECH20

Needs Chromium. A fence of ``sh`` in the page is run; the fence of ``text`` after it gets what that
printed, of which ``first=N`` and ``last=N`` lines are shown.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from dataparams.analysis import load_analysis
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

DOCS = Path(__file__).parent
PAGE = DOCS / "tutorials/walkthrough.md"
FENCE = re.compile(r"```sh\n(?P<command>.*?)```\n+(?:```text(?P<lines>[^\n]*)\n.*?```)?", re.DOTALL)
SIZE = {"width": 1280, "height": 830}
ROWS_AT_ONCE = 2
BOB_DECIDES, BOB_ERRS_EVERY = 60, 12


def main(dataset: Path) -> None:
    """Run everything in a folder that is thrown away, and renew the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / dataset.name).symlink_to(dataset.resolve())
        text = FENCE.sub(lambda fence: renewed(fence, folder), PAGE.read_text(encoding="utf-8"))
        (figure,) = folder.rglob("comparison.png")
        shutil.copy(figure, DOCS / "walkthrough_comparison.png")
    PAGE.write_text(text, encoding="utf-8")


def renewed(fence: re.Match[str], folder: Path) -> str:
    """A command's fence and what it prints now."""
    for command in fence["command"].splitlines():
        sys.stdout.write(f"$ {command}\n")
        sys.stdout.flush()
        words = shlex.split(command)
        if words[:2] == ["dataparams", "review"]:
            play(words, folder)
            return fence[0]
        output = printed(words, folder)
    if fence["lines"] is None:
        return fence[0]
    return (
        f"```sh\n{fence['command']}```\n\n```text{fence['lines']}\n"
        f"{shortened(output, fence['lines'])}\n```"
    )


def printed(words: list[str], folder: Path) -> str:
    """What a command prints where there is no terminal."""
    program = shutil.which(words[0], path=environment()["PATH"])
    done = subprocess.run(
        [program or words[0], *words[1:]],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise SystemExit(f"It ended with {done.returncode}.")
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def environment() -> dict[str, str]:
    """This one, in which the programs of this Python are found first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def shortened(output: str, wanted: str) -> str:
    """The first and the last lines, as a fence asks for."""
    numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", wanted)}
    if not numbers:
        return output
    lines = output.splitlines()
    first, last = numbers.get("first", 0), numbers.get("last", 0)
    return "\n".join([*lines[:first], "...", *lines[len(lines) - last :]])


def play(words: list[str], folder: Path) -> None:
    """Serve the review, and let Ann and Bob decide in a browser."""
    run = RunFolder(folder / words[2])
    program = shutil.which(words[0], path=environment()["PATH"]) or words[0]
    server = subprocess.Popen(
        [program, *words[1:], "--no-open"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = next(
            found[0] for line in server.stdout or () if (found := re.search(r"http://\S+", line))
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            review(browser, address, run)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def review(browser: Browser, address: str, run: RunFolder) -> None:
    """Ann goes through the whole queue, Bob through its beginning; he errs now and then."""
    names = run.class_names()
    truth = {
        sample: names[label]
        for sample, label in run.samples().select("id", "true_label").iter_rows()
    }
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
    shoot(ann, "people", ann.locator("#people-dialog"))


def opened(browser: Browser, address: str, annotator: str, **options: str) -> Page:
    """The page, opened by somebody."""
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(address)
    page.locator("#who-name").fill(annotator)
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    return page


def decide_in_grid(page: Page, truth: dict[str, str]) -> None:
    """Take the suggestions of the first rows at once, where they are right."""
    tops = [tile.bounding_box()["y"] for tile in page.locator(".tile[data-filled]").all()]
    in_row = tops.count(min(tops))
    page.locator(".tile[data-position='0'] .tile-box").click()
    last = ROWS_AT_ONCE * in_row - 1
    page.locator(f".tile[data-position='{last}']").click(modifiers=["Shift"])
    for position in range(last + 1):
        tile = page.locator(f".tile[data-position='{position}']")
        suggested = tile.locator(".suggested .name").inner_text()
        if truth[file_of(tile)] != suggested:
            tile.locator(".tile-box").click()
    shoot(page, "grid")
    page.keyboard.press("s")
    wait_saved(page)
    page.locator("#refresh").click()
    wait(page, "document.getElementById('refresh').hidden")


def file_of(tile: Locator) -> str:
    """The file name that a screen reader is told first."""
    return (tile.get_attribute("aria-label") or "").partition(", ")[0]


def decide_one_at_a_time(page: Page, truth: dict[str, str]) -> None:
    """Go through what is left with one key each."""
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    shoot(page, "single")
    total = int(text_of(page, "fact-place").split()[-1].replace(",", ""))
    is_shot = False
    for _ in range(total):
        right = truth[text_of(page, "fact-file")]
        is_choice = not is_among(page, right)
        decide(page, right, "" if is_shot or not is_choice else "picker")
        is_shot = is_shot or is_choice
    wait_saved(page)


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
    is_last = len(set(text_of(page, "fact-place").split()) - {"of"}) == 1
    if not is_last:
        wait(page, f"document.getElementById('fact-file').textContent !== {sample!r}")


def most_doubtful_class(run: RunFolder) -> int:
    """The class with the most hard and need-review samples."""
    doubtful = load_analysis(run).frame.filter(category="hard")
    return int(doubtful["label"].mode()[0])


def shoot_map(page: Page, label: int) -> None:
    """The map of a class with a group in the lasso, which is let go again."""
    counted = text_of(page, "counted")
    page.keyboard.press("m")
    page.locator("[name=label]").select_option(str(label))
    page.locator("#map-wait").wait_for(state="hidden")
    box = page.locator("#map").bounding_box()
    left, top, width, height = box["x"], box["y"], box["width"], box["height"]
    corners = ((0.5, 0.02), (0.98, 0.02), (0.98, 0.6), (0.5, 0.6), (0.5, 0.02))
    page.mouse.move(left + 0.5 * width, top + 0.02 * height)
    page.mouse.down()
    for across, down in corners:
        page.mouse.move(left + across * width, top + down * height, steps=8)
    page.mouse.up()
    shoot(page, "map")
    page.keyboard.press("Escape")
    page.locator("[name=label]").select_option("")
    page.keyboard.press("g")
    wait(page, f"document.getElementById('counted').textContent === {counted!r}")


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
    """A picture for the page."""
    wait(page, "[...document.images].every((one) => one.complete)")
    page.wait_for_timeout(300)
    (part or page).screenshot(path=DOCS / f"walkthrough_{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
