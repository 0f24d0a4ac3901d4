"""Small pictures of the samples of a data set that gives images, within a budget."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dataparams.contents.content import UnreadableContentError
from dataparams.errors import ArgumentError
from dataparams.recording.states import random_states, set_random_states

LONGEST_SIDE = 128
"""Pixels of a kept picture's longer side at most."""
BUDGET = 256 << 20
"""Bytes that all kept pictures may take together."""
_TRIED = 32
_TINY = 64


@dataclass(frozen=True, eq=False)
class SmallPictures:
    """The pictures of n samples.

    Attributes:
        pictures: Encoded, n of them, None where a sample has none; or None where none is kept.
        notice: What the user is told of it.
    """

    pictures: list[bytes | None] | None
    notice: str


def small_pictures(samples: Any, count: int) -> SmallPictures:
    """Keep a small picture of each sample, where all of them fit into the budget.

    An image is what an item is, or its first entry, or its entry ``image``, ``img`` or
    ``pixel_values``: one of Pillow, or an array or tensor of pixels, as large as it is. Nothing
    random that the data set does is felt by the loop.

    Args:
        samples: What gives items by number, n of them.
        count: n.

    Raises:
        ArgumentError: If items are not images.

    Example:
        >>> found = small_pictures([torch.zeros(3, 8, 8)] * 4, 4)
        >>> len(found.pictures), found.notice
        (4, 'A small picture of each sample is kept, 128 pixels wide at most.')
    """
    pixels = _pixels_of_all(samples, count)
    if pixels is not None:
        samples = pixels
    before = random_states(torch.device("cpu"))
    try:
        return _kept(samples, count)
    except ModuleNotFoundError:
        return SmallPictures(
            None,
            "No picture of the samples is kept, since Pillow is not installed: pip install "
            '"dataparams[app]" brings it. Give paths of image files to show those.',
        )
    finally:
        set_random_states(before, torch.device("cpu"))


def _kept(samples: Any, count: int) -> SmallPictures:
    tried = [_encoded(samples, place) for place in range(min(count, _TRIED))]
    sizes = [len(one) for one in tried if one is not None]
    if not sizes:
        raise ArgumentError(
            f"`samples` is a {type(samples).__name__} whose items are not images; expected texts, "
            "a table, paths of images, a data set that gives images, or None."
        )
    if np.mean(sizes) * count > BUDGET:
        return SmallPictures(
            None,
            f"No picture of the {count:,} samples is kept: at {np.mean(sizes) / 1000:.1f} kB each "
            f"they would take more than {BUDGET >> 20} MB. Give paths of image files to show "
            "those.",
        )
    pictures = tried + [_encoded(samples, place) for place in range(len(tried), count)]
    missing = sum(one is None for one in pictures)
    lacking = f" {missing:,} of {count:,} have none." if missing else ""
    return SmallPictures(
        pictures,
        f"A small picture of each sample is kept, {LONGEST_SIDE} pixels wide at most.{lacking}",
    )


def _pixels_of_all(samples: Any, count: int) -> Any:
    """The pixels of all samples as torchvision's data sets keep them, before they are changed."""
    for values in (samples, getattr(samples, "data", None)):
        if isinstance(values, torch.Tensor):
            values = values.numpy(force=True)
        if isinstance(values, np.ndarray) and len(values) == count and values.ndim in (3, 4):
            return values
    return None


def _encoded(samples: Any, place: int) -> bytes | None:
    """A small picture of a sample; None where it is no image."""
    from dataparams.contents.images import jpeg_views

    try:
        pixels = _pixels(_image(samples[place]))
    except (UnreadableContentError, OSError):
        return None
    if pixels is None:
        return None
    if max(pixels.shape) > _TINY:
        return jpeg_views(pixels, [LONGEST_SIDE])[0].data
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _image(item: Any) -> Any:
    if isinstance(item, Mapping):
        return next((item[name] for name in ("image", "img", "pixel_values") if name in item), None)
    return item[0] if isinstance(item, tuple | list) and len(item) else item


def _pixels(image: Any) -> np.ndarray[Any, Any] | None:
    """The pixels of an image, (height, width, 3), uint8; None where it is none."""
    from dataparams.contents.images import image_of_numbers

    if hasattr(image, "convert") and hasattr(image, "size"):
        return np.asarray(image.convert("RGB"))
    if isinstance(image, torch.Tensor):
        image = image.numpy(force=True)
    if (
        not isinstance(image, np.ndarray)
        or image.ndim not in (2, 3)
        or image.dtype.kind not in "fiub"
    ):
        return None
    if image.dtype.kind == "f" and image.size and (image.min() < 0 or image.max() > 1):
        # Normalized: stretched over what a picture can show.
        lowest, highest = float(image.min()), float(image.max())
        image = (image - lowest) / max(highest - lowest, 1e-9)
    return image_of_numbers(image).pixels(max(image.shape))
