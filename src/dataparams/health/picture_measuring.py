"""What is kept of each picture for health: a thumbnail, from which hashes follow, and measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataparams.health.perceptual_hash import SIDE, thumbnail
from dataparams.health.picture_measures import PictureMeasures, gray_pixels, picture_measures
from dataparams.health.picture_quality import measures_table

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from dataparams.contents.region_decoding import WholePicture

_FORMAT = 1
_BYTES = SIDE * SIDE


class PictureMeasuring:
    """Measures pictures for :mod:`dataparams.encoders.measuring`.

    Attributes:
        key: The name of the folder of what is kept.
        width: Bytes kept of a picture.

    Example:
        >>> from dataparams.contents.region_decoding import WholePicture
        >>> whole = WholePicture(np.full((30, 40, 3), 51, np.uint8), 400, 300)
        >>> kept = KeptPictures(PictureMeasuring().measure(whole)[None])
        >>> kept.thumbnails.shape, kept.measures[0, :2].tolist()
        ((1, 32, 32), [400.0, 300.0])
    """

    key = f"picture-measures-{_FORMAT}"
    width = _BYTES + 4 * len(PictureMeasures._fields)

    def measure(self, picture: WholePicture) -> NDArray[np.uint8]:
        """What is kept of a picture, (width,), uint8."""
        gray = gray_pixels(picture.pixels)
        measured = picture_measures(gray, (picture.width, picture.height))
        numbers = np.array(measured, dtype="<f4").view(np.uint8)
        return np.concatenate([thumbnail(gray).ravel(), numbers])


class KeptPictures:
    """What :class:`PictureMeasuring` made of some pictures.

    Args:
        kept: (n, width), uint8.

    Attributes:
        thumbnails: (n, 32, 32), gray values.
        measures: (n, m), in the order of ``PictureMeasures``.
    """

    def __init__(self, kept: NDArray[np.uint8]) -> None:
        self.thumbnails: NDArray[np.uint8] = kept[:, :_BYTES].reshape(-1, SIDE, SIDE)
        whole = np.ascontiguousarray(kept[:, _BYTES:])
        self.measures: NDArray[np.float32] = whole.view("<f4")

    def __len__(self) -> int:
        return len(self.thumbnails)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Width and height of each picture, (n, 2)."""
        return self.measures[:, :2].astype(np.int64)

    def table(self, index: NDArray[np.int64]) -> pl.DataFrame:
        """The measures as a table.

        Args:
            index: Row of each picture in the source, (n,).
        """
        return measures_table(index, self.measures)
