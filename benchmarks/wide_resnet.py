"""The published CIFAR recipe with and without instance parameters, side by side, on a GPU.

The recipe takes 84 to 120 epochs; ``--epochs`` shortens it, the step of the schedule with it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dataparams.analysis import analyze
from dataparams.batches import load_dataset
from dataparams.run.error_detection import detection_figures
from dataparams.training import train
from dataparams.training.config import RECIPES
from results import table, write_section

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset
    from dataparams.training import TrainConfig

PUBLISHED_EPOCHS = 84
PUBLISHED_MILESTONE = 80
SWAPPED = 0.4


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        accuracy: On the test set, after the last epoch.
        best: The best of any epoch.
        precision: Average precision of the analysis's suspicion of the swapped labels.
        missed: The share of them that is not among as many of the most suspicious.
        minutes: Of the training.
    """

    accuracy: float
    best: float
    precision: float
    missed: float
    minutes: float


def configured(epochs: int, arch: str, seed: int, *, learns: bool) -> TrainConfig:
    """The recipe, shortened; the rate of the instance parameters follows from the epochs."""
    return replace(
        RECIPES["cifar"],
        dataset="cifar10",
        arch=arch,
        epochs=epochs,
        milestones=(round(epochs * PUBLISHED_MILESTONE / PUBLISHED_EPOCHS),),
        rand_fraction=SWAPPED,
        learn_inst_parameters=learns,
        lr_inst_param="auto",
        amp="bf16" if torch.cuda.is_available() else "no",
        seed=seed,
    )


def outcome(config: TrainConfig, dataset: ImageDataset) -> Outcome:
    """Train, analyze and compare with what was swapped."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run = train(replace(config, output_dir=folder), dataset=dataset)
        minutes = (time.perf_counter() - started) / 60
        frame = analyze(run, dataset=dataset).frame
        found = detection_figures(frame["suspicion"].to_numpy(), frame["is_corrupted"].to_numpy())
        assert found is not None
        accuracies = run.metrics()["val_accuracy"].to_list()
        missed = 1 - found.recall_at_noise_rate
        return Outcome(accuracies[-1], max(accuracies), found.average_precision, missed, minutes)


def main() -> None:
    """Train both and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--epochs", type=int, default=PUBLISHED_EPOCHS)
    parser.add_argument("--arch", default="wrn-28-10")
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dataset = load_dataset(str(arguments.data / "cifar10"))
    if arguments.samples < len(dataset.train.labels):
        first = torch.arange(arguments.samples)
        part = replace(dataset.train.select(first), num_instances=arguments.samples)
        dataset = replace(
            dataset, train=part, val=dataset.val.select(first[: len(dataset.val.labels)])
        )
    rows = []
    for learns in (True, False):
        found = outcome(
            configured(arguments.epochs, arguments.arch, arguments.seed, learns=learns), dataset
        )
        figures = (found.accuracy, found.best, found.precision, found.missed)
        rows.append(
            [
                "with" if learns else "without",
                *map("{:.3f}".format, figures),
                f"{found.minutes:.1f}",
            ]
        )
        print(rows[-1], flush=True)
    header = [
        "instance parameters",
        "test accuracy",
        "best",
        "average precision",
        "missed",
        "minutes",
    ]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    body = table(header, rows) + (
        f"\n\n{arguments.arch} on {arguments.samples:,} images of CIFAR-10, {SWAPPED:.0%} of the "
        f"labels swapped, {arguments.epochs} epochs (the paper's figure is of {PUBLISHED_EPOCHS}), "
        f"the learning rate divided by ten after {PUBLISHED_MILESTONE} of {PUBLISHED_EPOCHS} parts "
        "of them; batches of 128, bf16, one seed. Average precision and missed: of the swapped "
        f"labels by the analysis's suspicion. {device}."
    )
    write_section("WideResNet-28-10 with and without instance parameters", body)


if __name__ == "__main__":
    main()
