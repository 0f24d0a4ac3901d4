"""The map of very many samples: how long it is laid out, and how fluidly it is moved about.

Features are drawn at random around a center for each class, so that places say nothing; only times
and memory do. The page is moved in Chromium without a graphics card, which draws by software.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from playwright.sync_api import sync_playwright

from dataparams.run.features import write_kept_features
from dataparams.run.folder import RunFolder
from results import table, write_section
from review import Client, Server, generate
from review_page import FRAMES, SIZE, begin

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, CENTERS = 256, 1000
MOVES = 60
SHOWN = """document.getElementById('map-wait').hidden &&
  document.getElementById('map-frame').dataset.wanted"""
PATIENCE = 600


def give_features(folder: Path, instances: int) -> None:
    """Features of all samples of a run, which becomes an audit."""
    rng = np.random.default_rng(0)
    run = RunFolder(folder)
    centers = rng.normal(size=(CENTERS, WIDTH)).astype(np.float32)
    labels = run.samples()["label"].to_numpy() % CENTERS
    features = np.empty((instances, WIDTH), dtype=np.float16)
    for start in range(0, instances, 100_000):
        rows = slice(start, start + 100_000)
        noise = rng.normal(0, 1.5, (len(labels[rows]), WIDTH))
        features[rows] = centers[labels[rows]] + noise
    write_kept_features(run, features)
    run.update_description(audit={"encoder": {"is_kept": True}, "width": WIDTH})


def made(server: Server) -> tuple[float, float]:
    """Seconds until the features are short points, and until all samples have their places."""
    client = Client(server.port)
    started = time.perf_counter()
    seconds_of_points = 0.0
    while True:
        answer = json.loads(client.get("/api/map")[1])
        assert answer["state"] in ("making", "ready"), answer
        now = time.perf_counter() - started
        if not seconds_of_points and answer["share"] >= 0.3:
            seconds_of_points = now
        if answer["state"] == "ready":
            return seconds_of_points, now
        time.sleep(0.5)


def frames_while(page: Page, what: str, move: str) -> list[str]:
    """Milliseconds between frames while the map is moved."""
    page.evaluate("window.frames_at.length = 0")
    before = draws_of(page)
    box = page.locator("#map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    if move == "pan":
        page.mouse.down(button="middle")
    for number in range(MOVES):
        if move == "pan":
            page.mouse.move(x + 3 * (number % 20), y + 2 * (number % 20))
        elif move == "zoom":
            page.mouse.wheel(0, -60 if number < MOVES // 2 else 60)
        elif move == "hover":
            page.mouse.move(x + number, y - number)
        page.wait_for_timeout(50)
    if move == "pan":
        page.mouse.up(button="middle")
    taken = np.diff(page.evaluate("window.frames_at"))
    times = (f"{value:.0f}" for value in (*np.percentile(taken, (50, 95)), taken.max()))
    return [what, *times, str(draws_of(page) - before)]


def draws_of(page: Page) -> int:
    """How often the points were drawn so far; what lies above them is drawn apart."""
    return int(page.locator("#map-frame").get_attribute("data-draws") or 0)


def seconds_of_page(page: Page, address: str) -> float:
    """From the key that opens the map until it is drawn, its points being loaded."""
    begin(page, address)
    started = time.perf_counter()
    page.keyboard.press("m")
    while not page.evaluate(SHOWN):
        assert time.perf_counter() - started < PATIENCE
        page.wait_for_timeout(50)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_280_000)
    parser.add_argument("--classes", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, arguments.instances, 2, arguments.classes)
        give_features(folder, arguments.instances)
        with closing(Server(folder)) as server, sync_playwright() as playwright:
            points, layout = made(server)
            client = Client(server.port)
            client.get("/api/queue", near=5, decision="any")
            near = [
                client.get("/api/queue", near=9_973 * number % arguments.instances, decision="any")[
                    0
                ]
                for number in range(20)
            ]
            first = [client.get("/api/queue", limit=120)[0] for _ in range(20)]
            memory = server.memory()
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport=SIZE)
            loaded = seconds_of_page(page, f"http://127.0.0.1:{server.port}/")
            page.evaluate(FRAMES)
            rows = [
                frames_while(page, "standing still", "nothing"),
                frames_while(page, "pointing at samples", "hover"),
                frames_while(page, "moving", "pan"),
                frames_while(page, "zooming in and out", "zoom"),
            ]
            browser.close()
    made_rows = [
        ["features as points of 64 numbers", f"{points:.0f} s"],
        ["places of all samples (with the above)", f"{layout:.0f} s"],
        ["the map in the page, from the key that opens it", f"{loaded:.1f} s"],
        ["200 samples most like one, first page: p50", f"{np.median(near):.0f} ms"],
        ["the same: p95", f"{np.percentile(near, 95):.0f} ms"],
        ["first page of the queue: p50", f"{np.median(first):.0f} ms"],
        ["memory of the server: now, at most", f"{memory[0]} GB, {memory[1]} GB"],
    ]
    body = (
        f"{arguments.instances:,} samples with {WIDTH} features each.\n\n"
        f"{table(['what', 'takes'], made_rows)}\n\n"
        f"{table(['frames', 'p50', 'p95', 'longest', 'points drawn'], rows)}\n\n"
        f"Milliseconds between frames, {SIZE['width']} x {SIZE['height']}, a Chromium without a "
        "screen that draws WebGL by software."
    )
    write_section(f"The map of {arguments.instances:,} samples", body)


if __name__ == "__main__":
    main()
