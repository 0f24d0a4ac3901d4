"""How fluidly the review page scrolls through 1.28 million samples, in Chromium without a GPU."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, ViewportSize, sync_playwright

from results import table, write_section
from review import Server, generate

SIZE: ViewportSize = {"width": 1280, "height": 860}
SECONDS = 10
EVERYTHING = "#decision=any&category=hard&category=review&category=easy&view=grid"
FRAMES = """() => {
  window.frames_at = [];
  const note = (now) => { window.frames_at.push(now); requestAnimationFrame(note); };
  requestAnimationFrame(note);
}"""


def begin(page: Page, address: str) -> None:
    """Open the list of everything, with a name."""
    page.goto(address + EVERYTHING)
    page.locator("#who-name").fill("ann")
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    page.mouse.move(SIZE["width"] / 2, SIZE["height"] / 2)


def frames(page: Page, pixels: int) -> list[float]:
    """Milliseconds between frames while a wheel turns, without those before it turns."""
    page.evaluate("window.frames_at.length = 0")
    for _ in range(SECONDS * 20):
        page.mouse.wheel(0, pixels)
        page.wait_for_timeout(50)
    taken: list[float] = np.diff(page.evaluate("window.frames_at")).tolist()
    return taken


def row_of(page: Page, what: str, pixels: int) -> list[str]:
    """How one way to scroll went."""
    taken = frames(page, pixels)
    low, high = np.percentile(taken, (50, 95))
    cards = page.locator(".tile").count()
    return [what, f"{low:.0f}", f"{high:.0f}", f"{max(taken):.0f}", str(cards)]


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_280_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--classes", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        generate(Path(folder), arguments.instances, arguments.epochs, arguments.classes)
        server = Server(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        begin(page, f"http://127.0.0.1:{server.port}/")
        page.evaluate(FRAMES)
        rows = [
            row_of(page, "standing still", 0),
            row_of(page, "a row at a time", 60),
            row_of(page, "a screen at a time", 800),
            row_of(page, "far", 40_000),
        ]
        browser.close()
        server.close()
    header = ["wheel, 20 turns a second", "frame p50", "p95", "longest", "cards in the page"]
    body = (
        f"{table(header, rows)}\n\nMilliseconds between frames, over {SECONDS} seconds; "
        f"{arguments.instances:,} samples in one list, {SIZE['width']} x {SIZE['height']}, a "
        "browser without a window that draws by the processor, on the machine that serves as well."
    )
    write_section("Scrolling through the review", body)


if __name__ == "__main__":
    main()
