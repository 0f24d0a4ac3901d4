"""The preparation of images for a network, as in its training, without the normalization."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.image_files import decode_upright
from dataparams.contents.images import EncodedImage, PixelImage, require_image
from dataparams.contents.region_decoding import WholePicture, crop_and_resize, decode_region
from dataparams.contents.regions import Region, center_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.contents.region_decoding import Interpolation

_FAST_MODES = ("center", "squash")
_FAST_INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True)
class ImagePreparation:
    """The preparation of images in timm's configuration of a network.

    Attributes:
        height: Height of the input, in pixels.
        width: Width of the input, in pixels.
        crop_share: The share of the image's shorter side that is cropped, above 0.
        crop_mode: ``center``: the square in the middle; ``squash``: the whole image, made square;
            ``border``: the whole image, with a border.
        interpolation: The kind of resizing, such as ``bicubic``.
        mean: Mean of each channel, of values 0 ... 1.
        std: Standard deviation of each channel.
    """

    height: int
    width: int
    crop_share: float
    crop_mode: str
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of_timm(cls, configuration: Mapping[str, Any]) -> ImagePreparation:
        """The preparation of a configuration from ``timm.data.resolve_model_data_config``.

        Example:
            >>> import timm
            >>> network = timm.create_model("tf_efficientnet_lite0")
            >>> configuration = timm.data.resolve_model_data_config(network)
            >>> ImagePreparation.of_timm(configuration).word
            '224x224-0.875-center-bicubic-0.5,0.5,0.5-0.5,0.5,0.5'
        """
        _, height, width = configuration["input_size"]
        return cls(
            height=int(height),
            width=int(width),
            crop_share=float(configuration["crop_pct"]),
            crop_mode=str(configuration.get("crop_mode") or "center"),
            interpolation=str(configuration["interpolation"]),
            mean=tuple(map(float, configuration["mean"])),
            std=tuple(map(float, configuration["std"])),
        )

    @property
    def word(self) -> str:
        """All attributes, in one word."""
        size = f"{self.height}x{self.width}"
        statistics = (",".join(f"{value:.6g}" for value in each) for each in (self.mean, self.std))
        share = f"{self.crop_share:.6g}"
        return "-".join([size, share, self.crop_mode, self.interpolation, *statistics])

    def prepare(
        self, content: Content, on_whole: Callable[[WholePicture], None] | None = None
    ) -> NDArray[np.uint8]:
        """The network's input for an image.

        Args:
            content: An image. It is turned upright and converted to color of 8 bits; transparent
                parts are laid on white.
            on_whole: Called with the whole picture, of which the network sees a part.

        Returns:
            The pixels, (height, width, 3), uint8.

        Raises:
            UnreadableContentError: If it cannot be decoded, or is not an image.
        """
        image = require_image(content)
        interpolation = cast("Interpolation", self.interpolation)
        if self._is_fast and isinstance(image, EncodedImage):
            return decode_region(
                bytes(image.encoded()),
                self._region,
                self.height,
                interpolation=interpolation,
                on_whole=on_whole,
            )
        pixels = _upright_pixels(image)
        if on_whole is not None:
            on_whole(WholePicture(pixels, pixels.shape[1], pixels.shape[0]))
        if not self._is_fast:
            return self._by_timm(pixels)
        region = self._region(pixels.shape[1], pixels.shape[0])
        return crop_and_resize(pixels, region, self.height, interpolation=interpolation)

    @property
    def _is_fast(self) -> bool:
        return (
            self.height == self.width
            and self.crop_mode in _FAST_MODES
            and self.interpolation in _FAST_INTERPOLATIONS
            and 0 < self.crop_share <= 1
        )

    def _region(self, width: int, height: int) -> Region:
        """The crop of an image of this width and height."""
        if self.crop_mode == "center":
            return center_region(width, height, self.crop_share)
        seen = [max(1, round(side * self.crop_share)) for side in (width, height)]
        return Region((width - seen[0]) // 2, (height - seen[1]) // 2, seen[0], seen[1])

    def _by_timm(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        from PIL import Image

        prepared = self._timm_transform(Image.fromarray(pixels))
        return np.ascontiguousarray(np.asarray(prepared).transpose(1, 2, 0))

    @cached_property
    def _timm_transform(self) -> Callable[[Any], Any]:
        from timm.data import create_transform

        transform: Callable[[Any], Any] = create_transform(
            input_size=(3, self.height, self.width),
            interpolation=self.interpolation,
            crop_pct=self.crop_share,
            crop_mode=self.crop_mode,
            mean=self.mean,
            std=self.std,
            # Otherwise the result would be normalized.
            use_prefetcher=True,
        )
        return transform


def _upright_pixels(image: EncodedImage | PixelImage) -> NDArray[np.uint8]:
    """All pixels of an image, (height, width, 3)."""
    if isinstance(image, EncodedImage):
        pixels = decode_upright(bytes(image.encoded()))
        if isinstance(pixels, str):
            raise UnreadableContentError(pixels)
        return pixels
    array = image.array
    if not array.size:
        raise UnreadableContentError("the image has no pixels")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    return array
