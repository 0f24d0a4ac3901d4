"""Images per second from files to features, against timm's plain loop, side by side.

Run from the repository's root: ``python benchmarks/encoders.py``. It reads photographs from
``--data`` and writes a section of RESULTS.md. Each round runs all ways one after the other on the
same photographs, and speeds are ratios within a round, so that what else the machine does hits all.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from dataparams.contents.images import EncodedImage
from dataparams.encoders.bundled_encoder import bundled_network
from dataparams.encoders.extraction import network_threads
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.encoders.image_encoder import ImageEncoder, image_encoder
from dataparams.encoders.opening import open_encoder
from dataparams.sources.opening import open_source
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dataparams.sources.source import Contents

    Transform = Callable[[Image.Image], torch.Tensor]

_BATCH_OF_TIMM = 64


def timm_loop(data: Sequence[bytes], network: torch.nn.Module, transform: Transform) -> None:
    """What timm's own examples do: decode, transform, and a batch of 64 at a time."""
    for start in range(0, len(data), _BATCH_OF_TIMM):
        images = [Image.open(io.BytesIO(one)).convert("RGB") for one in data[start:][:64]]
        with torch.inference_mode():
            network(torch.stack([transform(image) for image in images]))


def timm_network(images: torch.Tensor, network: torch.nn.Module) -> None:
    """The network alone, on images that are prepared already."""
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH_OF_TIMM):
            batch = images[start : start + _BATCH_OF_TIMM]
            network(batch)


def our_network(prepared: Sequence[NDArray[np.uint8]], encoder: ImageEncoder) -> None:
    """Our network alone, on images that are prepared already; normalizing them is part of it."""
    size = encoder.batch_size
    batches = [prepared[start : start + size] for start in range(0, len(prepared), size)]
    with network_threads(encoder) as threads:
        list(threads.map(encoder.encode, batches))


def files_to_features(contents: Contents, rows: Sequence[int], encoder: ImageEncoder) -> None:
    """All of it: files are read, decoded and encoded, features written and read again."""
    with tempfile.TemporaryDirectory() as folder:
        features_of(contents, rows, encoder, FeatureCache(Path(folder)))


def kept_features(
    contents: Contents, rows: Sequence[int], encoder: ImageEncoder, cache: FeatureCache
) -> None:
    """All of it once more: files are read, and their features found."""
    features_of(contents, rows, encoder, cache)


def seconds(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round; a round before them warms up."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number:
                spent[name].append(time.perf_counter() - start)
    return spent


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit(f"{arguments.photographs} does not exist; give --photographs FOLDER.")
    import timm

    source = open_source(str(arguments.photographs))
    chosen = np.random.default_rng(0).permutation(len(source))[: arguments.images].tolist()
    photographs = [one for one in source.read(chosen) if isinstance(one, EncodedImage)]
    data = [bytes(photograph.encoded()) for photograph in photographs]
    encoder = open_encoder()
    assert isinstance(encoder, ImageEncoder)
    network = bundled_network(num_classes=0).eval()
    exact = image_encoder("exact", bundled_network(num_classes=0), precision=torch.float32)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    prepared = [encoder.prepare(photograph) for photograph in photographs]
    images = torch.stack([transform(Image.open(io.BytesIO(one)).convert("RGB")) for one in data])
    usual, alone = "timm's loop, from files", "timm's network alone"
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder))
        features_of(source.contents, chosen, encoder, cache)
        ways: dict[str, Callable[[], None]] = {
            usual: partial(timm_loop, data, network, transform),
            "`features_of`, from files": partial(
                files_to_features, source.contents, chosen, encoder
            ),
            alone: partial(timm_network, images, network),
            "our network alone": partial(our_network, prepared, encoder),
            "our network alone, full precision": partial(our_network, prepared, exact),
            "`features_of`, all features kept": partial(
                kept_features, source.contents, chosen, encoder, cache
            ),
        }
        spent = seconds(ways, arguments.rounds)
    count = len(data)
    rows = [
        [name, *_cells(values, spent[alone if "alone" in name else usual], count)]
        for name, values in spent.items()
    ]
    body = table(["way", "images per second, median (range)", "speed"], rows) + (
        f"\n\n{count} photographs of Caltech-101 (about 300 x 200), EfficientNet-Lite0 at 224 x "
        f"224, {torch.get_num_threads()} threads, {arguments.rounds} rounds, taking turns. timm's "
        "loop: batches of 64, as they come, full precision. Speed is the median of the ratios "
        "within a round, to timm's loop or to timm's network alone. Ours is at work in "
        f"{str(encoder.precision).removeprefix('torch.')} here."
    )
    write_section("Encoders", body)


def _cells(values: list[float], usual: list[float], count: int) -> list[str]:
    rates = [count / each for each in values]
    ratio = statistics.median(a / b for a, b in zip(usual, values, strict=True))
    spread = f"{statistics.median(rates):.1f} ({min(rates):.1f} ... {max(rates):.1f})"
    return [spread, f"{ratio:.2f}"]


if __name__ == "__main__":
    main()
