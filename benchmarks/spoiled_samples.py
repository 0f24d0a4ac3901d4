"""Pictures, texts and rows that are spoiled on purpose, in ways that a person would notice."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataparams.contents.rows import Cell

    Spoil = Callable[[Image.Image, np.random.Generator], Image.Image]

QUALITY = 90


@dataclass(frozen=True, eq=False)
class SpoiledPictures:
    """Photographs, some of them spoiled.

    Attributes:
        ids: Class and name of each.
        encoded: Each as a JPEG.
        faults: Of those that were spoiled, the fault by the row.
    """

    ids: list[str]
    encoded: list[bytes]
    faults: dict[int, str]


def _blurred(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """By 1 to 2.5 % of the longer side: at 300 pixels a radius of 3 to 7.5."""
    radius = max(picture.size) * rng.uniform(0.01, 0.025)
    return picture.filter(ImageFilter.GaussianBlur(radius))


def _strip(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The middle rows or columns alone: 4 to 8 % of the longer side."""
    width, height = picture.size
    thin = max(1, round(max(width, height) * rng.uniform(0.04, 0.08)))
    if rng.random() < 0.5:
        return picture.crop((0, (height - thin) // 2, width, (height + thin) // 2))
    return picture.crop(((width - thin) // 2, 0, (width + thin) // 2, height))


def _thumbnail(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = picture.copy()
    side = int(rng.integers(24, 64))
    small.thumbnail((side, side))
    return small


def _constant(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    color = rng.integers(0, 256, 3) + rng.normal(0, 1, (picture.height, picture.width, 3))
    return Image.fromarray(color.clip(0, 255).astype(np.uint8))


def _noise(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (picture.height, picture.width, 3), np.uint8))


FAULTS: dict[str, Spoil] = {
    "darkened to 12 %": lambda picture, _: picture.point(lambda value: value * 0.12),
    "brightened to 12 % of the contrast": lambda picture, _: picture.point(
        lambda value: 255 - (255 - value) * 0.12
    ),
    "blurred": _blurred,
    "thin strip": _strip,
    "thumbnail": _thumbnail,
    "constant": _constant,
    "noise": _noise,
}
"""How pictures are spoiled."""


def photographs(folder: Path, count: int, seed: int) -> tuple[list[str], list[bytes]]:
    """Files of an image folder, drawn at random: their ids and contents."""
    files = sorted(folder.glob("*/*.jpg"))
    rng = np.random.default_rng(seed)
    chosen = [files[k] for k in sorted(rng.permutation(len(files))[:count].tolist())]
    ids = [f"{file.parent.name}/{file.name}" for file in chosen]
    return ids, [file.read_bytes() for file in chosen]


def spoil_pictures(ids: list[str], encoded: list[bytes], each: int, seed: int) -> SpoiledPictures:
    """Spoil some pictures, so many in each way; the others are as they were."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(ids))[: each * len(FAULTS)].reshape(len(FAULTS), each)
    spoiled, faults = list(encoded), {}
    for (name, spoil), chosen in zip(FAULTS.items(), rows.tolist(), strict=True):
        for row in chosen:
            picture = Image.open(io.BytesIO(encoded[row])).convert("RGB")
            stream = io.BytesIO()
            spoil(picture, rng).save(stream, "JPEG", quality=QUALITY)
            spoiled[row] = stream.getvalue()
            faults[row] = name
    return SpoiledPictures(ids, spoiled, faults)


def spoil_texts(texts: Sequence[str], each: int, seed: int) -> tuple[list[str], dict[int, str]]:
    """Spoil some texts, so many in each way: the texts, and of those spoiled the kind expected."""
    rng = np.random.default_rng(seed)
    ways: dict[str, tuple[str, Callable[[str], str]]] = {
        "empty": ("low_information", lambda _: " " * int(rng.integers(0, 4))),
        "a sign": ("low_information", lambda _: "?!.-"[rng.integers(4)]),
        "one letter": ("nearly_constant", lambda text: text[0] * int(rng.integers(8, 60))),
        "endless": ("odd_size", lambda text: " ".join([text] * int(rng.integers(60, 90)))),
        "Cyrillic": ("other_script", lambda text: text.translate(_TO_CYRILLIC)),
        "wrong encoding": ("damaged", lambda text: f"{text} é".encode().decode("latin-1")),
        "markup": ("markup", lambda text: f"<p>{text}<br/><b>now</b></p>"),
    }
    rows = rng.permutation(len(texts))[: each * len(ways)].reshape(len(ways), each)
    spoiled, expected = list(texts), {}
    for (kind, spoil), chosen in zip(ways.values(), rows.tolist(), strict=True):
        for row in chosen:
            spoiled[row] = spoil(texts[row])
            expected[row] = kind
    return spoiled, expected


_TO_CYRILLIC = str.maketrans("abcdefghijklmnoprstuvwxyz", "абцдефгхийклмнопрстувшыъю")


def spoil_rows(
    rows: Sequence[tuple[Cell, ...]], each: int, seed: int
) -> tuple[list[tuple[Cell, ...]], dict[int, str]]:
    """Spoil some rows, so many in each way: the rows, and of those spoiled the kind expected."""
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(rows))[: 3 * each].reshape(3, each).tolist()
    spoiled, expected = list(rows), {}
    for row in drawn[0]:
        kept = set(rng.permutation(len(rows[row]))[:2].tolist())
        spoiled[row] = tuple(cell if k in kept else None for k, cell in enumerate(rows[row]))
        expected[row] = "low_information"
    for row in drawn[1]:
        spoiled[row] = tuple(0 for _ in rows[row])
        expected[row] = "nearly_constant"
    for row in drawn[2]:
        numbers = [k for k, cell in enumerate(rows[row]) if isinstance(cell, float) and cell > 0]
        place = int(rng.choice(numbers))
        cells = list(rows[row])
        cells[place] = float(str(cells[place])) * 100
        spoiled[row] = tuple(cells)
        expected[row] = "odd_value"
    return spoiled, expected
