"""Opening an encoder by what the user calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataparams.encoders.bundled_encoder import (
    DEFAULT,
    bundled_encoder,
    find_bundled,
)
from dataparams.encoders.timm_names import nearest_sentence
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import nn

    from dataparams.encoders.encoder import Encoder


def open_encoder(
    name: str | None = None,
    *,
    weights: Path | None = None,
    offline: bool = False,
    on_notice: Callable[[str], None] | None = None,
) -> Encoder:
    """Open an encoder of images.

    Args:
        name: ``efficientnet-lite0``, which needs no network (nor do ``efficientnet-lite1`` and
            ``efficientnet-lite2``, where their packages are installed); or any name of timm, such
            as ``vit_small_patch14_dinov2``, whose pretrained weights are downloaded once. None
            takes the first; with ``weights``, its architecture.
        weights: A file of weights of one's own for the network of that name: safetensors, or a
            PyTorch file with a state dict, perhaps inside a checkpoint. Nothing in it is run.
        offline: Whether asking the hub is forbidden.
        on_notice: Told what is downloaded or left out, in sentences.

    Returns:
        The encoder. Its key tells its features from those of the same network with other weights.

    Raises:
        UserError: If there is no such name (the nearest are listed), it has no pretrained weights,
            or the file cannot be read or does not fit.
        DataError: If the weights cannot be downloaded, or may not be.

    Example:
        >>> encoder = open_encoder()
        >>> encoder.name, encoder.width
        ('efficientnet-lite0', 1280)
    """
    bundled = DEFAULT if name is None else find_bundled(name)
    if bundled is not None and weights is None:
        return bundled_encoder(bundled)
    from dataparams.encoders.image_encoder import image_encoder

    called = bundled.name if bundled else str(name)
    network_name = bundled.network if bundled else str(name)
    if weights is not None:
        from dataparams.encoders.weights import load_weights

        network = _empty_network(network_name)
        load_weights(network, Path(weights), called, on_notice=on_notice)
        return image_encoder(f"{called} with {Path(weights).name}", network)
    _require_pretrained(network_name)
    from dataparams.encoders.timm_encoder import pretrained_network

    network = pretrained_network(network_name, offline=offline, on_notice=on_notice)
    return image_encoder(called, network)


def _empty_network(name: str) -> nn.Module:
    """A network without its classifier, whose weights mean nothing yet."""
    import timm

    if not timm.is_model(name):
        raise ArgumentError(_unknown(name, timm.list_models()))
    network: nn.Module = timm.create_model(name, num_classes=0)
    return network


def _require_pretrained(name: str) -> None:
    import timm

    trained = timm.list_models(pretrained=True)
    if name in trained or timm.is_model_pretrained(name):
        return
    if name in timm.list_models():
        raise ArgumentError(
            f"`encoder={name}` has no pretrained weights; give a file of them (`weights=FILE`), or "
            f"choose another network.{nearest_sentence(name, trained)}"
        )
    raise ArgumentError(_unknown(name, [*trained, *timm.list_models()]))


def _unknown(name: str, known: Iterable[str]) -> str:
    return (
        f"`encoder={name}` is not known; expected {DEFAULT.name} or a name of timm."
        f"{nearest_sentence(name, known)}"
    )
