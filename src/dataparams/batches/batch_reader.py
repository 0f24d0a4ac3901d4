"""Reading and decoding the images of a batch, in worker processes, while the model trains."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from dataparams.batches.crops import (
    MIDDLE_SHARE,
    draw,
    is_mirrored,
    middle_region,
    random_region,
)
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import require_image
from dataparams.contents.pixmap import view_pixmap
from dataparams.contents.region_decoding import crop_and_resize, decode_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from dataparams.batches.streamed_images import StreamedImages
    from dataparams.contents.content import Content
    from dataparams.contents.region_decoding import Interpolation
    from dataparams.contents.regions import Region

    Encoded: TypeAlias = "bytes | memoryview | UnreadableContentError"

_ROWS_AT_ONCE = 32


class Job(NamedTuple):
    """A share of a batch to read.

    Attributes:
        epoch: Number of the epoch.
        positions: Which of the samples, (b,), int64.
        slot: Number of the memory to put the images into; -1 for memory of its own.
        global_size: Samples in the batch over all processes.
    """

    epoch: int
    positions: NDArray[np.int64]
    slot: int
    global_size: int


class Read(NamedTuple):
    """A share of a batch.

    Attributes:
        images: (m, size, size, 3), uint8, m <= b; None where they are in the job's slot.
        is_readable: Which of the job's samples they are, (b,), bool, m of them true.
        reasons: Why each of the others is not there, in order.
    """

    images: Tensor | None
    is_readable: NDArray[np.bool_]
    reasons: list[str]


class Reader(Dataset[Read]):
    """A dataset whose items are shares of batches; it is sent to worker processes."""

    def __init__(
        self,
        samples: StreamedImages,
        seed: int,
        *,
        augment: bool,
        slots: Sequence[Tensor],
        interpolation: Interpolation = "bilinear",
        middle_share: float = MIDDLE_SHARE,
    ) -> None:
        self._contents, self._index = samples.contents, samples.index.numpy()
        self._size = samples.image_size
        self._seed, self._augment, self._slots = seed, augment, slots
        self._interpolation, self._middle_share = interpolation, middle_share

    def __getitem__(self, job: Job) -> Read:
        shape = (len(job.positions), self._size, self._size, 3)
        is_own = job.slot < 0
        images = torch.empty(shape, dtype=torch.uint8) if is_own else self._slots[job.slot]
        pixels = images.numpy()
        is_readable = np.zeros(len(job.positions), dtype=np.bool_)
        reasons: list[str] = []
        count = 0
        for place, (position, data) in enumerate(self.encoded(job.positions)):
            decoded = self._decode(data, job.epoch, position)
            if isinstance(decoded, UnreadableContentError):
                reasons.append(str(decoded))
            else:
                pixels[count] = decoded
                is_readable[place] = True
                count += 1
        return Read(images[:count] if is_own else None, is_readable, reasons)

    def encoded(self, positions: NDArray[np.int64]) -> Iterator[tuple[int, Encoded]]:
        """The encoded images of some samples, with their positions, a few read at a time."""
        for start in range(0, len(positions), _ROWS_AT_ONCE):
            some = positions[start : start + _ROWS_AT_ONCE]
            contents = self._contents.read(self._index[some].tolist())
            yield from zip(some.tolist(), map(_encoded, contents), strict=True)

    def crop(self, epoch: int, position: int) -> tuple[Callable[[int, int], Region], bool]:
        """What chooses the region of a sample in an epoch, and whether it is mirrored."""
        if not self._augment:
            return partial(middle_region, share=self._middle_share), False
        drawn = draw(self._seed, epoch, int(self._index[position]))
        return partial(random_region, drawn=drawn), is_mirrored(drawn)

    def _decode(
        self, data: Encoded, epoch: int, position: int
    ) -> NDArray[np.uint8] | UnreadableContentError:
        if isinstance(data, UnreadableContentError):
            return data
        choose, mirror = self.crop(epoch, position)
        pixels = view_pixmap(data)
        if pixels is not None:
            height, width, _ = pixels.shape
            region = choose(width, height)
            return crop_and_resize(
                pixels, region, self._size, mirror=mirror, interpolation=self._interpolation
            )
        try:
            return decode_region(
                bytes(data), choose, self._size, mirror=mirror, interpolation=self._interpolation
            )
        except UnreadableContentError as error:
            return error


def _encoded(content: Content | UnreadableContentError) -> Encoded:
    """The bytes of an image, or the reason why it cannot be read."""
    try:
        return require_image(content).encoded()
    except UnreadableContentError as error:
        return error
