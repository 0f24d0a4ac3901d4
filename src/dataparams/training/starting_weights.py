"""Where a training starts from weights that others have trained: these, and what follows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from dataparams.batches.network_input import NetworkInput
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import require_image
from dataparams.encoders.trainable_backbones import (
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


def usual_image_size(arch: str, weights: str | None = None) -> int:
    """Height and width of the images that a network was trained on.

    Args:
        arch: The network.
        weights: The file with its weights; None for those that others have trained.

    Raises:
        UserError: If there are no weights of that network.
    """
    if weights is None:
        require_pretrained(arch)
    return preparation_of(arch).height


def starting_weights(
    arch: str,
    weights: str | None = None,
    *,
    is_streamed: bool = False,
    on_notice: Callable[[str], None] | None = None,
) -> StartingWeights:
    """Load the weights to start from.

    Args:
        arch: The network.
        weights: The file with its weights; None for those that others have trained.
        is_streamed: Whether images are streamed, cropped and resized as the network's were; in
            memory the whole middle square is kept.
        on_notice: Told what is downloaded or left out.

    Raises:
        UserError: If there are no such weights, or they do not fit.
        DataError: If they cannot be downloaded.
    """
    file = None if weights is None else Path(weights)
    backbone = pretrained_backbone(arch, file, on_notice=on_notice)
    return StartingWeights(
        backbone,
        timm_name(arch),
        arch if file is None else str(file),
        hash_of_weights(backbone.state_dict()),
        _network_input(preparation_of(arch), is_streamed=is_streamed),
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
        "(`image_size`; the smaller, the quicker)."
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
        "minutes. Fewer `epochs`, a smaller `image_size` or a GPU make it shorter."
    )
