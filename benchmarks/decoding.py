"""Milliseconds of a core from a JPEG file to a random-resized crop: ours, Pillow, torchvision.

Run from the repository's root: ``python benchmarks/decoding.py``. It reads photographs from
``--data``, enlarges them, and writes a section of RESULTS.md. Other libraries (imagecodecs,
OpenCV, pyvips) take part where they are installed.
"""

from __future__ import annotations

import argparse
import importlib
import io
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import simplejpeg
import torch
from PIL import Image

from dataparams.contents.region_decoding import (
    crop_and_resize,
    decode_region,
    resized_jpeg,
    resized_pixels,
)
from dataparams.contents.regions import TRIES, Region, random_resized_region
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 224
CACHED_SIDE = 256


class Sample(NamedTuple):
    """A file, the pixels in it, and the region wanted of it."""

    data: bytes
    pixels: np.ndarray
    region: Region


def photographs(folder: Path, count: int, size: tuple[int, int]) -> list[bytes]:
    """Photographs of one size, as JPEG files of quality 95."""
    paths = sorted(folder.rglob("*.jpg"))
    files = []
    for number in np.random.default_rng(0).permutation(len(paths))[:count]:
        stream = io.BytesIO()
        with Image.open(paths[number]) as image:
            larger = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
            larger.save(stream, "JPEG", quality=95)
        files.append(stream.getvalue())
    return files


def with_regions(files: list[bytes]) -> list[Sample]:
    """Give each file its pixels and a random region."""
    generator = np.random.default_rng(0)
    samples = []
    for data in files:
        pixels = simplejpeg.decode_jpeg(data)
        draws = generator.random((TRIES, 4)).tolist()
        region = random_resized_region(pixels.shape[1], pixels.shape[0], draws)
        samples.append(Sample(data, pixels, region))
    return samples


def ours(sample: Sample) -> object:
    """The chosen way."""
    return decode_region(sample.data, lambda *_: sample.region, SIZE)


def ours_raw(sample: Sample) -> object:
    """The chosen way from a cache of pixels."""
    return crop_and_resize(sample.pixels, sample.region, SIZE)


def pillow(sample: Sample) -> object:
    """Pillow: all of the image is decoded, the region resized."""
    left, top, width, height = sample.region
    image = Image.open(io.BytesIO(sample.data))
    image.draft("RGB", (image.width * SIZE // width, image.height * SIZE // height))
    horizontal, vertical = image.width / sample.pixels.shape[1], image.height / len(sample.pixels)
    corner = (left * horizontal, top * vertical)
    box = (*corner, (left + width) * horizontal, (top + height) * vertical)
    resized = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box)
    return np.asarray(resized)


def torchvision_io(sample: Sample) -> object:
    """Torchvision's decoder and its resize of uint8."""
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms.v2.functional import resized_crop

    left, top, width, height = sample.region
    encoded = torch.from_numpy(np.frombuffer(sample.data, np.uint8).copy())
    image = decode_jpeg(encoded, mode=ImageReadMode.RGB)
    return resized_crop(image, top, left, height, width, [SIZE, SIZE], antialias=True)


def torchvision_v1() -> Callable[[Sample], object]:
    """Pillow and torchvision's transforms up to a normalized tensor, with a region of its own."""
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIZE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    return lambda sample: transform(Image.open(io.BytesIO(sample.data)).convert("RGB"))


def others() -> dict[str, Callable[[Sample], object]]:
    """Decoders of libraries that are not needed, where installed, with our resize."""
    found: dict[str, Callable[[Sample], object]] = {}
    if imagecodecs := _imported("imagecodecs"):
        found["imagecodecs"] = lambda sample: crop_and_resize(
            imagecodecs.jpeg8_decode(sample.data), sample.region, SIZE
        )
    if cv2 := _imported("cv2"):
        cv2.setNumThreads(1)
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        found["OpenCV"] = lambda sample: crop_and_resize(
            cv2.imdecode(np.frombuffer(sample.data, np.uint8), flags), sample.region, SIZE
        )
    if pyvips := _imported("pyvips"):
        pyvips.cache_set_max(0)

        def vips(sample: Sample) -> object:
            left, top, width, height = sample.region
            image = pyvips.Image.new_from_buffer(sample.data, "", access="sequential")
            part = image.crop(left, top, width, height).numpy()
            return crop_and_resize(part, Region(0, 0, width, height), SIZE)

        found["pyvips"] = vips
    return found


def parts() -> dict[str, Callable[[Sample], object]]:
    """What the chosen way consists of."""
    return {
        "decoding all of it at an eighth of its size: little but entropy decoding": lambda sample: (
            simplejpeg.decode_jpeg(sample.data, min_height=1, min_width=1)
        ),
        "decoding all of it": lambda sample: simplejpeg.decode_jpeg(sample.data),
        "resizing the region (`crop_and_resize`)": ours_raw,
    }


def milliseconds(
    ways: dict[str, Callable[[], object]], rounds: int, count: int
) -> dict[str, list[float]]:
    """Processor time per image of each way; the ways take turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            # The first round warms up.
            if number:
                spent[name].append((time.process_time() - start) * 1000 / count)
    return spent


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit(f"{arguments.photographs} does not exist; give --photographs FOLDER.")
    torch.set_num_threads(1)
    files = photographs(arguments.photographs, arguments.images, (500, 375))
    full = with_regions(files)
    cached = with_regions([resized_jpeg(data, CACHED_SIDE, 90) for data in files])
    raw = [
        cache._replace(pixels=resized_pixels(data, CACHED_SIDE))
        for data, cache in zip(files, cached, strict=True)
    ]
    usual = "Pillow and torchvision's v1 transforms, to a normalized tensor"
    ways = {usual: (torchvision_v1(), full), "`decode_region`": (ours, full)}
    ways |= {"Pillow, to pixels": (pillow, full), "torchvision.io": (torchvision_io, full)}
    ways |= {name: (way, full) for name, way in others().items()}
    ways |= {
        f"`decode_region` of JPEGs of quality 90, shorter side {CACHED_SIDE}": (ours, cached),
        f"`crop_and_resize` of pixels, shorter side {CACHED_SIDE}": (ours_raw, raw),
    }
    ways |= {f"({name})": (way, full) for name, way in parts().items()}
    spent = milliseconds(
        {name: partial(_each, way, samples) for name, (way, samples) in ways.items()},
        arguments.rounds,
        len(files),
    )
    rows = [[name, *_cells(values, spent[usual])] for name, values in spent.items()]
    body = table(["from file to 224 x 224", "ms of a core, median (range)", "speed"], rows) + (
        f"\n\n{len(files)} photographs of Caltech-101 enlarged to 500 x 375, JPEG of quality 95 "
        f"({_kilobytes(files)} kB on average; {_kilobytes([s.data for s in cached])} kB at the "
        f"shorter side {CACHED_SIDE}); one random region of 8 to 100 % for each; one thread, "
        f"processor time, {arguments.rounds} rounds, taking turns. Speed is the median of the "
        "ratios within a round to the first line, which alone includes the tensor. Decoders other "
        "than Pillow's and torchvision's are followed by `crop_and_resize`."
    )
    write_section("Decoding", body)


def _each(way: Callable[[Sample], object], samples: list[Sample]) -> None:
    for sample in samples:
        way(sample)


def _cells(values: list[float], usual: list[float]) -> list[str]:
    ratio = statistics.median(a / b for a, b in zip(usual, values, strict=True))
    spread = f"{statistics.median(values):.3f} ({min(values):.3f} ... {max(values):.3f})"
    return [spread, f"{ratio:.2f}"]


def _kilobytes(files: list[bytes]) -> str:
    return f"{statistics.mean(len(data) for data in files) / 1000:.0f}"


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


if __name__ == "__main__":
    main()
