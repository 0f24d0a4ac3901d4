"""Images that lie in memory as arrays."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from dataparams.contents.images import PixelImage
from dataparams.sources.source import Contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.contents.content import Content, UnreadableContentError


class ArrayContents(Contents):
    """Images in one array or more, counted on from one to the next.

    Args:
        images: Pixels 0 ... 255, (n, channels, height, width) each, uint8; 1 or 3 channels.

    Attributes:
        images: The same.

    Example:
        >>> import torch
        >>> contents = ArrayContents([torch.zeros(2, 3, 8, 8, dtype=torch.uint8)])
        >>> len(contents), contents.read([1])[0].array.shape, contents.sizes().tolist()
        (2, (8, 8, 3), [192, 192])
    """

    def __init__(self, images: Sequence[Tensor]) -> None:
        self.images = tuple(images)
        self._starts = [0, *accumulate(map(len, images))]

    def __len__(self) -> int:
        return self._starts[-1]

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """View some images; none is copied."""
        return [PixelImage(self._array(row)) for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image's pixels, (n,)."""
        sizes = [np.full(len(one), one[0].numel() if len(one) else 0) for one in self.images]
        return np.concatenate(sizes).astype(np.int64)

    def _array(self, row: int) -> NDArray[np.uint8]:
        piece = bisect_right(self._starts, row) - 1
        pixels: NDArray[np.uint8] = self.images[piece][row - self._starts[piece]].numpy()
        return pixels.squeeze(0) if len(pixels) == 1 else pixels.transpose(1, 2, 0)
