"""The batches of a run: from images in memory, or from a stream of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataparams.batches import (
    Augmentation,
    DeviceBatches,
    LabeledImages,
    StreamedBatches,
    StreamedImages,
    channel_statistics,
)

if TYPE_CHECKING:
    import torch

    from dataparams.batches import Batches, Split
    from dataparams.batches.network_input import NetworkInput

_VALIDATION_BATCH = 1000
_STREAMED_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class Placement:
    """Where batches go.

    Attributes:
        device: Where batches are made.
        rank: Number of this process.
        world_size: Number of processes.
        channels_last: Whether images come in PyTorch's channels-last memory format.
    """

    device: torch.device
    rank: int = 0
    world_size: int = 1
    channels_last: bool = False


def make_batches(
    train: Split,
    val: Split,
    whole: Split,
    *,
    batch_size: int,
    augment: bool,
    seed: int,
    placed: Placement,
    workers: int | None = None,
    network_input: NetworkInput | None = None,
    with_dali: bool = False,
) -> tuple[Batches, Batches]:
    """Make what yields the batches of training and validation.

    Args:
        train: The samples trained on.
        val: The samples of the validation.
        whole: All training samples, by whose statistics images in memory are normalized.
        batch_size: Samples per step, over all processes.
        augment: Whether training images are cropped and mirrored at random.
        seed: What order and augmentation depend on.
        placed: Where batches go.
        workers: Processes that read a stream; None for one per core.
        network_input: How the images of a network are made that others have trained; None takes
            statistics of the images in memory, and the usual ones for a stream.
        with_dali: Whether NVIDIA DALI decodes a stream, on the GPU.
    """
    size = min(batch_size, len(train))
    if isinstance(train, StreamedImages) and isinstance(val, StreamedImages):
        shared = {**vars(placed), "workers": workers}
        if network_input is not None:
            shared |= network_input.of_stream()
        kind = _dali_batches() if with_dali else StreamedBatches
        return (
            kind(train, size, augment=augment, seed=seed, **shared),
            kind(val, _STREAMED_VALIDATION_BATCH, shuffle=False, **shared),
        )
    assert isinstance(train, LabeledImages)  # noqa: S101
    assert isinstance(val, LabeledImages)  # noqa: S101
    assert isinstance(whole, LabeledImages)  # noqa: S101
    statistics = network_input.statistics if network_input else channel_statistics(whole.images)
    shared = {**vars(placed), "mean": statistics[0], "std": statistics[1]}
    return (
        DeviceBatches(train, size, augmentation=_augmentation(train, augment), seed=seed, **shared),
        DeviceBatches(val, _VALIDATION_BATCH, shuffle=False, **shared),
    )


def _augmentation(train: LabeledImages, is_on: bool) -> Augmentation:
    channels, side, _ = train.image_shape
    return Augmentation(crop_padding=side // 8, mirror=channels == 3) if is_on else Augmentation()


def _dali_batches() -> type[StreamedBatches]:
    from dataparams.batches.dali_batches import DaliBatches

    return DaliBatches
