"""How long analysis and pictures take at scale, and how much memory, on generated runs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from dataparams.analysis import analyze, analyze_trajectories, write_analysis
from dataparams.contents.images import PixelImage
from dataparams.figures import draw_grid, draw_tsne, embed
from dataparams.report import write_report
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.contents.content import Content, UnreadableContentError

CLASS_SIZE, CLASS_EPOCHS = 1300, 100
REPORT_CLASSES, REPORT_CLASS_SIZE, REPORT_PILE = (10, 100), 300, 100


class Photographs:
    """Generated pictures of 160 x 160 pixels."""

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        """A picture per id."""
        seeds = [int(name.rpartition("/")[2]) for name in ids]
        return [
            PixelImage(np.random.default_rng(seed).integers(0, 255, (160, 160, 3), dtype=np.uint8))
            for seed in seeds
        ]


def generate(folder: Path, instances: int, epochs: int, classes: int) -> None:
    """A run in which a tenth of the samples is never learned."""
    rng = np.random.default_rng(0)
    run = RunFolder(folder)
    labels = rng.integers(0, classes, instances)
    names = [f"class {number}" for number in range(classes)]
    run.write_description(
        {"dataset": "generated", "class_names": names, "config": {"init_inst_param": 1.0}}
    )
    run.write_samples(
        pl.DataFrame(
            {
                "index": np.arange(instances),
                "id": pl.select(pl.format("train/{}", pl.int_range(instances))).to_series(),
                "label": labels,
            }
        )
    )
    is_hard = rng.random(instances) < 0.1
    log_temperature = np.zeros(instances, dtype=np.float32)
    other = ((labels + rng.integers(1, classes, instances)) % classes).astype(np.int32)
    for epoch in range(1, epochs + 1):
        log_temperature += np.where(is_hard, 0.02, -0.02) + rng.normal(0, 0.02, instances)
        certainty = np.where(is_hard, -2, 4 * min(2 * epoch / epochs, 1))
        margin = (certainty + rng.normal(0, 1, instances)).astype(np.float32)
        chance = 1 / (1 + np.exp(-margin))
        rival = np.where(rng.random(instances) < 0.7, other, (labels + epoch) % classes)
        rival = np.where(rival == labels, other, rival).astype(np.int32)
        run.write_epoch_record(
            EpochRecord(
                epoch=epoch,
                class_log_temperature=torch.empty(0),
                instance_log_temperature=torch.from_numpy(log_temperature.astype(np.float32)),
                margin=torch.from_numpy(margin),
                loss=torch.from_numpy(-np.log(chance).astype(np.float32)),
                error_norm=torch.from_numpy(((1 - chance) * np.sqrt(2)).astype(np.float32)),
                rival=torch.from_numpy(rival),
                predicted=torch.from_numpy(np.where(margin >= 0, labels, rival).astype(np.int32)),
                correct=torch.from_numpy(margin >= 0),
            )
        )


def alone(what: str, folder: Path) -> dict[str, float]:
    """Seconds and peak memory of ``--analyze`` or ``--report``, in a process of its own."""
    command = [sys.executable, __file__, what, str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


def analyzed(folder: Path) -> None:
    """Analyze and print what it took."""
    started = time.perf_counter()
    run = RunFolder(folder)
    write_analysis(run, analyze(run, use_model=False))
    tell(time.perf_counter() - started)


def reported(folder: Path) -> None:
    """Write the report and print what it took."""
    run = RunFolder(folder)
    analysis = replace(analyze(run, use_model=False), contents=Photographs())
    started = time.perf_counter()
    write_report(analysis, run.report, embed=embed, pile_limit=REPORT_PILE)
    tell(time.perf_counter() - started)


def tell(seconds: float) -> None:
    """Print seconds and the peak memory of this process, for the one that measures."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sys.stdout.write(json.dumps({"seconds": seconds, "gigabytes": peak}) + "\n")


def reports() -> list[list[str]]:
    """Seconds and peak memory of reports of few and of many classes."""
    rows = []
    for classes in REPORT_CLASSES:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), classes * REPORT_CLASS_SIZE, 30, classes)
            took = alone("--report", Path(folder))
        row = f"report of {classes} classes x {REPORT_CLASS_SIZE} samples"
        rows.append([row, f"{took['seconds']:.1f} s, {took['gigabytes']:.2f} GB"])
    return rows


def one_class() -> list[list[str]]:
    """Seconds of the pictures of a class, and of the t-SNE against scikit-learn's."""
    from sklearn.manifold import TSNE

    rng = np.random.default_rng(0)
    drift = np.where(rng.random(CLASS_SIZE) < 0.1, 0.03, -0.02)
    steps = drift + rng.normal(0, 0.03, (CLASS_EPOCHS, CLASS_SIZE))
    trajectories = np.cumsum(steps, axis=0).astype(np.float32)
    labels = np.zeros(CLASS_SIZE, dtype=np.int64)
    analysis = analyze_trajectories(
        trajectories, labels, class_names=["one"], contents=Photographs()
    )
    draw_grid(analysis, 0).png()
    ours, theirs = [], []
    for _ in range(3):
        ours.append(seconds_of(lambda: embed(trajectories)))
        theirs.append(seconds_of(lambda: TSNE(n_jobs=-1).fit_transform(trajectories.T)))
    return [
        ["grid and map of a class", f"{pictures_seconds(analysis):.2f} s"],
        ["t-SNE by openTSNE, as used", f"{median(ours):.2f} s"],
        ["t-SNE by scikit-learn's `TSNE()`", f"{median(theirs):.2f} s"],
    ]


def pictures_seconds(analysis: object) -> float:
    """Median seconds of drawing a class."""
    return median(
        seconds_of(lambda: (draw_grid(analysis, 0).png(150), draw_tsne(analysis, 0).png(150)))  # type: ignore[arg-type]
        for _ in range(3)
    )


def seconds_of(action: object) -> float:
    """Seconds that something takes."""
    started = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_280_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--analyze", type=Path, help="analyze this run and print what it took")
    parser.add_argument("--report", type=Path, help="write its report and print what it took")
    arguments = parser.parse_args()
    if arguments.analyze is not None:
        analyzed(arguments.analyze)
        return
    if arguments.report is not None:
        reported(arguments.report)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), arguments.instances, arguments.epochs, arguments.classes)
        whole = alone("--analyze", Path(folder))
    size = f"{arguments.instances:,} samples x {arguments.epochs} epochs x {arguments.classes}"
    rows = [
        [f"analyze {size} classes", f"{whole['seconds']:.1f} s, {whole['gigabytes']:.2f} GB"],
        *one_class(),
        *reports(),
    ]
    body = table(["what", "time, memory"], rows) + (
        "\n\nGenerated runs; analysis from the run folder on disk, trajectories alone (there is no "
        "model), in a process of its own; memory is its peak resident size, with imports and with "
        "the parts of the run's files that are mapped. Pictures and t-SNE of a class "
        f"of {CLASS_SIZE} samples x {CLASS_EPOCHS} epochs, median of 3; the pictures have "
        f"160 x 160 pixels. Reports of 30 epochs, with {REPORT_PILE} samples a pile at most."
    )
    write_section("Analysis at scale", body)


if __name__ == "__main__":
    main()
