"""Pixels as features, for images too small for networks that were trained on photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.contents.images import require_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content

PIXELS_NAME = "pixels"
"""The name of this encoder."""
_SIDE = 16


class PixelEncoder:
    """An encoder that resizes images to one size and takes their pixels.

    Attributes:
        name: ``pixels``.
        key: The name of the folder of its features.
        width: Length of a feature.
        batch_size: Number of contents encoded at once.
        threads: Number of threads.
        processes: None.

    Example:
        >>> from dataparams.contents.images import PixelImage
        >>> encoder = PixelEncoder()
        >>> prepared = encoder.prepare(PixelImage(np.full((8, 8), 51, np.uint8)))
        >>> encoder.encode([prepared]).shape
        (1, 768)
    """

    name = PIXELS_NAME
    key = f"{PIXELS_NAME}-{_SIDE}"
    width = 3 * _SIDE * _SIDE
    batch_size = 256
    threads = 1
    processes = 0

    def prepare(self, content: Content) -> NDArray[Any]:
        """The image in 16 x 16 pixels, (16, 16, 3), uint8, whatever its aspect ratio.

        Raises:
            UnreadableContentError: If it cannot be decoded, or is not an image.
        """
        from PIL import Image

        pixels = require_image(content).pixels(8 * _SIDE)
        picture = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
        return np.asarray(picture)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """The pixels, 0 ... 1, (b, 768)."""
        whole = np.stack(prepared).reshape(len(prepared), -1)
        features: NDArray[np.float16] = (whole / np.float32(255)).astype(np.float16)
        return features
