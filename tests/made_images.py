"""Images and image folders that tests make for themselves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def picture(color, size=(12, 10), mode="RGB") -> Image.Image:
    return Image.new(mode, size, color)


def save(image: Image.Image, path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def image_folder(root: Path, per_class: int = 4, classes=("cat", "dog")) -> Path:
    for number, name in enumerate(classes):
        for i in range(per_class):
            save(picture((100 * number, 10 * i, 0)), root / name / f"{i:02}.png")
    return root
