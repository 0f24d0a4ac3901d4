"""Size, resizing and normalization of the images that a pretrained network expects."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from dataparams.contents.region_decoding import Interpolation

_INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True)
class NetworkInput:
    """What a network expects of its images, beside their size.

    Attributes:
        mean: What is subtracted from each channel, on the scale 0 ... 1.
        std: What each channel is divided by, on the same scale, above 0.
        interpolation: How images of a stream are resized, ``bilinear`` or ``bicubic``.
        middle_share: The part of the shorter side that evaluation sees of a stream's images, above
            0, up to 1.

    Raises:
        ValueError: If a number is out of its range.

    Example:
        >>> given = NetworkInput((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", 0.875)
        >>> NetworkInput.of_json(given.as_json()) == given
        True
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: Interpolation
    middle_share: float

    def __post_init__(self) -> None:
        is_valid = (
            len(self.mean) == len(self.std) == 3
            and min(self.std) > 0
            and 0 < self.middle_share <= 1
            and self.interpolation in _INTERPOLATIONS
        )
        if not is_valid:
            raise ValueError(f"{self} is nothing that images can be made by.")

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the channels, (3,) each, float32."""
        return torch.tensor(self.mean), torch.tensor(self.std)

    def of_stream(self) -> dict[str, Any]:
        """The same as arguments of ``StreamedBatches``."""
        mean, std = self.statistics
        resizing = {"interpolation": self.interpolation, "middle_share": self.middle_share}
        return {"mean": mean, "std": std, **resizing}

    def as_json(self) -> dict[str, Any]:
        """The same for ``run.json``."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> NetworkInput:
        """Read the result of ``as_json``.

        Raises:
            KeyError: If something is missing.
            TypeError: If something is of another kind.
            ValueError: If something is out of its range.
        """
        return cls(
            mean=tuple(map(float, values["mean"])),
            std=tuple(map(float, values["std"])),
            interpolation=cast("Interpolation", values["interpolation"]),
            middle_share=float(values["middle_share"]),
        )
