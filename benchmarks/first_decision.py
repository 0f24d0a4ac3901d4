"""From ``dataparams audit PATH`` to the first decision that is saved, in Chromium.

Photographs are those of a folder, as often as are needed, each further one mirrored; nothing of
them is kept from an earlier audit. Nobody hesitates: the decision is made when the page shows what
it is about.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from results import table, write_section
from review import Server
from review_page import SIZE

STAGES = ("audit, with its report", "review serves", "the page shows the first sample", "saved")


def gather(photographs: Path, count: int, folder: Path) -> None:
    """Write so many photographs in their class folders."""
    files = sorted(path for path in photographs.rglob("*") if path.suffix.lower() == ".jpg")
    for number in range(count):
        file = files[number % len(files)]
        place = folder / file.relative_to(photographs)
        if number < len(files):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        else:
            with Image.open(file) as image:
                ImageOps.mirror(image).save(place.with_stem(f"{place.stem}_mirrored"), quality=95)


def seconds_of(photographs: Path, folder: Path) -> list[float]:
    """Seconds of each stage, the first time, in an empty folder."""
    run, moments = folder / "run", [time.perf_counter()]
    command = [sys.executable, "-m", "dataparams", "audit", str(photographs), "--out", str(run)]
    settings = {**os.environ, "DATAPARAMS_CACHE": str(folder / "cache")}
    subprocess.run(command, check=True, env=settings, stdout=subprocess.DEVNULL)
    moments.append(time.perf_counter())
    with closing(Server(run)) as server, sync_playwright() as playwright:
        moments.append(time.perf_counter())
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.locator("#who-name").fill("ann")
        page.keyboard.press("Enter")
        page.locator(".tile[data-filled] img").first.wait_for()
        moments.append(time.perf_counter())
        with page.expect_response(lambda answer: answer.url.endswith("/api/decisions")) as answer:
            page.keyboard.press("k")
        assert answer.value.ok
        moments.append(time.perf_counter())
        browser.close()
    return [after - before for before, after in pairwise(moments)]


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photographs = Path(folder) / "photographs"
        gather(arguments.data / "caltech20", arguments.count, photographs)
        taken = []
        for number in range(arguments.rounds):
            place = Path(folder) / str(number)
            place.mkdir()
            taken.append(seconds_of(photographs, place))
    medians = [statistics.median(stage) for stage in zip(*taken, strict=True)]
    whole = [sum(one) for one in taken]
    rows = [[what, f"{seconds:.1f}"] for what, seconds in zip(STAGES, medians, strict=True)]
    rows.append(["**all**", f"**{statistics.median(whole):.1f}**"])
    load = f"Load of the machine when done (1, 5, 15 minutes): {os.getloadavg()}."
    told = (
        f"{arguments.count:,} photographs of caltech20, those above 1,841 mirrored; medians of "
        f"{arguments.rounds} rounds ({min(whole):.1f} to {max(whole):.1f}), each with an empty "
        f"cache. Nobody hesitates. {load}"
    )
    write_section("The first decision", f"{table(['stage', 'seconds'], rows)}\n\n{told}")


if __name__ == "__main__":
    main()
