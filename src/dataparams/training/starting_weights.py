"""Where a training starts from weights that others have trained: these, and what follows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from dataparams.batches.network_input import NetworkInput
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import require_image
from dataparams.encoders.pretrained_models import (
    preparation_of,
    pretrained_backbone,
    require_pretrained,
    timm_name,
)
from dataparams.encoders.weights import hash_of_weights
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from dataparams.batches import AnyDataset
    from dataparams.contents.content import Content
    from dataparams.encoders.image_preparation import ImagePreparation
    from dataparams.training.config import TrainConfig

_LOOKED_AT = 16
_SMALL_SHARE = 0.5
_TIMED_IMAGES = 4
_TRAINING_COST = 4
_LONG_MINUTES = 10


@dataclass(frozen=True, eq=False)
class StartingWeights:
    """A network with weights that others have trained.

    Attributes:
        backbone: The network without its classifier.
        network: What timm calls it.
        origin: Where its weights come from: a name, or a file.
        digest: SHA-256 of all weights, in hex.
        network_input: How its images are made.
    """

    backbone: nn.Module
    network: str
    origin: str
    digest: str
    network_input: NetworkInput

    def as_json(self) -> dict[str, Any]:
        """What ``run.json`` says of it."""
        return {
            "network": self.network,
            "weights": self.origin,
            "sha256": self.digest,
            "input": self.network_input.as_json(),
        }


def with_defaults_of_network(config: TrainConfig) -> TrainConfig:
    """The same configuration, with the size of images that the network was trained on.

    A file of weights is named so that it is found from any folder.

    Raises:
        UserError: If training is to start from weights that the network does not have.
    """
    if not config.is_pretrained:
        return config
    if config.weights is None:
        require_pretrained(config.arch)
    else:
        config = replace(config, weights=str(Path(config.weights).expanduser().resolve()))
    size = preparation_of(config.arch).height if config.image_size is None else config.image_size
    return replace(config, image_size=size)


def starting_weights(
    config: TrainConfig, on_notice: Callable[[str], None] | None = None
) -> StartingWeights | None:
    """Load the weights to start from; None where training starts from nothing.

    Args:
        config: The configuration.
        on_notice: Told what is downloaded or left out.

    Raises:
        UserError: If there are no such weights, or they do not fit.
        DataError: If they cannot be downloaded.
    """
    if not config.is_pretrained:
        return None
    file = None if config.weights is None else Path(config.weights)
    backbone = pretrained_backbone(config.arch, file, on_notice=on_notice)
    return StartingWeights(
        backbone,
        timm_name(config.arch),
        config.arch if file is None else str(file),
        hash_of_weights(backbone.state_dict()),
        _network_input(preparation_of(config.arch), is_streamed=config.loader != "memory"),
    )


def _network_input(preparation: ImagePreparation, *, is_streamed: bool) -> NetworkInput:
    """As timm has it; in memory, the whole middle square is kept, resized as for all networks."""
    is_bicubic = is_streamed and preparation.interpolation != "bilinear"
    return NetworkInput(
        preparation.mean,
        preparation.std,
        "bicubic" if is_bicubic else "bilinear",
        min(preparation.crop_share, 1.0) if is_streamed else 1.0,
    )


def small_images_text(dataset: AnyDataset) -> str | None:
    """What to say where images are enlarged for the network, else None."""
    source, side = dataset.source, dataset.train.image_shape[1]
    if source is None:
        return None
    contents = source.contents.read(dataset.train.index[:_LOOKED_AT].tolist())
    own = [longest for content in contents if (longest := _longest_side(content, side))]
    if not own or median(own) > _SMALL_SHARE * side:
        return None
    return (
        f"The images are small (about {median(own):g} pixels) and are enlarged to {side} x {side} "
        "(--image-size; the smaller, the quicker)."
    )


def _longest_side(content: Content | UnreadableContentError, most: int) -> int | None:
    """Pixels of an image's longer side, at most so many; None where it cannot be read."""
    try:
        height, width = require_image(content).pixels(most).shape[:2]
    except UnreadableContentError:
        return None
    return max(int(height), int(width))


def training_time_text(model: nn.Module, shape: tuple[int, int, int], count: int) -> str | None:
    """What to say of a training on this machine's processor that takes long, else None.

    Args:
        model: The network, in any mode; it is left in training mode, and nothing in it is changed.
        shape: Channels, height and width of the images.
        count: Images in all epochs that are left.
    """
    images = torch.zeros(_TIMED_IMAGES, *shape).to(memory_format=torch.channels_last)
    model.eval()
    with torch.no_grad():
        model(images)
        started = time.perf_counter()
        model(images)
        seconds = (time.perf_counter() - started) / _TIMED_IMAGES
    model.train()
    # Measured on the bundled network: a step of training costs about four times its output.
    minutes = round(_TRAINING_COST * seconds * count / 60)
    if minutes < _LONG_MINUTES:
        return None
    size = "x".join(map(str, shape[1:]))
    return (
        f"On this processor, {counted(count, 'image')} of {size} will take about {minutes:,} "
        "minutes. Fewer --epochs, a smaller --image-size or a GPU make it shorter."
    )
