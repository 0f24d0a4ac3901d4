"""Batches that NVIDIA DALI decodes on the GPU: the same crops of the same samples.

This module is optional: it is imported where ``loader="dali"`` is asked for and nowhere else.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from dataparams.batches.batch_reader import Job, Read
from dataparams.batches.streamed_batches import StreamedBatches
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import read_image
from dataparams.contents.orientation import upright_size
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dataparams.batches.batch_reader import Encoded

_AHEAD = 3


class _Cut(NamedTuple):
    """An image and its crop, as input for DALI.

    Attributes:
        data: The encoded image, (bytes,), uint8.
        anchor: Left and top of the region, (2,), int32.
        shape: Its width and height, (2,), int32.
        mirror: Whether to exchange left and right, (), int32.
    """

    data: NDArray[np.uint8]
    anchor: NDArray[np.int32]
    shape: NDArray[np.int32]
    mirror: NDArray[np.int32]


class DaliBatches(StreamedBatches):
    """``StreamedBatches`` whose images are decoded by NVIDIA DALI, on the GPU where there is one.

    Order and crops are those of ``StreamedBatches``, from the same random numbers; pixels may
    differ by what two JPEG decoders differ. Threads read the encoded images; those of a batch
    that DALI refuses are decoded as ``StreamedBatches`` does it, which finds the damaged ones.

    Takes the arguments of ``StreamedBatches``; ``start_method`` has no meaning here, and DALI
    resizes in its own way whatever ``interpolation`` is.

    Raises:
        ArgumentError: If DALI is not installed.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._dali = _import_dali()
        self._reader = self._new_reader()
        self._pipeline: Any = None

    def close(self) -> None:
        """Free DALI's memory; another epoch would allocate it again."""
        super().close()
        self._pipeline = None

    def _open(self) -> None:
        if self._pipeline is None:
            largest = max(np.diff(self._bounds), default=0)
            self._pipeline = _pipeline(
                self._dali,
                batch_size=max(1, -(-int(largest) // self._world_size)),
                num_threads=max(1, self._workers),
                size=self._samples.image_size,
                device=self._device,
            )

    def _results(self) -> Iterator[Read]:
        """Read the jobs of the epoch, a few ahead of what DALI decodes."""
        jobs = deque(self._jobs.epoch)
        ahead: deque[tuple[Job, Any]] = deque()
        with ThreadPoolExecutor(max(1, self._workers)) as pool:
            try:
                while jobs or ahead:
                    while jobs and len(ahead) < _AHEAD:
                        job = jobs.popleft()
                        ahead.append((job, pool.submit(self._cuts, job)))
                    job, cuts = ahead.popleft()
                    yield self._decoded(job, cuts.result())
            finally:
                pool.shutdown(cancel_futures=True)

    def _cuts(self, job: Job) -> list[_Cut | UnreadableContentError]:
        encoded = self._reader.encoded(job.positions)
        return [self._cut(data, job.epoch, position) for position, data in encoded]

    def _cut(self, data: Encoded, epoch: int, position: int) -> _Cut | UnreadableContentError:
        if isinstance(data, UnreadableContentError):
            return data
        size = read_image(bytes(data), lambda image, _: upright_size(image))
        if isinstance(size, str):
            return UnreadableContentError(size)
        choose, mirror = self._reader.crop(epoch, position)
        left, top, width, height = choose(*size)
        return _Cut(
            np.frombuffer(data, np.uint8),
            np.array([left, top], np.int32),
            np.array([width, height], np.int32),
            np.array(mirror, np.int32),
        )

    def _decoded(self, job: Job, cuts: list[_Cut | UnreadableContentError]) -> Read:
        good = [cut for cut in cuts if not isinstance(cut, UnreadableContentError)]
        if not good:
            return self._reader[job]
        try:
            images = self._run(good)
        except (RuntimeError, IndexError):
            # A pipeline that has failed once is of no more use.
            self._pipeline = None
            self._open()
            return self._reader[job]
        reasons = [str(cut) for cut in cuts if isinstance(cut, UnreadableContentError)]
        is_readable = np.array([not isinstance(c, UnreadableContentError) for c in cuts], np.bool_)
        return Read(images, is_readable, reasons)

    def _run(self, cuts: list[_Cut]) -> torch.Tensor:
        """Decode on the device; (b, size, size, 3), uint8."""
        for name in _Cut._fields:
            self._pipeline.feed_input(name, [getattr(cut, name) for cut in cuts])
        self._pipeline.schedule_run()
        (images,) = self._pipeline.share_outputs()
        decoded = torch.utils.dlpack.from_dlpack(images.as_tensor()).clone()
        self._pipeline.release_outputs()
        return decoded


def _import_dali() -> Any:
    try:
        from nvidia import dali
        from nvidia.dali import fn, types  # noqa: F401 - they hang on the package then
    except ImportError as error:
        raise ArgumentError(
            '`loader="dali"` needs NVIDIA DALI, which is not installed: pip install '
            'nvidia-dali-cuda120, or nvidia-dali-cuda130 for CUDA 13. Or give `loader="stream"`.'
        ) from error
    return dali


def _pipeline(
    dali: Any, *, batch_size: int, num_threads: int, size: int, device: torch.device
) -> Any:
    """The pipeline: decode a region, resize it, mirror it."""
    is_on_gpu = device.type == "cuda"
    fn, types = dali.fn, dali.types
    number = (device.index or 0) if is_on_gpu else None
    pipeline = dali.Pipeline(batch_size=batch_size, num_threads=num_threads, device_id=number)
    with pipeline:
        data = fn.external_source(name="data", ndim=1, dtype=types.UINT8)
        anchor = fn.external_source(name="anchor", ndim=1, dtype=types.INT32)
        shape = fn.external_source(name="shape", ndim=1, dtype=types.INT32)
        mirror = fn.external_source(name="mirror", ndim=0, dtype=types.INT32)
        images = fn.decoders.image_slice(
            data,
            anchor,
            shape,
            device="mixed" if is_on_gpu else "cpu",
            output_type=types.RGB,
            axis_names="WH",
            normalized_anchor=False,
            normalized_shape=False,
        )
        images = fn.resize(
            images, size=(size, size), interp_type=types.INTERP_LINEAR, antialias=True
        )
        pipeline.set_outputs(fn.flip(images, horizontal=mirror))
    pipeline.build()
    return pipeline
