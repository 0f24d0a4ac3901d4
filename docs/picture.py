"""Trains on scikit-learn's digits, 40 % of the labels swapped, and draws the README's picture.

uv run python docs/picture.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from dataparams.analysis import noise_of_run, rank
from dataparams.batches import load_dataset
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder

CLEAN, CORRUPTED, INK = "#3b7ea1", "#d1495b", "#333333"
SHOWN = 10


def draw(run: RunFolder, target: Path) -> None:
    """Histogram of the temperatures by truth, and the samples that are most suspicious."""
    plt.rcParams.update({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "dataparams"})
    samples = run.samples()
    epoch = run.epochs()[-1]
    values = run.epoch_record(epoch).instance_log_temperature.numpy()[samples["index"].to_numpy()]
    is_corrupted = samples["is_corrupted"].to_numpy()
    figure = plt.figure(figsize=(8, 4.2), layout="constrained")
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.4, 1])
    axes = upper.subplots()
    bins = np.linspace(values.min(), values.max(), 60)
    for truth, color, name in (
        (False, CLEAN, "label is right"),
        (True, CORRUPTED, "label was swapped"),
    ):
        axes.hist(values[is_corrupted == truth], bins, color=color, alpha=0.8, label=name)
    threshold = np.quantile(values, 1 - noise_of_run(run).rate)
    axes.axvline(threshold, color=INK, linestyle="--", linewidth=1)
    axes.annotate(
        "threshold, estimated\nwithout the truth",
        (threshold, axes.get_ylim()[1] * 0.72),
        xytext=(6, 0),
        textcoords="offset points",
        color=INK,
    )
    axes.set_xlabel(f"log temperature of a sample after {epoch} epochs")
    axes.set_ylabel("samples")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    images = load_dataset("digits", val_frac=0.2).train.images[:, 0].numpy()
    table = rank(run, epoch=epoch).table[:SHOWN]
    for cell, row in zip(lower.subplots(1, SHOWN), table.iter_rows(named=True), strict=True):
        cell.imshow(images[row["index"]], cmap="gray_r", interpolation="nearest")
        cell.set_title(f'labeled "{row["label_name"]}"', color=CORRUPTED, fontsize=8)
        cell.set_axis_off()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        trained = train(TrainConfig(output_dir=folder, val_frac=0.2, epochs=20, rand_fraction=0.4))
        draw(trained, Path(__file__).with_name("temperatures.svg"))
