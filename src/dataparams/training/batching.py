"""The batches of a run: from images in memory, or from a stream of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataparams.batches import (
    Augmentation,
    DeviceBatches,
    StreamedBatches,
    StreamedImages,
    channel_statistics,
)

if TYPE_CHECKING:
    import torch

    from dataparams.batches import Batches, LabeledImages, Split
    from dataparams.batches.network_input import NetworkInput
    from dataparams.training.config import TrainConfig

_VALIDATION_BATCH = 1000
_STREAMED_VALIDATION_BATCH = 256


def make_batches(
    config: TrainConfig,
    train: Split,
    val: Split,
    whole: Split,
    *,
    device: torch.device,
    rank: int,
    world_size: int,
    channels_last: bool,
    network_input: NetworkInput | None = None,
) -> tuple[Batches, Batches]:
    """Make what yields the batches of training and validation.

    Args:
        config: The configuration.
        train: The samples trained on.
        val: The samples of the validation.
        whole: All training samples, by whose statistics images in memory are normalized.
        device: Where batches are made.
        rank: Number of this process.
        world_size: Number of processes.
        channels_last: Whether images come in PyTorch's channels-last memory format.
        network_input: How the images of a network are made that others have trained; None takes
            statistics of the images in memory, and the usual ones for a stream.
    """
    shared: dict[str, Any] = {
        "device": device,
        "rank": rank,
        "world_size": world_size,
        "channels_last": channels_last,
    }
    size = min(config.batch_size, len(train))
    if isinstance(train, StreamedImages) and isinstance(val, StreamedImages):
        shared["workers"] = config.workers
        if network_input is not None:
            shared |= network_input.of_stream()
        kind = StreamedBatches
        if config.loader == "dali":
            from dataparams.batches.dali_batches import DaliBatches

            kind = DaliBatches
        return (
            kind(train, size, augment=config.augment, seed=config.seed, **shared),
            kind(val, _STREAMED_VALIDATION_BATCH, shuffle=False, **shared),
        )
    shared["mean"], shared["std"] = (
        channel_statistics(whole.images)  # type: ignore[union-attr]
        if network_input is None
        else network_input.statistics
    )
    return _resident(config, size, train, val, shared)  # type: ignore[arg-type]


def _resident(
    config: TrainConfig,
    size: int,
    train: LabeledImages,
    val: LabeledImages,
    shared: dict[str, Any],
) -> tuple[Batches, Batches]:
    channels, side, _ = train.image_shape
    augmentation = (
        Augmentation(crop_padding=side // 8, mirror=channels == 3)
        if config.augment
        else Augmentation()
    )
    return (
        DeviceBatches(train, size, augmentation=augmentation, seed=config.seed, **shared),
        DeviceBatches(val, _VALIDATION_BATCH, shuffle=False, **shared),
    )
