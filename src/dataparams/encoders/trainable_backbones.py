"""Networks to train further: those of timm whose weights others have trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataparams.encoders.bundled_encoder import DEFAULT, bundled_network, find_bundled
from dataparams.encoders.image_preparation import ImagePreparation
from dataparams.encoders.timm_names import nearest_sentence
from dataparams.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

OWN_NETWORKS = ("small-cnn", "wrn-28-10")
"""Our own architectures, which have no weights of others."""


def timm_name(arch: str) -> str:
    """What timm calls a network.

    Example:
        >>> timm_name("efficientnet-lite0"), timm_name("resnet18")
        ('tf_efficientnet_lite0', 'resnet18')
    """
    bundled = find_bundled(arch)
    return arch if bundled is None else bundled.network


def preparation_of(arch: str) -> ImagePreparation:
    """What timm says of the images that a network was trained on; its weights are not needed.

    Raises:
        UserError: If it is no network of timm.

    Example:
        >>> preparation_of("efficientnet-lite0").height
        224
    """
    import timm

    try:
        configuration = timm.get_pretrained_cfg(_known_name(arch))
    except RuntimeError:
        # An architecture with a word behind it that timm does not know.
        raise UserError(_without_weights(arch)) from None
    said = {} if configuration is None else configuration.to_dict()
    return ImagePreparation.of_timm(timm.data.resolve_data_config(pretrained_cfg=said))


def require_pretrained(arch: str) -> None:
    """Check that there are weights of others for a network.

    Raises:
        UserError: If there are none; the nearest names are listed.
    """
    import timm

    name = _known_name(arch)
    if name not in timm.list_models(pretrained=True) and not timm.is_model_pretrained(name):
        raise UserError(_without_weights(arch))


def pretrained_backbone(
    arch: str,
    weights: Path | None = None,
    *,
    on_notice: Callable[[str], None] | None = None,
) -> nn.Module:
    """A network without its classifier, with the weights that others have trained.

    Args:
        arch: ``efficientnet-lite0``, which comes inside a package, or a name of timm whose weights
            are downloaded once.
        weights: A file of weights for the network of that name, in place of these.
        on_notice: Told what is downloaded or left out, in sentences.

    Raises:
        UserError: If there is no such network, it has no weights, or the file does not fit.
        DataError: If the weights cannot be downloaded.
    """
    if weights is not None:
        from dataparams.encoders.weights import load_weights

        backbone = empty_backbone(arch)
        load_weights(backbone, weights, arch, on_notice=on_notice, named_by="arch")
        return backbone
    require_pretrained(arch)
    bundled = find_bundled(arch)
    if bundled is not None:
        return bundled_network(bundled, num_classes=0)
    from dataparams.encoders.timm_encoder import pretrained_network

    return pretrained_network(arch, on_notice=on_notice)


def empty_backbone(arch: str) -> nn.Module:
    """The same network before it has its weights.

    Raises:
        UserError: If it is no network of timm.
    """
    import timm

    backbone: nn.Module = timm.create_model(_known_name(arch), num_classes=0)
    return backbone


def with_classifier(backbone: nn.Module, num_classes: int, side: int) -> nn.Module:
    """Give a network without a classifier a fresh one, and images of another size.

    Args:
        backbone: A network of timm; it is changed.
        num_classes: C.
        side: Height and width of the images in pixels. A network whose weights are tied to a size,
            such as a transformer's position embedding, is fitted to it.

    Returns:
        The same network.
    """
    # What timm's networks have beside those of PyTorch.
    network: Any = backbone
    if network.pretrained_cfg.get("fixed_input_size") and hasattr(network, "set_input_size"):
        network.set_input_size(img_size=(side, side))
    network.reset_classifier(num_classes)
    return backbone


def _known_name(arch: str) -> str:
    import timm

    name = timm_name(arch)
    if not timm.is_model(name):
        raise UserError(_without_weights(arch))
    return name


def _without_weights(arch: str) -> str:
    import timm

    is_own = arch.lower().replace("_", "-") in OWN_NETWORKS
    hint = "" if is_own else nearest_sentence(arch, timm.list_models(pretrained=True))
    return (
        f"`pretrained`: there are no weights to start {arch} from; expected `arch={DEFAULT.name}`, "
        f"which comes inside a package, or a name of timm that has some.{hint} `pretrained=False` "
        "starts from nothing."
    )
