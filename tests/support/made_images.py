"""Images and image folders that tests make for themselves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from dataparams.batches import LabeledImages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def picture(color: Any, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, color)


def save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def image_folder(root: Path, per_class: int = 4, classes: Sequence[str] = ("cat", "dog")) -> Path:
    for number, name in enumerate(classes):
        for i in range(per_class):
            save(picture((100 * number, 10 * i, 0)), root / name / f"{i:02}.png")
    return root


def random_images(count: int, height: int = 9, width: int = 7) -> LabeledImages:
    """Images in memory of random pixels, of five classes; their index is not their row."""
    generator = torch.Generator().manual_seed(count)
    shape = (count, 3, height, width)
    return LabeledImages(
        images=torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        labels=torch.arange(count) % 5,
        ids=tuple(map(str, range(count))),
        index=2 * torch.arange(count),
        num_instances=2 * count,
    )
