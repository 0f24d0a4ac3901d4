"""Detection and repair on CIFAR-10 with 40 % of the labels swapped, on a network for two cores."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataparams.batches import ImageDataset, load_dataset
from dataparams.run.error_detection import detection_figures
from dataparams.terminal.progress import PlainProgress
from dataparams.training import TrainConfig, train
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder

SETTINGS = (
    "no data parameters",
    "instance parameters",
    "retrained on the kept 60 %",
    "clean labels",
)
Figures = dict[str, float]


def first_samples(data: Path, count: int) -> ImageDataset:
    """CIFAR-10 with the first ``count`` training samples, and all test samples."""
    dataset = load_dataset(str(data))
    chosen = dataset.train.select(torch.arange(count))
    return replace(dataset, train=replace(chosen, num_instances=count))


def by_margin(run: RunFolder) -> np.ndarray:
    """Minus the area under the margin: the mean over all epochs."""
    margins = [run.epoch_record(epoch).margin.numpy() for epoch in run.epochs()]
    area: np.ndarray = -np.mean(margins, axis=0)
    return area


def by_parameter(run: RunFolder) -> np.ndarray:
    """The instance parameters after the last epoch."""
    return run.epoch_record(run.epochs()[-1]).instance_log_temperature.numpy()


def figures_of(run: RunFolder, score: np.ndarray | None) -> Figures:
    """Test accuracy after the last epoch and, given a score, how well it detects."""
    metrics = run.metrics()
    figures: Figures = {
        "accuracy": metrics["val_accuracy"][-1],
        "seconds": float(metrics["seconds"].sum()),
        "clamp": (metrics["inst_share_at_clamp"][-1] or 0.0)
        if "inst_share_at_clamp" in metrics
        else 0.0,
    }
    if score is not None:
        detected = detection_figures(score, run.samples()["is_corrupted"].to_numpy())
        assert detected is not None
        figures |= {"auroc": detected.auroc, "recall": detected.recall_at_noise_rate}
    return figures


def one_seed(dataset: ImageDataset, config: TrainConfig, rate: float) -> dict[str, Figures]:
    """All four settings with one seed."""
    display = PlainProgress()

    def run_of(name: str, **changes: Any) -> RunFolder:
        changed = replace(config, exp_prefix=f"{name}-{config.seed}", **changes)
        return train(changed, dataset=dataset, display=display)

    noisy = run_of("plain", rand_fraction=rate)
    learned = run_of("learned", rand_fraction=rate, learn_inst_parameters=True)
    checkpoint = learned.epoch_file(config.epochs)
    kept = run_of(
        "kept", rand_fraction=rate, dataset_subset_ckpt=str(checkpoint), subset_frac=1 - rate
    )
    clean = run_of("clean")
    results = (
        figures_of(noisy, by_margin(noisy)),
        figures_of(learned, by_parameter(learned)),
        figures_of(kept, None),
        figures_of(clean, None),
    )
    margins_of_learned = figures_of(learned, by_margin(learned))
    return dict(zip(SETTINGS, results, strict=True)) | {"margin, learned": margins_of_learned}


def main() -> None:
    """Run all seeds and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10", type=Path, default=Path("../shared/data/cifar10"))
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.4)
    parser.add_argument("--amp", default="bf16")
    arguments = parser.parse_args()
    dataset = first_samples(arguments.cifar10, arguments.samples)
    seeds = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            config = TrainConfig(
                output_dir=folder,
                learn_inst_parameters=False,
                epochs=arguments.epochs,
                amp=arguments.amp,
                seed=seed,
            )
            seeds.append(one_seed(dataset, config, arguments.rate))
    rows = []
    for setting in (*SETTINGS, "margin, learned"):
        figures = [result[setting] for result in seeds]
        row = [setting]
        for name in ("auroc", "recall", "accuracy", "seconds"):
            values = [figure[name] for figure in figures if name in figure]
            row.append(mean_and_spread(values, 0 if name == "seconds" else 3) if values else "")
        rows.append(row)
    rows[-1][0] = "(instance parameters, ranked by the area under the margin instead)"
    body = table(["setting", "AUROC", "recall at noise rate", "test accuracy", "seconds"], rows)
    kind = TrainConfig()
    body += (
        f"\n\nCIFAR-10, the first {arguments.samples} training samples, {arguments.rate:.0%} of "
        f"the labels swapped, {arguments.seeds} seeds, mean ± standard deviation, everything after "
        f"the last of {arguments.epochs} epochs (nothing is chosen by the test data). {kind.arch}, "
        f"batch {kind.batch_size}, SGD {kind.lr} ({kind.schedule}), momentum {kind.momentum}, "
        f"weight decay {kind.wd}, crops and mirror images, {arguments.amp}, instance learning rate "
        "auto. Without data parameters, samples are ranked by the area under the margin."
    )
    write_section("Detection and repair", body)


if __name__ == "__main__":
    main()
