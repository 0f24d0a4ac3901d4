"""Photographs with faults that are known: what the closed case of the documentation finds.

The faults are drawn with a seed, so that the same photographs always give the same case.
"""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALIDATION, WRONG = 0.1, 0.1
COPIES, CONTRADICTIONS, LEAKS, DARK, BLURRED, DAMAGED = 20, 8, 6, 6, 6, 3
DISCARDED = ""


def plant(photographs: Path, folder: Path, seed: int = 7) -> dict[str, str]:
    """Copy photographs into ``train/CLASS`` and ``val/CLASS`` with faults.

    Args:
        photographs: Folders of classes.
        folder: Where the copies go.
        seed: Of all that is drawn.

    Returns:
        The class that each file shows, by its path in ``folder``; empty where nothing can be seen.
    """
    rng = np.random.default_rng(seed)
    classes = sorted(each.name for each in photographs.iterdir() if each.is_dir())
    files = sorted(photographs.glob("*/*.jpg"))
    truth: dict[str, str] = {}
    splits: dict[str, list[Path]] = {"train": [], "val": []}
    for number, file in enumerate(files):
        split = "val" if rng.random() < VALIDATION else "train"
        shown = file.parent.name
        others = [each for each in classes if each != shown]
        given = str(rng.choice(others)) if rng.random() < WRONG else shown
        placed = _put(folder, split, given, f"IMG_{1000 + number}.jpg", truth, shown)
        shutil.copyfile(file, placed)
        splits[split].append(placed)
    drawn = iter(rng.permutation(np.array(splits["train"], dtype=object)))
    shown_by = {folder / name: shown for name, shown in truth.items()}

    def copies(count: int, change: Callable[[bytes], bytes], split: str, *, same: bool) -> None:
        for file in (next(drawn) for _ in range(count)):
            others = [each for each in classes if each != file.parent.name]
            given = file.parent.name if same else str(rng.choice(others))
            name = f"IMG_{1000 + len(truth)}.jpg"
            placed = _put(folder, split, given, name, truth, shown_by[file])
            placed.write_bytes(change(file.read_bytes()))

    copies(COPIES, _recompressed, "train", same=True)
    copies(CONTRADICTIONS, bytes, "train", same=False)
    copies(LEAKS, _mirrored, "val", same=True)
    for count, change in ((DARK, _darkened), (BLURRED, _blurred), (DAMAGED, _cut)):
        for file in (next(drawn) for _ in range(count)):
            file.write_bytes(change(file.read_bytes()))
            if change is not _blurred:
                truth[file.relative_to(folder).as_posix()] = DISCARDED
    return truth


def _put(
    folder: Path, split: str, given: str, name: str, truth: dict[str, str], shown: str
) -> Path:
    placed = folder / split / given / name
    placed.parent.mkdir(parents=True, exist_ok=True)
    truth[placed.relative_to(folder).as_posix()] = shown
    return placed


def _changed(data: bytes, change: Callable[[Image.Image], Image.Image], quality: int) -> bytes:
    stream = io.BytesIO()
    change(Image.open(io.BytesIO(data)).convert("RGB")).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _recompressed(data: bytes) -> bytes:
    return _changed(data, Image.Image.copy, 30)


def _mirrored(data: bytes) -> bytes:
    return _changed(data, lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 92)


def _darkened(data: bytes) -> bytes:
    return _changed(data, lambda picture: picture.point(lambda value: value * 0.03), 92)


def _blurred(data: bytes) -> bytes:
    return _changed(data, lambda picture: picture.filter(ImageFilter.GaussianBlur(6)), 92)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 3]
