"""Architectures: two of our own, and those of timm and torchvision by name."""

from __future__ import annotations

import difflib

import torch
from torch import Tensor, nn
from torch.nn import functional

from dataparams.encoders.trainable_backbones import OWN_NETWORKS, timm_name, with_classifier
from dataparams.errors import ArgumentError


class SmallCNN(nn.Sequential):
    """A convolutional network that is trained on two CPU cores in minutes.

    Args:
        num_classes: C.
        channels: Channels of the images.
        side: Height and width in pixels, which decide the number of poolings.
        width: Channels after the first convolution.

    Example:
        >>> SmallCNN(10, channels=1, side=8)(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, channels: int, side: int, width: int = 32) -> None:
        widths = [width, 2 * width, 4 * width, 4 * width]
        layers: list[nn.Module] = []
        for entering, leaving in zip([channels, *widths], widths, strict=False):
            layers.append(nn.Conv2d(entering, leaving, 3, padding=1, bias=False))
            if side >= 8:
                # Pooling first makes the normalization four times cheaper.
                layers.append(nn.MaxPool2d(2))
                side //= 2
            layers += [nn.BatchNorm2d(leaving), nn.ReLU(inplace=True)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], num_classes)]
        super().__init__(*layers, *head)


class _WideBlock(nn.Module):
    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(entering)
        self.conv1 = nn.Conv2d(entering, leaving, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(leaving)
        self.conv2 = nn.Conv2d(leaving, leaving, 3, 1, 1, bias=False)
        self.shortcut = (
            None if entering == leaving else nn.Conv2d(entering, leaving, 1, stride, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        activated = functional.relu(self.norm1(x), inplace=True)
        kept = x if self.shortcut is None else self.shortcut(activated)
        x = self.conv1(activated)
        x = self.conv2(functional.relu(self.norm2(x), inplace=True))
        return x + kept


class WideResNet(nn.Module):
    """WideResNet without dropout (Zagoruyko and Komodakis, BMVC 2016), for images of 32 pixels.

    Args:
        num_classes: C.
        channels: Channels of the images.
        depth: Number of layers, 6 n + 4.
        widen: Factor on the channels 16, 32, 64.

    Example:
        >>> model = WideResNet(100, depth=28, widen=10)
        >>> round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, 1)
        36.5
    """

    def __init__(
        self, num_classes: int, channels: int = 3, depth: int = 28, widen: int = 10
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        entering = 16
        for group, leaving in enumerate((16 * widen, 32 * widen, 64 * widen)):
            for number in range((depth - 4) // 6):
                stride = 2 if group > 0 and number == 0 else 1
                blocks.append(_WideBlock(entering, leaving, stride))
                entering = leaving
        self.stem = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(entering)
        self.head = nn.Linear(entering, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, C) of images (B, channels, H, W)."""
        x = functional.relu(self.norm(self.blocks(self.stem(x))), inplace=True)
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class _GrayAsColor(nn.Module):
    """A network for color images that takes gray ones, by repeating the channel three times."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x.expand(-1, 3, -1, -1))
        return logits


_WITH_SIDE_HEADS = ("googlenet", "inception_v3")


def create_model(
    arch: str, num_classes: int, channels: int, side: int, *, backbone: nn.Module | None = None
) -> nn.Module:
    """Make a network with random weights, or with a pretrained backbone.

    Args:
        arch: ``small-cnn``, ``wrn-28-10``, or a name of timm or torchvision.
        num_classes: C.
        channels: Channels of the images, 1 or 3.
        side: Height and width of the images in pixels.
        backbone: The pretrained network without its classifier, which is then the only part with
            random weights; see ``pretrained_models``. It takes images of 3 channels.

    Returns:
        A module from (B, channels, side, side) to (B, C).

    Raises:
        ArgumentError: If the name is not known (similar names are listed), or the network cannot
            take images of this size.
    """
    model = _built(arch, num_classes, channels, side) if backbone is None else backbone
    try:
        if backbone is not None:
            with_classifier(backbone, num_classes, side)
        with torch.no_grad():
            logits = model.eval()(torch.zeros(2, channels, side, side))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ArgumentError(
            f"`arch` is {arch!r}, which cannot take images of {side} x {side} pixels ({error}). "
            "Choose another `image_size`, such as 224, or another `arch`."
        ) from error
    if not isinstance(logits, Tensor) or logits.shape != (2, num_classes):
        raise ArgumentError(
            f"`arch` is {arch!r}, which gives no logits (batch, {num_classes}); choose another."
        )
    return model.train()


def _built(arch: str, num_classes: int, channels: int, side: int) -> nn.Module:
    name = arch.lower().replace("_", "-")
    if name == "small-cnn":
        return SmallCNN(num_classes, channels, side)
    if name in ("wrn-28-10", "wideresnet-28-10", "wide-resnet-28-10", "wideresnet28-10"):
        return WideResNet(num_classes, channels)
    import timm
    from torchvision import models

    if timm.is_model(timm_name(arch)):
        name = timm_name(arch)
        made: nn.Module = timm.create_model(name, num_classes=num_classes, in_chans=channels)
        return made
    if arch in models.list_models(module=models):
        # With auxiliary heads these networks return a tuple in training.
        single = {"aux_logits": False, "init_weights": True} if arch in _WITH_SIDE_HEADS else {}
        made = models.get_model(arch, weights=None, num_classes=num_classes, **single)
        return _GrayAsColor(made) if channels == 1 else made
    known = [*OWN_NETWORKS, *timm.list_models(), *models.list_models(module=models)]
    nearest = difflib.get_close_matches(arch, known, n=5, cutoff=0.5)
    hint = f" The nearest are: {', '.join(dict.fromkeys(nearest))}." if nearest else ""
    raise ArgumentError(
        f"`arch` is {arch!r}, which is not known; expected {' or '.join(OWN_NETWORKS)}, or a name "
        f"of timm or torchvision.{hint}"
    )
