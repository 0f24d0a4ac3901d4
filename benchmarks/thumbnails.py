"""Milliseconds of a core from a JPEG file to the pictures of report and review, as JPEG files.

Run from the repository's root: ``python benchmarks/thumbnails.py``. It reads photographs from
``--data``, resizes them, and writes a section of RESULTS.md. What is done is compared with decoding
every picture at 640 pixels and shrinking it.
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial
from pathlib import Path

from dataparams.contents.images import EncodedImage, jpeg_views
from decoding import milliseconds, photographs
from results import table, write_section

LARGEST = 640
PHOTOGRAPHS = {(3000, 2000): 100, (600, 400): 200}
WANTED = {
    "report, easy": (160,),
    "report, suspicious": (160, 640),
    "review, list": (240,),
    "review, one": (640,),
}


def as_they_are_wanted(images: list[EncodedImage], sides: tuple[int, ...]) -> None:
    """The chosen way: one decoding at the largest size that is wanted."""
    for image in images:
        image.views(sides)


def from_the_largest(images: list[EncodedImage], sides: tuple[int, ...]) -> None:
    """Decoded at 640 pixels, whatever is wanted."""
    for image in images:
        jpeg_views(image.pixels(LARGEST), sides)


def row(title: str, images: list[EncodedImage], sides: tuple[int, ...], rounds: int) -> list[str]:
    """A line of the table: both ways, taking turns."""
    ways = {way: partial(way, images, sides) for way in (as_they_are_wanted, from_the_largest)}
    spent = milliseconds({way.__name__: call for way, call in ways.items()}, rounds, len(images))
    chosen, largest = (spent[way.__name__] for way in ways)
    ratio = statistics.median(a / b for a, b in zip(chosen, largest, strict=True))
    medians = [f"{statistics.median(values):.2f}" for values in (chosen, largest)]
    return [title, ", ".join(map(str, sides)), *medians, f"{ratio:.2f}"]


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit(f"{arguments.photographs} does not exist; give --photographs FOLDER.")
    rows = []
    for size, count in PHOTOGRAPHS.items():
        images = [EncodedImage(data) for data in photographs(arguments.photographs, count, size)]
        rows += [
            row(f"{size[0]} x {size[1]}, {title}", images, sides, arguments.rounds)
            for title, sides in WANTED.items()
        ]
    header = ["photographs, for", "pixels of the longer side"]
    body = table([*header, "ms of a core", "ms, decoded at 640 and shrunk", "ratio"], rows) + (
        "\n\nPhotographs of Caltech-101 resized, JPEG of quality 95; from the file in memory to "
        f"JPEG files in all sizes; one thread, processor time, {arguments.rounds} rounds, taking "
        "turns: the median, and the median of the ratios within a round."
    )
    write_section("Thumbnails", body)


if __name__ == "__main__":
    main()
