"""Training a pretrained network further beside a small network from nothing, on two cores."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.analysis import analyze
from dataparams.batches import load_dataset
from dataparams.run.error_detection import detection_figures
from dataparams.training import TrainConfig, train
from dataparams.training.config import RECIPES
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset


@dataclass(frozen=True)
class Setting:
    """A data set in a size, with a share of its labels swapped, and how it is trained on."""

    data: str
    rate: float
    config: TrainConfig

    @property
    def name(self) -> str:
        """The recipe, and the size of its images."""
        size = self.config.image_size
        return f"`--recipe {self.config.recipe}`" + ("" if size is None else f", {size} px")


SETTINGS = (
    Setting("cifar10", 0.1, RECIPES["quick"]),
    Setting("cifar10", 0.1, replace(RECIPES["finetune"], image_size=96)),
    Setting("caltech20", 0.15, RECIPES["quick"]),
    Setting("caltech20", 0.15, replace(RECIPES["finetune"], image_size=128)),
)


def load(setting: Setting, folder: Path, samples: int) -> ImageDataset:
    """All of caltech20, or the first samples of CIFAR-10 with as many of its test samples."""
    dataset = load_dataset(str(folder / setting.data), image_size=setting.config.image_size)
    if setting.data != "cifar10":
        return dataset
    first = torch.arange(samples)
    train_split = replace(dataset.train.select(first), num_instances=samples)
    return replace(dataset, train=train_split, val=dataset.val.select(first))


def figures(setting: Setting, dataset: ImageDataset, seed: int) -> dict[str, float]:
    """What a training reaches, and how well the analysis of it detects."""
    with tempfile.TemporaryDirectory() as folder:
        config = replace(setting.config, output_dir=folder, rand_fraction=setting.rate, seed=seed)
        started = time.perf_counter()
        run = train(config, dataset=dataset)
        minutes = (time.perf_counter() - started) / 60
        frame = analyze(run, dataset=dataset).frame
        found = detection_figures(frame["suspicion"].to_numpy(), frame["is_corrupted"].to_numpy())
        assert found is not None
        return {
            "minutes": minutes,
            "accuracy": float(run.metrics()["val_accuracy"][-1]),
            "precision": found.average_precision,
            "missed": 1 - found.recall_at_noise_rate,
        }


def main() -> None:
    """Run all settings and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    rows = []
    for setting in SETTINGS:
        dataset = load(setting, arguments.data, arguments.samples)
        found = [figures(setting, dataset, seed) for seed in range(arguments.seeds)]
        spread = (
            mean_and_spread([one[name] for one in found])
            for name in ("accuracy", "precision", "missed")
        )
        minutes = f"{np.mean([one['minutes'] for one in found]):.1f}"
        rows.append([f"{setting.data}, {setting.rate:.0%} swapped", setting.name, *spread, minutes])
    header = ["data", "recipe", "validation accuracy", "average precision", "missed", "minutes"]
    body = table(header, rows)
    body += (
        f"\n\nThe first {arguments.samples:,} images of CIFAR-10, and as many test images to "
        f"validate; all photographs of caltech20, a tenth of them to validate. {arguments.seeds} "
        "seeds, mean ± standard deviation. Samples are ranked by the analysis's suspicion; missed "
        "is the share of the wrong labels that are not among as many as there are. Minutes are of "
        "the training alone."
    )
    write_section("Recipes", body)


if __name__ == "__main__":
    main()
