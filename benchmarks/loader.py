"""Images per second from the disk to a batch: torchvision's folder and transforms against ours.

Run from the repository's root: ``python benchmarks/loader.py``. It makes JPEG files of ImageNet's
usual size from the photographs of ``../shared/data/caltech20``, in a folder that it removes at
the end, and prints a section in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from torch.utils.data import DataLoader

from dataparams.batches import StreamedBatches, stream_dataset
from dataparams.batches.streamed_batches import MEAN, STD
from dataparams.sources.cache import write_cache
from dataparams.sources.opening import open_source
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import torch

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "caltech20"
BATCH_SIZE = 128
WORKERS = 2
SIZE = (500, 375)
THEIRS, STRAIGHT, JPEG, RAW = (
    "torchvision `ImageFolder`, Pillow, v1 transforms",
    "`StreamedBatches` from the JPEG files",
    "`StreamedBatches` from a cache of JPEG 90",
    "`StreamedBatches` from a raw cache",
)


def make_photographs(source: Path, folder: Path, count: int) -> None:
    """Write JPEG files of 500 x 375 pixels, of quality 95."""
    files = sorted(source.glob("*/*.jpg"))
    # Where not all are wanted, some of all classes.
    step = max(1, len(files) // count)
    for number in range(count):
        file = files[number * step % len(files)]
        out = folder / file.parent.name / f"{number:05}.jpg"
        out.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(out, quality=95)


def torchvision_loader(folder: Path) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    """The usual loader of ImageNet."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN.tolist(), STD.tolist()),
        ]
    )
    return DataLoader(
        ImageFolder(str(folder), transform),
        BATCH_SIZE,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )


def streamed(folder: Path, cache: Path | None) -> StreamedBatches:
    """The training batches of a folder, all images in the training split but a few."""
    train = stream_dataset(str(folder), val_frac=0.001, cache=cache).train
    return StreamedBatches(
        train, BATCH_SIZE, device="cpu", augment=True, channels_last=True, workers=WORKERS
    )


def images_per_second(batches: Iterable[Any]) -> float:
    """Go through all batches; the images are made, normalized, and nothing is done with them."""
    count, start = 0, time.perf_counter()
    for batch in batches:
        images = batch.images if hasattr(batch, "images") else batch[0]
        count += len(images)
    return count / (time.perf_counter() - start)


def measure(folder: Path, rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Alternate between all ways, so that a busy moment of the machine hits them alike."""
    source = open_source(str(folder), is_streamed=True)
    sizes = {STRAIGHT: sum(file.stat().st_size for file in folder.rglob("*.jpg"))}
    caches = {JPEG: (folder.with_name("jpeg"), 90), RAW: (folder.with_name("raw"), None)}
    for name, (file, quality) in caches.items():
        sizes[name] = write_cache(source, file, quality=quality).num_bytes
    loader = torchvision_loader(folder)
    ours = {name: streamed(folder, caches.get(name, (None,))[0]) for name in sizes}
    ways: dict[str, Callable[[int], Iterable[object]]] = {THEIRS: lambda _: loader}
    ways |= {name: batches.epoch for name, batches in ours.items()}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, epoch in ways.items():
            speed = images_per_second(epoch(number))
            # The first round starts the processes and fills the system's cache of files.
            if number:
                speeds[name].append(speed)
    for batches in ours.values():
        batches.close()
    return speeds, sizes


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000, help="number of images")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each, alternating")
    parser.add_argument("--photographs", type=Path, default=DATA, help="folder of photographs")
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit(
            f"{arguments.photographs} does not exist; expected a folder of photographs."
        )
    warnings.filterwarnings("ignore", message="This DataLoader will create")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photographs"
        make_photographs(arguments.photographs, folder, arguments.count)
        speeds, sizes = measure(folder, arguments.rounds)
    rows = []
    for name, values in speeds.items():
        ratios = [a / b for a, b in zip(values, speeds[THEIRS], strict=True)]
        size = sizes.get(name, sizes[STRAIGHT]) / arguments.count / 1000
        rows.append(
            [
                name,
                f"{statistics.median(values):,.0f} ({min(values):,.0f} ... {max(values):,.0f})",
                f"{statistics.median(ratios):.1f}",
                f"{size:,.0f}",
            ]
        )
    header = ["from the disk to a batch", "images per second, median (range)", "ratio", "KB each"]
    body = table(header, rows) + (
        f"\n\n{arguments.count} photographs of 500 x 375 pixels, JPEG 95 (Caltech-101's, resized; "
        "the caches hold them with a shorter side of 256). Random resized crop to 224 x 224, "
        f"mirror, normalized floats on the CPU; batch {BATCH_SIZE}, {WORKERS} workers each, "
        f"{arguments.rounds} epochs of each after one to warm up, alternating; ratio: median of "
        "the ratios within a round. Files are in the system's cache."
    )
    if arguments.dry_run:
        print(body)
    else:
        write_section("Loader", body)


if __name__ == "__main__":
    main()
