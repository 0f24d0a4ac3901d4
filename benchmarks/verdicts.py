"""Whether verdicts can be believed: clean data, noise estimate, piles, confidence of suggestions.

Nothing here was tuned: the constants of the analysis were chosen on other seeds (10 to 12).
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from sklearn import datasets as examples
from torch import nn

from dataparams import DataParameters
from dataparams.analysis import analyze, analyze_trajectories
from dataparams.analysis.result import CATEGORIES
from dataparams.analysis.suggestions import is_suggestion
from dataparams.batches import ImageDataset, load_dataset
from dataparams.batches.labeled_images import LabeledImages
from dataparams.method.learning_rate import instance_learning_rate
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import PlainProgress
from dataparams.training import TrainConfig, train
from noise_settings import subset
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis import Analysis

RATES = (0.0, 0.05, 0.1, 0.2, 0.4)
BINS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
DIGITS = examples.load_digits()
CIFAR_SAMPLES = 5_000


@dataclass(frozen=True)
class CleanSet:
    """A data set without a wrong label: of digits (with sizes), a table, or generated classes."""

    name: str
    digits: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    table: str = ""
    separation: float = 0.0
    epochs: int = 30


CLEAN = (
    CleanSet("digits 0, 1", (0, 1), (170, 170)),
    CleanSet("digits 0, 1, 10 epochs", (0, 1), (170, 170), epochs=10),
    CleanSet("digits 3, 8", (3, 8), (170, 170)),
    CleanSet("digits 0, 7, 1", (0, 7, 1), (170, 2, 150)),
    CleanSet("digits 1, 7", (1, 7), (175, 60)),
    CleanSet("digits 0 to 9", tuple(range(10)), (200,) * 10),
    CleanSet("digits 0 to 9, few", tuple(range(10)), (30,) * 10),
    CleanSet("wine", table="wine"),
    CleanSet("breast cancer", table="breast_cancer"),
    CleanSet("generated, 2 classes", sizes=(990, 10), separation=6),
    CleanSet("generated, 3 classes", sizes=(300,) * 3, separation=6),
    CleanSet("generated, 5 classes", sizes=(1000, 500, 100, 50, 20), separation=7),
    CleanSet(
        "generated, 10 classes",
        sizes=(1000, 600, 400, 250, 150, 100, 60, 40, 25, 12),
        separation=8,
    ),
    CleanSet("generated, 20 classes", sizes=(60,) * 20, separation=8),
)


def digits_of(clean: CleanSet, seed: int) -> ImageDataset:
    """Some digits, a tenth of each class for validation."""
    rng = np.random.default_rng(seed)
    train_rows, val_rows, labels = [], [], []
    for number, (digit, size) in enumerate(zip(clean.digits, clean.sizes, strict=True)):
        rows = rng.permutation(np.flatnonzero(DIGITS.target == digit))[:size]
        held = round(0.1 * len(rows))
        train_rows.append(rows[held:])
        val_rows.append(rows[:held])
        labels.append(number)
    parts = [
        _images(np.concatenate(rows), np.repeat(labels, [len(part) for part in rows]), name)
        for rows, name in ((train_rows, "train"), (val_rows, "val"))
    ]
    names = tuple(map(str, clean.digits))
    return ImageDataset(clean.name.replace(" ", "-"), parts[0], parts[1], names, "0" * 64)


def _images(rows: NDArray[np.int64], labels: NDArray[np.int64], split: str) -> LabeledImages:
    pixels = torch.from_numpy((DIGITS.images[rows] * 255 / 16).astype(np.uint8)[:, None])
    ids = tuple(f"{split}/{row}" for row in rows)
    return LabeledImages(pixels, torch.from_numpy(labels), ids, torch.arange(len(rows)), len(rows))


def rows_of(clean: CleanSet, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features and labels of a table, or of generated classes."""
    if clean.table:
        bunch = getattr(examples, f"load_{clean.table}")()
        return bunch.data, bunch.target
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(clean.sizes), 20))
    centers *= clean.separation / np.linalg.norm(centers, axis=1, keepdims=True)
    labels = np.repeat(np.arange(len(clean.sizes)), clean.sizes)
    return centers[labels] + rng.normal(size=(len(labels), 20)), labels


def learned(features: NDArray[np.float64], labels: NDArray[np.int64], seed: int) -> Analysis:
    """The analysis of a loop of one's own: a network of one hidden layer, 30 epochs."""
    torch.manual_seed(seed)
    count, epochs, batch = len(labels), 30, 64
    x = torch.from_numpy((features - features.mean(0)) / features.std(0)).float()
    y = torch.from_numpy(labels).long()
    classes = int(y.max()) + 1
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=5e-4)
    dp = DataParameters(count, classes, lr_inst=instance_learning_rate(epochs, batch))
    recorded: dict[str, list[torch.Tensor]] = {"margin": [], "loss": [], "rival": []}
    temperatures = []
    for _ in range(epochs):
        seen = {name: torch.zeros(count) for name in recorded}
        for index in torch.split(torch.randperm(count), batch):
            logits = model(x[index])
            loss = dp(logits, y[index], index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            dp.step()
            logits = logits.detach()
            own = logits.gather(1, y[index, None])
            rival = logits.scatter(1, y[index, None], -torch.inf).max(dim=1)
            seen["margin"][index] = own.squeeze(1) - rival.values
            seen["rival"][index] = rival.indices.float()
            seen["loss"][index] = nn.functional.cross_entropy(logits, y[index], reduction="none")
        temperatures.append(dp.instance_parameters.log())
        for name, values in seen.items():
            recorded[name].append(values)
    margin, loss, rival = (torch.stack(recorded[name]).numpy() for name in recorded)
    return analyze_trajectories(
        torch.stack(temperatures).numpy(), labels, margin=margin, loss=loss, rival=rival.astype(int)
    )


def finished(config: TrainConfig, dataset: ImageDataset) -> RunFolder:
    """A training to its end; one that an earlier call finished is not done again."""
    run = RunFolder(Path(config.output_dir) / dataset.name / config.exp_prefix)
    if run.exists() and run.description()["status"] == "finished":
        return run
    return train(replace(config, restart=True), dataset=dataset, display=PlainProgress())


def of_clean(clean: CleanSet, seed: int, config: TrainConfig) -> Analysis:
    """The analysis of a clean set."""
    if not clean.digits:
        return learned(*rows_of(clean, seed), seed)
    dataset = digits_of(clean, seed)
    chosen = replace(config, epochs=clean.epochs, seed=seed, exp_prefix=f"seed-{seed}")
    return analyze(finished(chosen, dataset), dataset=dataset)


def of_noise(
    data: str, noise: str, rate: float, seed: int, folder: Path, config: TrainConfig
) -> Analysis:
    """The analysis of a data set, a share of whose labels was made wrong."""
    if data == "digits":
        dataset = load_dataset("digits", seed=seed)
    elif data == "caltech20":
        dataset = load_dataset(str(folder / data), image_size=32, seed=seed)
    else:
        whole = load_dataset(str(folder / data))
        first = CIFAR_SAMPLES * seed
        dataset = subset(whole, np.arange(first, first + CIFAR_SAMPLES))
    chosen = replace(
        config,
        epochs=20 if data == "cifar10" else 30,
        amp="no" if data == "digits" else "bf16",
        seed=seed,
        noise=noise,
        rand_fraction=rate,
        exp_prefix=f"{noise}-{rate:g}-seed-{seed}",
    )
    return analyze(finished(chosen, dataset), dataset=dataset)


def clean_rows(seeds: Sequence[int], config: TrainConfig) -> list[list[str]]:
    """A row per clean set: the highest estimate, and shares of hard and need review."""
    rows = []
    for clean in CLEAN:
        found = [of_clean(clean, seed, config) for seed in seeds]
        frames = [analysis.frame for analysis in found]
        shares = {
            name: max(share_of(frame["category"] == name) for frame in frames)
            for name in ("hard", "review")
        }
        rows.append(
            [
                clean.name,
                str(len(frames[0])),
                f"{max(analysis.noise.rate for analysis in found):.1%}",
                f"{max(analysis.noise.high for analysis in found):.1%}",
                f"{shares['hard']:.1%}",
                f"{shares['review']:.1%}",
            ]
        )
    return rows


def noise_row(data: str, noise: str, rate: float, found: Sequence[Analysis]) -> list[str]:
    """The truth beside the estimates, a figure per seed."""
    truths = [share_of(truth_of(analysis)) for analysis in found]
    estimates = [analysis.noise for analysis in found]
    inside = sum(
        noise.low <= truth <= noise.high for noise, truth in zip(estimates, truths, strict=True)
    )
    return [
        f"{data} {noise} {rate:.0%}",
        ", ".join(f"{truth:.1%}" for truth in truths),
        ", ".join(f"{one.rate:.1%} ({one.low:.1%} to {one.high:.1%})" for one in estimates),
        f"{inside} of {len(found)}",
    ]


def share_of(values: pl.Series) -> float:
    """The mean of some numbers, or how many of some are true."""
    return float(values.to_numpy().mean())


def truth_of(analysis: Analysis) -> pl.Series:
    """Whether each label is wrong."""
    if "is_corrupted" in analysis.frame.columns:
        return analysis.frame["is_corrupted"]
    return pl.Series("is_corrupted", [False] * len(analysis.frame))


def pile_row(name: str, found: Sequence[Analysis]) -> list[str]:
    """What the categories hold, over the seeds together."""
    frames = [analysis.frame.select("category", is_wrong=truth_of(analysis)) for analysis in found]
    whole = pl.concat(frames)
    wrong = {category: whole.filter(category=category)["is_wrong"] for category in CATEGORIES}
    shares = " / ".join(f"{len(wrong[category]) / len(whole):.2f}" for category in CATEGORIES)
    return [
        name,
        f"{1 - share_of(wrong['easy']):.3f}" if len(wrong["easy"]) else "",
        f"{share_of(wrong['hard']):.3f}" if len(wrong["hard"]) else "",
        shares,
    ]


def write_piles(rows: list[list[str]]) -> None:
    """Put the categories into RESULTS.md."""
    header = ["setting", "right labels among easy", "wrong ones among hard", "easy / hard / review"]
    write_section(
        "What the piles hold",
        f"{table(header, rows)}\n\nThe runs of the noise estimate, all seeds together, and the "
        "others of the reliability of suggestions.",
    )


def suggestions_of(data: str, analysis: Analysis) -> pl.DataFrame:
    """What is suggested: its confidence, and whether it is right."""
    frame = analysis.frame
    if "true_label" not in frame.columns:
        frame = frame.with_columns(true_label="label")
    return frame.filter(is_suggestion()).select(
        pl.lit(data).alias("data"),
        pl.col("suggested_confidence").cast(pl.Float64).alias("confidence"),
        (pl.col("suggested_label") == pl.col("true_label")).alias("is_right"),
    )


def reliability_rows(suggested: pl.DataFrame) -> tuple[list[list[str]], float]:
    """A row per bin of confidence, and the mean gap."""
    rows, gaps = [], []
    for low, high in itertools.pairwise(BINS):
        chosen = suggested.filter(pl.col("confidence").is_between(low, high, closed="right"))
        if not len(chosen):
            continue
        confidence, right = (share_of(chosen[name]) for name in ("confidence", "is_right"))
        gaps.append(abs(confidence - right))
        of_data = [
            f"{share_of(part['is_right']):.0%} of {len(part)}" if len(part) else ""
            for part in (chosen.filter(data=name) for name in ("digits", "caltech20", "cifar10"))
        ]
        rows.append(
            [
                f"{low:.0%} to {high:.0%}",
                str(len(chosen)),
                f"{confidence:.1%}",
                f"{right:.1%}",
                f"{100 * (confidence - right):+.1f}",
                *of_data,
            ]
        )
    return rows, statistics.mean(gaps)


def write_clean(rows: list[list[str]], seeds: Sequence[int]) -> None:
    """Put the clean sets into RESULTS.md."""
    header = ["data", "samples", "noise, estimated", "its interval's upper end", "hard", "review"]
    write_section(
        "Clean data",
        f"{table(header, rows)}\n\nEvery label is right; the highest of {len(seeds)} seeds. "
        "Digits: small-cnn, default settings. The others: a network of one hidden layer in a loop "
        "of its own, read by `analyze_trajectories`. Generated: normal distributions in 20 "
        "dimensions; "
        f"sizes of classes: {'; '.join(sizes_of(clean) for clean in CLEAN if clean.separation)}.",
    )


def sizes_of(clean: CleanSet) -> str:
    """The sizes of the classes, in words."""
    if len(set(clean.sizes)) == 1:
        return f"{len(clean.sizes)} of {clean.sizes[0]}"
    return ", ".join(map(str, clean.sizes))


def write_noise(rows: list[list[str]], found: Sequence[Analysis]) -> None:
    """Put the noise estimates into RESULTS.md."""
    errors = [abs(one.noise.rate - share_of(truth_of(one))) for one in found]
    inside = [one.noise.low <= share_of(truth_of(one)) <= one.noise.high for one in found]
    header = ["setting", "wrong in truth", "estimated (90 % interval)", "truth inside"]
    write_section(
        "The noise estimate",
        f"{table(header, rows)}\n\nMean error {100 * statistics.mean(errors):.1f} points, largest "
        f"{100 * max(errors):.1f}; the truth lies inside {sum(inside)} of {len(inside)} intervals. "
        "A figure per seed. small-cnn, 30 epochs; caltech20 at 32 x 32, bf16. `analyze`, `rank "
        "--threshold auto` and the report show the same number.",
    )


def write_reliability(suggested: pl.DataFrame, settings: str) -> None:
    """Put the reliability of suggestions into RESULTS.md."""
    rows, gap = reliability_rows(suggested)
    header = ["confidence", "suggestions", "its mean", "right", "gap in points"]
    write_section(
        "How reliable suggested labels are",
        f"{table([*header, 'digits', 'caltech20', 'cifar10'], rows)}\n\nMean gap "
        f"{100 * gap:.1f} points, over {len(suggested)} suggestions (the likeliest class is "
        f"another one than the given). {settings}",
    )


def main() -> None:
    """Train what is missing, analyze all, write four sections."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--output-dir", default="weights_CL/verdicts")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    config, seeds = TrainConfig(output_dir=arguments.output_dir), arguments.seeds
    write_clean(clean_rows(seeds, config), seeds)
    rows, found, suggested, piles = [], [], [], []
    for data in ("digits", "caltech20"):
        for rate in RATES:
            several = [of_noise(data, "swap", rate, s, arguments.data, config) for s in seeds]
            rows.append(noise_row(data, "swap", rate, several))
            piles.append(pile_row(f"{data} swap {rate:.0%}", several))
            found += several
            suggested += [suggestions_of(data, analysis) for analysis in several]
    write_noise(rows, found)
    for data, noise, rate in (
        ("digits", "pairflip", 0.3),
        ("caltech20", "pairflip", 0.3),
        ("cifar10", "swap", 0.0),
        ("cifar10", "swap", 0.2),
        ("cifar10", "swap", 0.4),
        ("cifar10", "symmetric", 0.2),
        ("cifar10", "pairflip", 0.3),
    ):
        analysis = of_noise(data, noise, rate, seeds[0], arguments.data, config)
        piles.append(pile_row(f"{data} {noise} {rate:.0%}", [analysis]))
        suggested.append(suggestions_of(data, analysis))
    write_piles(piles)
    write_reliability(
        pl.concat(suggested),
        "From the runs of the noise estimate, and of seed 0: pairflip 30 % on both; cifar10 "
        f"({CIFAR_SAMPLES} samples, 20 epochs, bf16) without noise, swap 20 and 40 %, symmetric "
        "20 %, pairflip 30 %.",
    )


if __name__ == "__main__":
    main()
