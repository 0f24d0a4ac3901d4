"""Features that a GPU computes, beside those of the processor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dataparams.encoders.bundled_encoder import bundled_encoder, bundled_network
from dataparams.encoders.image_encoder import ImageEncoder

pytestmark = pytest.mark.gpu


def test_the_device_sees_what_the_processor_sees() -> None:
    usual = bundled_encoder()
    size = usual.preparation.height, usual.preparation.width, 3
    pixels = np.random.default_rng(0).integers(0, 255, (4, *size), dtype=np.uint8)
    found = [
        ImageEncoder(
            usual.name,
            "bundled",
            usual.width,
            usual.preparation,
            lambda: bundled_network(num_classes=0),
            device=torch.device(device),
            precision=precision,
        ).encode(list(pixels))
        for device, precision in (("cpu", torch.float32), ("cuda", None))
    ]
    here, there = (each.astype(np.float64) for each in found)
    likeness = (here * there).sum(axis=1)
    likeness /= np.linalg.norm(here, axis=1) * np.linalg.norm(there, axis=1)
    assert likeness.min() > 0.99
