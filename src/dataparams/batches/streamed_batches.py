"""Batches of images that are read and decoded by other processes while the model trains."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dataparams.batches.batch_reader import Job, Read, Reader
from dataparams.batches.crops import MIDDLE_SHARE
from dataparams.batches.device_batches import (
    Batch,
    batch_bounds,
    epoch_generator,
    require_process_share,
)
from dataparams.batches.labeled_images import UnreadableSample
from dataparams.batches.normalization import Normalization
from dataparams.errors import DataError
from dataparams.sources.reading_processes import (
    PREFETCH,
    default_workers,
    reading_loader,
    results_of,
)
from dataparams.terminal.words import counted, reasons_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch.utils.data import DataLoader
    from typing_extensions import Self

    from dataparams.batches.streamed_images import StreamedImages
    from dataparams.contents.region_decoding import Interpolation

MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])
"""Of ImageNet's channels, by which photographs are usually normalized."""
_FEWEST_TO_JUDGE = 1000


class _Jobs:
    """The jobs of the epoch that was asked for last."""

    def __init__(self) -> None:
        self.epoch: list[Job] = []

    def __iter__(self) -> Iterator[Job]:
        return iter(self.epoch)

    def __len__(self) -> int:
        return len(self.epoch)


class StreamedBatches:
    """Batches of images that worker processes read and decode ahead of the training.

    What an epoch contains, in which order and how cropped, depends on ``seed``, the epoch's number
    and each sample's index alone: not on the global random state, nor on how many processes train
    or read. With W processes that train, process r gets samples r, r + W, r + 2 W, ... of each
    batch. The order is that of ``DeviceBatches``.

    In training a random part of each picture is resized to a square and mirrored in half of the
    cases; otherwise the middle is shown. Bytes travel between the
    processes and to the device; they are normalized there.

    An image that cannot be read is left out of its batch and noted in ``unreadable``. Only one
    epoch can be under way; ``close``, or leaving a ``with`` block, ends the processes.

    Args:
        samples: The samples, n of them.
        batch_size: Samples per batch over all processes that train.
        device: Where batches are made.
        augment: Whether crops are random, and images mirrored.
        seed: Where order and crops start from.
        shuffle: Whether the order is random, anew in each epoch.
        rank: Number of this process, ``0 ... world_size - 1``.
        world_size: Number of processes that train.
        channels_last: Whether images come in PyTorch's channels-last memory format.
        workers: Number of processes that read for this one; 0 reads in this one, None takes one
            per core.
        start_method: How they start: ``fork``, ``spawn`` or ``forkserver``; None takes the
            system's way.
        mean: What is subtracted from each channel, (3,), on the scale 0 ... 1.
        std: What each channel is divided by, (3,), on the same scale.
        interpolation: How pictures are resized.
        middle_share: What evaluation sees of the shorter side.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        samples: StreamedImages,
        batch_size: int,
        *,
        device: torch.device | str,
        augment: bool = False,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
        channels_last: bool = False,
        workers: int | None = None,
        start_method: str | None = None,
        mean: Tensor = MEAN,
        std: Tensor = STD,
        interpolation: Interpolation = "bilinear",
        middle_share: float = MIDDLE_SHARE,
    ) -> None:
        require_process_share(batch_size, rank, world_size)
        self._samples = samples
        self._device = torch.device(device)
        self._augment, self._seed, self._shuffle = augment, seed, shuffle
        self._rank, self._world_size = rank, world_size
        self._channels_last = channels_last
        self._workers = default_workers() if workers is None else workers
        self._start_method = start_method
        self._bounds = batch_bounds(len(samples), batch_size)
        self._interpolation, self._middle_share = interpolation, middle_share
        self._normalization = Normalization(mean, std, samples.image_size, self._device)
        self._jobs = _Jobs()
        self._slots: list[Tensor] = []
        self._loader: DataLoader[Read] | None = None
        self._unreadable: dict[int, UnreadableSample] = {}
        self._epochs_begun = 0

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def unreadable(self) -> tuple[UnreadableSample, ...]:
        """The unreadable samples that this process has met, by index."""
        return tuple(self._unreadable[index] for index in sorted(self._unreadable))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Go through all samples once.

        Args:
            number: Number of the epoch, 0 or above; together with the seed and a sample's index it
                decides the order and the crops.
            start: How many batches to skip, at no cost.

        Yields:
            This process's share of each batch, without what is unreadable; ``global_size`` counts
            that too. A share is empty where nothing of it is readable, or where a batch has fewer
            samples than there are processes.

        Raises:
            DataError: If most images are unreadable, or a process that reads ended unexpectedly.
        """
        self._open()
        self._epochs_begun += 1
        bounds = self._bounds[start:]
        order = self._order(number)
        jobs = [
            Job(
                number,
                order[first + self._rank : stop : self._world_size],
                place % len(self._slots) if self._slots else -1,
                stop - first,
            )
            for place, (first, stop) in enumerate(pairwise(bounds))
        ]
        self._jobs.epoch = jobs
        yield from _one_ahead(self._batches(jobs), self._device)

    def close(self) -> None:
        """End the worker processes; another epoch would start them again."""
        self._epochs_begun += 1
        loader, self._loader = self._loader, None
        iterator = getattr(loader, "_iterator", None)
        if iterator is not None:
            iterator._shutdown_workers()
        self._slots = []

    def _order(self, number: int) -> NDArray[np.int64]:
        count = len(self._samples)
        if not self._shuffle:
            return np.arange(count)
        order: NDArray[np.int64] = torch.randperm(
            count, generator=epoch_generator(self._seed, number)
        ).numpy()
        return order

    def _open(self) -> None:
        """Start the processes, with shared memory for their images."""
        if self._loader is None:
            largest = max(np.diff(self._bounds), default=0)
            capacity = -(-int(largest) // self._world_size)
            side = self._samples.image_size
            # Those being filled and waiting, the one that is looked at, and the one ahead of it.
            count = PREFETCH * self._workers + 2 if self._workers else 0
            shape = (count, capacity, side, side, 3)
            shared = torch.empty(shape, dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]
            self._slots = list(shared)
            self._loader = reading_loader(
                self._new_reader(tuple(self._slots)),
                self._jobs,
                self._workers,
                start_method=self._start_method,
                is_persistent=True,
            )

    def _new_reader(self, slots: Sequence[Tensor] = ()) -> Reader:
        return Reader(
            self._samples,
            self._seed,
            augment=self._augment,
            slots=slots,
            interpolation=self._interpolation,
            middle_share=self._middle_share,
        )

    def _results(self) -> Iterator[Read]:
        """Read the jobs of the epoch, in their order."""
        if self._loader is not None:
            yield from results_of(self._loader)

    def _batches(self, jobs: Sequence[Job]) -> Iterator[Batch]:
        this_epoch = self._epochs_begun
        total = sum(len(job.positions) for job in jobs)
        # Images in the source's order may be damaged all in one place.
        enough = min(_FEWEST_TO_JUDGE, total) if self._shuffle else total
        seen = missed = 0
        reasons: list[str] = []
        results = self._results()
        for job in jobs:
            if this_epoch != self._epochs_begun:
                raise RuntimeError("Another epoch was begun; only one can be under way.")
            read = next(results)
            self._note(job.positions[~read.is_readable], read.reasons)
            seen += len(job.positions)
            missed += len(read.reasons)
            reasons += read.reasons
            if 2 * missed > seen >= enough:
                raise DataError(
                    f"{missed:,} of the first {counted(seen, 'image')} of this epoch cannot be "
                    f"read: {reasons_text(reasons)}. Is the data still where it was?"
                )
            yield self._batch(job, read)

    def _note(self, positions: NDArray[np.int64], reasons: list[str]) -> None:
        for position, reason in zip(positions.tolist(), reasons, strict=True):
            index = int(self._samples.index[position])
            self._unreadable[index] = UnreadableSample(index, self._samples.ids[position], reason)

    def _batch(self, job: Job, read: Read) -> Batch:
        positions = torch.from_numpy(job.positions[read.is_readable])
        images = read.images
        if images is None:
            images = self._slots[job.slot][: len(positions)]
        normalized = self._normalization(self._moved(images)).permute(0, 3, 1, 2)
        if not self._channels_last:
            normalized = normalized.contiguous()
        return Batch(
            images=normalized,
            labels=self._moved(self._samples.labels[positions]),
            index=self._moved(self._samples.index[positions]),
            positions=self._moved(positions),
            global_size=job.global_size,
        )

    def _moved(self, values: Tensor) -> Tensor:
        if self._device.type == "cuda" and not values.is_cuda:
            return values.pin_memory().to(self._device, non_blocking=True)
        return values.to(self._device)


def _one_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """On a CUDA device, copy each batch while the model still computes on the one before."""
    if device.type != "cuda":
        yield from batches
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    upcoming = _made_on(stream, batches)
    while upcoming is not None:
        current = torch.cuda.current_stream(device)
        current.wait_stream(stream)
        batch = upcoming
        for tensor in (batch.images, batch.labels, batch.index, batch.positions):
            tensor.record_stream(current)
        upcoming = _made_on(stream, batches)
        yield batch


def _made_on(stream: torch.cuda.Stream, batches: Iterator[Batch]) -> Batch | None:
    with torch.cuda.stream(stream):
        return next(batches, None)
