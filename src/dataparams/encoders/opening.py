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

    from dataparams.contents.content import ContentKind
    from dataparams.encoders.encoder import Encoder


def open_encoder(
    name: str | None = None,
    *,
    kind: ContentKind = "image",
    weights: Path | None = None,
    offline: bool = False,
    on_notice: Callable[[str], None] | None = None,
) -> Encoder:
    """Open an encoder of images or of texts.

    Args:
        name: Of images ``efficientnet-lite0``, which needs no network (nor do
            ``efficientnet-lite1`` and ``efficientnet-lite2``, where their packages are installed);
            or any name of timm, such as ``vit_small_patch14_dinov2``, whose pretrained weights are
            downloaded once. None takes the first; with ``weights``, its architecture. Of texts
            ``wordllama``, which needs no network and which None takes; or the folder, or the name
            on the hub, of a model that sentence-transformers opens.
        kind: What is encoded: ``image`` or ``text``.
        weights: A file of weights of one's own for the network of that name, of images:
            safetensors, or a PyTorch file with a state dict, perhaps inside a checkpoint. Nothing
            in it is run.
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
    if kind == "text":
        return _open_text_encoder(name, weights, offline=offline, on_notice=on_notice)
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


def _open_text_encoder(
    name: str | None,
    weights: Path | None,
    *,
    offline: bool,
    on_notice: Callable[[str], None] | None,
) -> Encoder:
    from dataparams.encoders.word_embeddings import WORDS_NAME, WordEncoder

    if weights is not None:
        raise ArgumentError(
            f"`weights={weights}` is given, but the samples are texts; expected the folder of a "
            "model with its weights and its tokenizer (`encoder=FOLDER`)."
        )
    if name is None or name.lower() == WORDS_NAME:
        return WordEncoder()
    from dataparams.encoders.sentence_model import open_sentence_model

    return open_sentence_model(name, offline=offline, on_notice=on_notice)


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
