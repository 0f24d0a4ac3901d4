"""Photographs in train, val and test, with files that are none, and an audit of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dataparams.analysis import analyze, write_analysis
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder

COLORS = {"blue": (30, 60, 200), "green": (30, 190, 60), "red": (210, 40, 30)}
COUNTS = {"train": 40, "val": 12, "test": 8}
WRONG = {
    "train/blue/red_7.png": "red",
    "val/green/blue_5.png": "blue",
    "test/red/green_3.png": "green",
}
DAMAGED = ("train/red/damaged.png", "test/blue/damaged.png")
NO_SAMPLES = ("README.md", "labels.csv", "top.png", "train/notes.txt")


def split_photographs(folder: Path) -> Path:
    """A folder of 180 pictures of one color each, three labels wrong, and 6 files beside them."""
    rng = np.random.default_rng(0)
    for split, count in COUNTS.items():
        for name in COLORS:
            (folder / split / name).mkdir(parents=True)
        for name, color in COLORS.items():
            for number in range(count):
                pixels = np.clip(np.add(color, rng.normal(0, 18, (8, 8, 3))), 0, 255)
                places = [place for place in WRONG if place.endswith(f"/{name}_{number}.png")]
                given = [place for place in places if place.startswith(f"{split}/")]
                file = folder / (given[0] if given else f"{split}/{name}/{name}_{number}.png")
                Image.fromarray(pixels.astype(np.uint8)).save(file)
    for name in DAMAGED:
        (folder / name).write_bytes(b"no image")
    (folder / "train" / "red" / "red_0.png").rename(folder / "top.png")
    for name in NO_SAMPLES:
        if not name.endswith(".png"):
            (folder / name).write_text("words")
    return folder


def audit_of_splits(folder: Path, data: Path, split: str = "all") -> RunFolder:
    """An audit of such a folder by the pictures' own pixels, analyzed."""
    run = audit(AuditConfig(str(data), encoder="pixels", split=split, out=str(folder))).run
    write_analysis(run, analyze(run))
    return run
