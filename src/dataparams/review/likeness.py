"""How like two contents look, where features are not at hand."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dataparams.review.content_views import PICTURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.contents.content import View

    Look: TypeAlias = NDArray[np.float32] | frozenset[str] | dict[str, str | None]

_SIDE = 12
_LETTERS = 3


def look_of(view: View) -> Look:
    """What two contents are compared by.

    Args:
        view: A JPEG file of our own, or a text or row as JSON.

    Returns:
        Of a picture the colors of 12 x 12 places; of a text its pieces of three letters; of a row
        its values.
    """
    if view.media_type == PICTURE:
        return _colors(view.data)
    shown = json.loads(view.data)
    if shown["cells"] is not None:
        return {name: words for name, words, _ in shown["cells"]}
    return _pieces(shown["text"])


def distance(one: Look | None, other: Look | None) -> float:
    """How unlike two looks are, 0 for the same; infinite where they cannot be compared.

    Pictures are compared by the mean difference of their colors; texts by the share of their pieces
    that they do not have in common; rows by the mean over their values, numbers by their relative
    difference.

    Example:
        >>> distance({"carat": "1", "color": "E"}, {"carat": "3", "color": "E"})
        0.25
        >>> distance(frozenset("ab"), frozenset("bc")) < distance(frozenset("ab"), frozenset("c"))
        True
    """
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return float(np.abs(one - other).mean())
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return 1 - len(one & other) / max(len(one | other), 1)
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        each = [_value_distance(one.get(name), other.get(name)) for name in names]
        return float(np.mean(each)) if each else 0.0
    return float("inf")


def _value_distance(one: str | None, other: str | None) -> float:
    if one == other:
        return 0.0
    if one is not None and other is not None:
        with suppress(ValueError):
            a, b = float(one), float(other)
            share = abs(a - b) / max(abs(a) + abs(b), 1e-300)
            return share if share <= 1 else 1.0
    return 1.0


def _pieces(text: str) -> frozenset[str]:
    small = f" {' '.join(text.lower().split())} "
    return frozenset(small[i : i + _LETTERS] for i in range(len(small) - _LETTERS + 1))


def _colors(file: bytes) -> NDArray[np.float32]:
    from PIL import Image

    with Image.open(io.BytesIO(file), formats=["JPEG"]) as picture:
        small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    colors: NDArray[np.float32] = np.asarray(small, dtype=np.float32) / np.float32(255)
    return colors
