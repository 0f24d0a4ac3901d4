"""Copies planted among photographs, texts and rows; of what each is a copy is known."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Image.Image, np.random.Generator], Image.Image]

PICTURES = 600
EACH = 40
TEXTS_EACH = 100
ROWS = 200
QUALITY = 90

NATURAL = (
    ("buddha/image_0022.jpg", "buddha/image_0028.jpg"),
    ("grand_piano/image_0006.jpg", "grand_piano/image_0014.jpg"),
    ("trilobite/image_0044.jpg", "trilobite/image_0077.jpg"),
    ("trilobite/image_0011.jpg", "trilobite/image_0022.jpg"),
    tuple(f"grand_piano/image_00{number}.jpg" for number in (41, 51, 53)),
    ("grand_piano/image_0027.jpg", "grand_piano/image_0064.jpg"),
    ("grand_piano/image_0002.jpg", "grand_piano/image_0077.jpg"),
    ("ketch/image_0035.jpg", "ketch/image_0041.jpg"),
    ("buddha/image_0012.jpg", "buddha/image_0013.jpg"),
    tuple(f"menorah/image_00{number}.jpg" for number in (14, 15, 16, 17, 53)),
    ("grand_piano/image_0009.jpg", "grand_piano/image_0072.jpg"),
    ("starfish/image_0016.jpg", "starfish/image_0067.jpg"),
    ("kangaroo/image_0015.jpg", "kangaroo/image_0025.jpg"),
    ("grand_piano/image_0003.jpg", "grand_piano/image_0046.jpg"),
    tuple(f"butterfly/image_00{number}.jpg" for number in ("01", 17, 31)),
    ("buddha/image_0008.jpg", "buddha/image_0040.jpg", "buddha/image_0083.jpg"),
    ("hawksbill/image_0028.jpg", "hawksbill/image_0040.jpg"),
    ("trilobite/image_0041.jpg", "trilobite/image_0064.jpg"),
    ("kangaroo/image_0035.jpg", "kangaroo/image_0050.jpg"),
    ("hawksbill/image_0009.jpg", "hawksbill/image_0039.jpg"),
    ("bonsai/image_0026.jpg", "bonsai/image_0092.jpg"),
    ("hawksbill/image_0042.jpg", "hawksbill/image_0045.jpg"),
    ("brain/image_0001.jpg", "brain/image_0048.jpg"),
    ("menorah/image_0083.jpg", "menorah/image_0084.jpg"),
    ("brain/image_0014.jpg", "brain/image_0015.jpg"),
    tuple(f"scorpion/image_00{number}.jpg" for number in ("06", 72, 76, 78)),
    ("hawksbill/image_0050.jpg", "hawksbill/image_0051.jpg"),
)
"""Photographs of caltech20 that are there twice by nature, each pair judged by eye."""


@dataclass(frozen=True)
class Planted:
    """Samples among which copies were planted.

    Attributes:
        place: Where the samples lie.
        originals: Of each sample, by its id, the id of what it is, or is a copy of.
        changes: How each planted copy was changed, by its id.
        words: Of texts, what is left of each without case, white space and punctuation.
    """

    place: Path
    originals: dict[str, str]
    changes: dict[str, str]
    words: dict[str, str] = field(default_factory=dict)


def _crop(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = (int(0.9 * side) for side in picture.size)
    left = int(rng.integers(0, picture.width - width + 1))
    top = int(rng.integers(0, picture.height - height + 1))
    return picture.crop((left, top, left + width, top + height))


def _mirror(picture: Image.Image, _: np.random.Generator) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _halve(picture: Image.Image, _: np.random.Generator) -> Image.Image:
    size = max(1, picture.width // 2), max(1, picture.height // 2)
    return picture.resize(size, Image.Resampling.BICUBIC)


def _relight(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    factor = rng.choice([0.6, 0.8, 1.2, 1.3])
    values = np.asarray(picture, dtype=float) * factor
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


CHANGES: dict[str, tuple[str, Change | None, int]] = {
    "byte copy": (".jpg", None, 0),
    "saved again as PNG": (".png", lambda picture, _: picture, 0),
    "JPEG at quality 30": (".jpg", lambda picture, _: picture, 30),
    "cropped to 90 % of each side": (".jpg", _crop, QUALITY),
    "mirrored": (".jpg", _mirror, QUALITY),
    "resized to half": (".jpg", _halve, QUALITY),
    "brightness times 0.6 to 1.3": (".jpg", _relight, QUALITY),
}
"""What is done to a photograph: the file's suffix, the change, and the quality of the JPEG."""


def plant_pictures(data: Path, folder: Path, seed: int) -> Planted:
    """Photographs of caltech20 in a folder, with copies of others of them in their class.

    Args:
        data: The folder of data sets.
        folder: Where to; it is made.
        seed: Which photographs these are, and which are copied how.
    """
    rng = np.random.default_rng(seed)
    source = data / "caltech20"
    files = sorted(file.relative_to(source) for file in source.glob("*/*.jpg"))
    chosen = [files[row] for row in rng.permutation(len(files))[:PICTURES]]
    for file in chosen:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / file, folder / file)
    natural = {name: group[0] for group in NATURAL for name in group}
    originals = {file.as_posix(): natural.get(file.as_posix(), file.as_posix()) for file in chosen}
    changes = {}
    copied = iter([chosen[row] for row in rng.permutation(len(chosen))])
    for name, (suffix, change, quality) in CHANGES.items():
        for _ in range(EACH):
            file = next(copied)
            copy = file.with_name(f"copy_{rng.integers(1 << 40):x}{suffix}")
            if change is None:
                shutil.copy(source / file, folder / copy)
            else:
                picture = change(Image.open(source / file).convert("RGB"), rng)
                options: dict[str, Any] = {"quality": quality} if suffix == ".jpg" else {}
                picture.save(folder / copy, **options)
            originals[copy.as_posix()] = originals[file.as_posix()]
            changes[copy.as_posix()] = name
    return Planted(folder, originals, changes)


def _other_punctuation(text: str) -> str:
    bare = re.sub(r"[.?!,]", "", text)
    return f"{bare}..." if text.endswith("?") else f"{bare}!"


TEXT_CHANGES: dict[str, Callable[[str], str]] = {
    "letter by letter": str,
    "in capitals": str.upper,
    "white space": lambda text: f"  {text.replace(' ', '  ', 2)}\n",
    "punctuation": _other_punctuation,
}


def plant_texts(data: Path, folder: Path, seed: int) -> tuple[Planted, list[str]]:
    """The sentences of banking77 in a file, with copies of some of them at its end.

    Returns:
        What was planted, and the texts in the order of the file.
    """
    rng = np.random.default_rng(seed)
    parts = [pl.read_csv(data / f"banking77/{split}.csv") for split in ("train", "test")]
    table = pl.concat(parts)
    texts, labels = table["text"].to_list(), table["category"].to_list()
    copied = iter(rng.permutation(len(texts)).tolist())
    originals = {f"train/{row}": f"train/{row}" for row in range(len(texts))}
    changes = {}
    for name, change in TEXT_CHANGES.items():
        for _ in range(TEXTS_EACH):
            row = next(copied)
            copy = f"train/{len(texts)}"
            texts.append(change(texts[row]))
            labels.append(labels[row])
            originals[copy] = originals[f"train/{row}"]
            changes[copy] = name
    file = folder / "banking77.csv"
    pl.DataFrame({"text": texts, "category": labels}).write_csv(file)
    return Planted(file, originals, changes), texts


def plant_rows(data: Path, folder: Path, seed: int) -> Planted:
    """The rows of diamonds in a file, with copies of some of them at its end."""
    rng = np.random.default_rng(seed)
    table = pl.read_csv(data / "tables/diamonds.csv")
    rows = rng.permutation(len(table))[:ROWS].tolist()
    file = folder / "diamonds.csv"
    pl.concat([table, table[rows]]).write_csv(file)
    without_label = table.drop("cut")
    first = without_label.with_row_index("row").select(
        pl.col("row").first().over(without_label.columns)
    )["row"]
    originals = {f"train/{row}": f"train/{first[row]}" for row in range(len(table))}
    changes = {}
    for place, row in enumerate(rows):
        copy = f"train/{len(table) + place}"
        originals[copy] = originals[f"train/{row}"]
        changes[copy] = "row"
    return Planted(file, originals, changes)
