"""Images per second: batches augmented on the device against a transform per image.

Run from the repository's root: ``python benchmarks/data_path.py``. It reads CIFAR-10 from
``../shared/data/cifar10`` and prints a section in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset

from dataparams.batches import Augmentation, DeviceBatches, channel_statistics, load_dataset
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataparams.batches import LabeledImages

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "cifar10"
BATCH_SIZE = 128
WORKERS = 2


class TransformedImages(Dataset[tuple[torch.Tensor, int]]):
    """One transform per image, as torchvision's own CIFAR-10 does it."""

    def __init__(self, samples: LabeledImages, mean: torch.Tensor, std: torch.Tensor) -> None:
        from torchvision import transforms

        self._images = samples.images.permute(0, 2, 3, 1).contiguous().numpy()
        self._labels = samples.labels.tolist()
        self._transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(mean.tolist(), std.tolist()),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self._transform(Image.fromarray(self._images[index])), self._labels[index]


def images_per_second(batches: Iterable[Any]) -> float:
    """Go through all batches once; the images are made, and nothing is done with them."""
    count, start = 0, time.perf_counter()
    for batch in batches:
        images = batch.images if hasattr(batch, "images") else batch[0]
        count += len(images)
    return count / (time.perf_counter() - start)


def measure(rounds: int) -> tuple[list[float], list[float], float]:
    """Alternate between the two, so that a busy moment of the machine hits both alike."""
    start = time.perf_counter()
    train = load_dataset(str(DATA)).train
    seconds_to_load = time.perf_counter() - start
    mean, std = channel_statistics(train.images)
    resident = DeviceBatches(
        train,
        BATCH_SIZE,
        device="cpu",
        mean=mean,
        std=std,
        augmentation=Augmentation(crop_padding=4, mirror=True),
    )
    loader = DataLoader(
        TransformedImages(train, mean, std), BATCH_SIZE, shuffle=True, num_workers=WORKERS
    )
    ours, theirs = [], []
    for number in range(rounds):
        ours.append(images_per_second(resident.epoch(number)))
        theirs.append(images_per_second(loader))
    return ours, theirs, seconds_to_load


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each, alternating")
    rounds = parser.parse_args().rounds
    if not DATA.is_dir():
        raise SystemExit(f"{DATA} does not exist; this benchmark needs CIFAR-10 there.")
    ours, theirs, seconds_to_load = measure(rounds)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    rows = [
        ["`DeviceBatches`", _median_and_range(ours)],
        [
            f"torchvision transforms, `DataLoader` with {WORKERS} workers",
            _median_and_range(theirs),
        ],
    ]
    body = table(["data path", "images per second, median (range)"], rows) + (
        f"\n\nMedian of the ratios of neighbouring epochs: **{ratio:.1f}**. CIFAR-10 train (50,000 "
        f"images, 32 x 32), batch {BATCH_SIZE}, random crop with padding 4, mirror, normalize; "
        f"{rounds} epochs of each, alternating, on the CPU. Decoding the data set once, both "
        f"splits, took {seconds_to_load:.1f} s."
    )
    write_section("Data path", body)


def _median_and_range(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} ... {max(values):,.0f})"


if __name__ == "__main__":
    main()
