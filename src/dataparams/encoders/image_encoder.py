"""Features of images by a network of timm."""

from __future__ import annotations

import re
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataparams.encoders.image_preparation import ImagePreparation
from dataparams.encoders.weights import hash_of_weights
from dataparams.errors import ArgumentError
from dataparams.sources.reading_processes import forked_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from dataparams.contents.content import Content
    from dataparams.contents.region_decoding import WholePicture

_FORMAT = 1
_DIGITS = 16
_BATCH_ON_CPU = 8
_BATCH_ON_ACCELERATOR = 64
_BATCH_ON_LARGE_GPU = 256
_LARGE_GPU = 15e9
"""Bytes of its memory."""
_USUAL_PIXELS = 224 * 224
_THREADS_BESIDE_ACCELERATOR = 2
_CORES_TO_A_PREPARING_ONE = 4
_LARGEST_HALF = 65504.0
_LONGEST_NAME = 60


class ImageEncoder:
    """A network of timm without its classifier.

    A feature does not depend on the rest of its batch, bit for bit, since all batches are padded to
    the same size. On another device the last digits may differ. Where a device is fast in half
    precision, as many processors are, the network computes in it.

    Args:
        name: The name that the user gives.
        weights: A hash of the network's weights.
        width: Length of a feature.
        preparation: How images are prepared.
        make: Makes the network, from images (b, 3, height, width) to pooled features (b, width);
            called when it is first needed, and not if all features are cached.
        device: Where the network computes; None takes an accelerator if there is one.
        precision: The type that it computes in; None takes the half precision that the device is
            fast in, or else float32.

    Example:
        >>> import timm
        >>> from dataparams.contents.images import PixelImage
        >>> network = timm.create_model("test_efficientnet", num_classes=0)
        >>> encoder = image_encoder("mine", network)
        >>> pixels = encoder.prepare(PixelImage(np.zeros((30, 40, 3), np.uint8)))
        >>> encoder.encode([pixels]).shape == (1, encoder.width)
        True
    """

    def __init__(
        self,
        name: str,
        weights: str,
        width: int,
        preparation: ImagePreparation,
        make: Callable[[], nn.Module],
        *,
        device: torch.device | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        self.name = name
        self.width = width
        self.preparation = preparation
        self._device = device or _accelerator() or torch.device("cpu")
        is_cpu = self._device.type == "cpu"
        self.batch_size = (
            _BATCH_ON_CPU if is_cpu else _batch_on_accelerator(self._device, preparation)
        )
        self.threads = torch.get_num_threads() if is_cpu else _THREADS_BESIDE_ACCELERATOR
        self.processes = _preparing_processes(forked_workers(), is_cpu=is_cpu)
        self.precision = precision or _fast_precision(self._device)
        self.key = _key(name, weights, preparation, self.precision)
        self._scale, self._shift = _normalization(preparation, self._device)
        self._make = make
        self._made: nn.Module | None = None
        self._making = threading.Lock()

    def prepare(self, content: Content) -> NDArray[np.uint8]:
        """The network's input; see ``ImagePreparation.prepare``."""
        return self.preparation.prepare(content)

    def prepare_measured(
        self, content: Content, on_whole: Callable[[WholePicture], None]
    ) -> NDArray[np.uint8]:
        """The same; the whole picture is handed on; see ``MeasuredEncoder``."""
        return self.preparation.prepare(content, on_whole)

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """Features of a batch of images.

        Args:
            prepared: b arrays (height, width, 3), uint8, at most ``batch_size``.

        Returns:
            The features, (b, width), clamped to the range of half precision; infinite numbers and
            NaN stay as they are.
        """
        batch = np.empty((self.batch_size, *prepared[0].shape), np.uint8)
        np.stack(prepared, out=batch[: len(prepared)])
        batch[len(prepared) :] = 0
        with torch.inference_mode():
            features = self._features(torch.from_numpy(batch))[: len(prepared)].float()
            clamped = features.clamp(-_LARGEST_HALF, _LARGEST_HALF)
            half = torch.where(features.isfinite(), clamped, features).half()
            values: NDArray[np.float16] = half.cpu().numpy()
            return values

    def _features(self, batch: Tensor) -> Tensor:
        # (b, height, width, 3) in memory is (b, 3, height, width) with channels last.
        pixels = batch.to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        images = pixels.float().mul_(self._scale).add_(self._shift)
        is_half = self.precision != torch.float32
        with torch.autocast(self._device.type, dtype=self.precision, enabled=is_half):
            features: Tensor = self._network()(images)
        return features

    def _network(self) -> nn.Module:
        with self._making:
            if self._made is None:
                network = self._make().eval().requires_grad_(False)
                self._made = network.to(self._device).to(memory_format=torch.channels_last)
            return self._made


def image_encoder(
    name: str,
    network: nn.Module,
    *,
    device: torch.device | None = None,
    precision: torch.dtype | None = None,
) -> ImageEncoder:
    """The encoder of a timm network, with the preparation in timm's configuration.

    Args:
        name: The name that the user gives.
        network: A network of ``timm.create_model(..., num_classes=0)``.
        device: Where it computes; None takes an accelerator if there is one.
        precision: The type that it computes in; None takes one that the device is fast in.

    Raises:
        ArgumentError: If the network does not give one row of numbers for each image.
    """
    from timm.data import resolve_model_data_config

    preparation = ImagePreparation.of_timm(resolve_model_data_config(network))
    width = _measured_width(name, network, preparation)
    weights = hash_of_weights(network.state_dict())
    return ImageEncoder(
        name, weights, width, preparation, lambda: network, device=device, precision=precision
    )


def _batch_on_accelerator(device: torch.device, preparation: ImagePreparation) -> int:
    """Images at once: many, since each call waits for its turn, but as memory allows."""
    is_large = (
        device.type == "cuda" and torch.cuda.get_device_properties(device).total_memory > _LARGE_GPU
    )
    most = _BATCH_ON_LARGE_GPU if is_large else _BATCH_ON_ACCELERATOR
    pixels = preparation.height * preparation.width
    return max(1, min(most, most * _USUAL_PIXELS // pixels))


def _preparing_processes(cores: int, *, is_cpu: bool) -> int:
    """How many processes keep up with the network: threads of one process hinder each other.

    Example:
        >>> [_preparing_processes(cores, is_cpu=False) for cores in (1, 2, 16)]
        [0, 2, 16]
        >>> [_preparing_processes(cores, is_cpu=True) for cores in (1, 2, 16)]
        [0, 0, 4]
    """
    count = cores // _CORES_TO_A_PREPARING_ONE if is_cpu else cores
    return count if count > 1 else 0


def _fast_precision(device: torch.device) -> torch.dtype:
    """The half precision that a device is fast in, or else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    is_fast = device.type == "cpu" and _has_bfloat16_instructions()
    return torch.bfloat16 if is_fast else torch.float32


def _has_bfloat16_instructions() -> bool:
    """Whether this processor has bfloat16 instructions; without them it is slower than float32."""
    # Earlier versions of PyTorch do not have it.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _measured_width(name: str, network: nn.Module, preparation: ImagePreparation) -> int:
    size = preparation.height, preparation.width
    try:
        with torch.inference_mode():
            features = network.eval()(torch.zeros(1, 3, *size))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ArgumentError(
            f"`encoder` is {name!r}, which cannot take images of {size[0]} x {size[1]} pixels "
            f"({reason}); choose another encoder."
        ) from error
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or not features.shape[1]:
        raise ArgumentError(
            f"`encoder` is {name!r}, which gives no row of numbers for an image; choose another "
            "encoder."
        )
    return features.shape[1]


def _key(name: str, weights: str, preparation: ImagePreparation, precision: torch.dtype) -> str:
    """The encoder's name and size, and a hash of all that its features depend on."""
    text = f"{_FORMAT} {weights} {preparation.word} {precision}"
    digest = sha256(text.encode()).hexdigest()[:_DIGITS]
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:_LONGEST_NAME] or "encoder"
    return f"{safe}-{preparation.height}-{digest}"


def _accelerator() -> torch.device | None:
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps") if torch.backends.mps.is_available() else None


def _normalization(preparation: ImagePreparation, device: torch.device) -> tuple[Tensor, Tensor]:
    """The factor and then the summand for values 0 ... 255, each (3, 1, 1)."""
    mean, std = (torch.tensor(each) for each in (preparation.mean, preparation.std))
    scale, shift = 1 / (255 * std), -mean / std
    return scale.reshape(-1, 1, 1).to(device), shift.reshape(-1, 1, 1).to(device)
