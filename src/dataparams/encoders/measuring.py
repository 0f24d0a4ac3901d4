"""What is measured of pictures while they are decoded for features, and kept beside these.

Measurements are bytes, of the same number for each picture, kept by the digest of its content
whatever encoder the features are of: another encoder needs none of them made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage, require_image
from dataparams.contents.region_decoding import WholePicture, decode_region
from dataparams.contents.regions import Region
from dataparams.encoders.feature_cache import StoredFeatures
from dataparams.encoders.feature_piece import DIGEST_BYTES
from dataparams.encoders.reading_ahead import examined_ahead
from dataparams.errors import DataError, Stopped
from dataparams.sources.reading_processes import forked_workers
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.encoder import Encoder
    from dataparams.encoders.feature_cache import FeatureCache
    from dataparams.encoders.reading_ahead import Placed
    from dataparams.sources.source import Contents

FEWEST_FOR_PROCESSES = 2000
"""Contents to examine; fewer take threads a few seconds at most."""
_SHORTER_SIDE = 256
_AT_ONCE = 16_384


class Measuring(Protocol):
    """Measures pictures.

    Attributes:
        key: The name of the folder of its measurements, another one whenever they mean otherwise.
        width: Bytes of a measurement, an even number.
    """

    @property
    def key(self) -> str: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    def measure(self, picture: WholePicture) -> NDArray[np.uint8]:
        """The measurement of a picture, (width,); called in several threads at once."""


@runtime_checkable
class MeasuredEncoder(Protocol):
    """An encoder that hands on the whole of each picture that it prepares, of which it sees a part.

    So that one decoding serves features and measurements.
    """

    def prepare_measured(
        self, content: Content, on_whole: Callable[[WholePicture], None]
    ) -> NDArray[Any]:
        """As ``Encoder.prepare``; ``on_whole`` is called with the whole picture before."""


class StoredMeasurements:
    """The kept measurements of a kind; several threads may use them.

    Args:
        cache: Where features are kept.
        measuring: What makes them.

    Raises:
        RunError: If the folder cannot be created or read.
    """

    def __init__(self, cache: FeatureCache, measuring: Measuring) -> None:
        # Two bytes lie where a number of half precision would; they are never taken for one.
        self._stored = StoredFeatures(cache.folder / measuring.key, measuring.width // 2)
        self._width = measuring.width

    def has(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Of which contents measurements are kept, (k,); see ``StoredFeatures.has``."""
        return self._stored.has(digests)

    def add(self, digests: NDArray[np.uint8], measurements: Sequence[NDArray[np.uint8]]) -> None:
        """Keep measurements of contents.

        Args:
            digests: Of the contents, (n, 16), uint8.
            measurements: n of them, (width,) each.

        Raises:
            RunError: If they cannot be written.
        """
        whole = np.stack(measurements).astype(np.uint8, copy=False)
        self._stored.add(digests, [np.ascontiguousarray(whole).view(np.float16)])

    def read(self, digests: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The measurements of some contents, (k, width).

        Raises:
            KeyError: If there is none of one.
        """
        return self._stored.read(digests).view(np.uint8).reshape(len(digests), self._width)

    def merge(self) -> None:
        """Merge many small files into a few large ones; see ``StoredFeatures.merge``."""
        self._stored.merge()


def prepare(
    content: Content,
    encoder: Encoder,
    measuring: Measuring | None,
) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """What an encoder is given of a content, and the content's measurement, in one decoding.

    Args:
        content: The content.
        encoder: What prepares it.
        measuring: What measures it; None for no measurement.

    Raises:
        UnreadableContentError: If the content cannot be read or decoded.
    """
    if measuring is None:
        return encoder.prepare(content), None
    if not isinstance(encoder, MeasuredEncoder):
        prepared = encoder.prepare(content)
        return prepared, measuring.measure(whole_picture(content))
    made: list[NDArray[np.uint8]] = []
    prepared = encoder.prepare_measured(
        content, lambda whole: made.append(measuring.measure(whole))
    )
    return prepared, made[0]


def measure_all(
    contents: Contents,
    rows: NDArray[np.int64],
    measuring: Measuring,
    kept: StoredMeasurements,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], int] = lambda: 0,
) -> None:
    """Measure pictures that were not decoded for features, and keep what is measured.

    Pictures that cannot be decoded have no measurement.

    Args:
        contents: The pictures.
        rows: Rows of those wanted, (n,).
        measuring: What measures them.
        kept: Where measurements are kept.
        on_progress: Called with the number of pictures done and of all.
        should_stop: The number of the signal that asks to stop, 0 for none.

    Raises:
        DataError: If a process ends unexpectedly.
        RunError: If measurements cannot be written.
        Stopped: If ``should_stop`` said so; what was measured is kept.
    """

    def examine(some: list[Placed]) -> list[tuple[bytes, NDArray[np.uint8]]]:
        return [made for _, content in some if (made := _measured(content, measuring))]

    waiting: dict[bytes, NDArray[np.uint8]] = {}

    def write() -> None:
        if waiting:
            digests = np.frombuffer(b"".join(waiting), np.uint8).reshape(-1, DIGEST_BYTES)
            kept.add(digests, list(waiting.values()))
            waiting.clear()

    done = 0
    processes = forked_workers() if len(rows) >= FEWEST_FOR_PROCESSES else 0

    def stop_if(signal_number: int) -> None:
        if signal_number:
            write()
            raise Stopped(
                f"Stopped: {done:,} of {counted(len(rows), 'picture')} were measured, and what "
                "was measured is kept. The same command goes on from there.",
                signal_number,
            )

    try:
        with examined_ahead(contents, rows.tolist(), examine, processes=processes) as blocks:
            for block in blocks:
                waiting.update(block)
                done += len(block)
                if on_progress is not None:
                    on_progress(done, len(rows))
                stop_if(should_stop())
                if len(waiting) >= _AT_ONCE:
                    write()
    except DataError:
        # A signal may have ended the processes too.
        stop_if(should_stop())
        raise
    write()
    kept.merge()


def _measured(
    content: Content | UnreadableContentError, measuring: Measuring
) -> tuple[bytes, NDArray[np.uint8]] | None:
    if isinstance(content, UnreadableContentError):
        return None
    try:
        loaded = content.loaded()
        return bytes.fromhex(loaded.digest()), measuring.measure(whole_picture(loaded))
    except UnreadableContentError:
        return None


def whole_picture(content: Content) -> WholePicture:
    """All of a picture, at a fraction of its size where that is large.

    Args:
        content: An image.

    Raises:
        UnreadableContentError: If it cannot be decoded, or is no image.

    Example:
        >>> from dataparams.contents.images import PixelImage
        >>> whole = whole_picture(PixelImage(np.zeros((4, 6), np.uint8)))
        >>> whole.pixels.shape, whole.width, whole.height
        ((4, 6, 3), 6, 4)
    """
    image = require_image(content)
    if not isinstance(image, EncodedImage):
        pixels = image.pixels(max(image.array.shape[:2], default=0))
        return WholePicture(pixels, pixels.shape[1], pixels.shape[0])
    seen: list[WholePicture] = []
    decode_region(
        bytes(image.encoded()),
        lambda width, height: Region(0, 0, width, height),
        _SHORTER_SIDE,
        on_whole=seen.append,
    )
    return seen[0]
