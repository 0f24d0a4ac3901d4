"""Which score finds wrong labels: suspicion and its parts against cleanlab and aum, side by side.

Needs the group ``bench``: ``uv run --group bench python benchmarks/suspicion.py``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from aum import AUMCalculator
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.model_selection import StratifiedKFold

from dataparams.analysis import analyze
from dataparams.run.error_detection import detection_figures
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import PlainProgress
from dataparams.training import TrainConfig, train
from noise_settings import SETTINGS, NoiseSetting, load, logits_of, noise_flags, subset
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from dataparams.analysis import Analysis
    from dataparams.batches import ImageDataset

FOLDS = 5
SHORT = "suspicion, 4/5 of the epochs"
LOW_IS_BAD = ("area_under_margin", "confidence", "mean_probability_margin")
HIGH_IS_BAD = (
    "suspicion",
    "noise_probability",
    "final_temperature",
    "mean_temperature",
    "mean_loss",
    "last_loss",
    "variability",
    "forgetting_events",
    "first_learned_epoch",
    "error_norm",
)
FIRST = ("suspicion", SHORT, "aum (package)")
Scores = dict[str, np.ndarray]
Figures = dict[str, list[float]]


def own_scores(analysis: Analysis) -> Scores:
    """Every score of the analysis, turned so that high is bad."""
    frame = analysis.frame
    found = {name: frame[name].to_numpy().astype(float) for name in HIGH_IS_BAD}
    never = found["first_learned_epoch"] == 0
    found["first_learned_epoch"][never] = len(analysis.epochs) + 1
    return found | {name: -frame[name].to_numpy().astype(float) for name in LOW_IS_BAD}


def aum_score(run: RunFolder, folder: Path) -> np.ndarray:
    """Minus the area under the margin, by the package, from a training without data parameters.

    The package is fed each epoch's margins, as the logits (margin, 0) with label 0.
    """
    folder.mkdir(parents=True, exist_ok=True)
    calculator = AUMCalculator(str(folder), compressed=True)
    for epoch in run.epochs():
        margin = run.epoch_record(epoch).margin
        logits = torch.stack((margin, torch.zeros_like(margin)), dim=1)
        names = list(range(len(margin)))
        calculator.update(logits, torch.zeros(len(margin), dtype=torch.int64), names)
    calculator.finalize()
    lines = np.genfromtxt(folder / "aum_values.csv", delimiter=",", names=True)
    score = np.empty(len(lines))
    score[lines["sample_id"].astype(int)] = -lines["aum"]
    return score


def cross_validated(config: TrainConfig, dataset: ImageDataset, labels: np.ndarray) -> np.ndarray:
    """Out-of-sample probabilities of the same network by five trainings, (n, C)."""
    noisy = replace(dataset, train=dataset.train.with_labels(torch.from_numpy(labels)))
    probabilities = np.empty((len(labels), len(dataset.class_names)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=config.seed)
    for number, (taught, held_out) in enumerate(folds.split(labels, labels)):
        fold = replace(config, exp_prefix=f"{config.exp_prefix}-fold-{number}")
        run = train(fold, dataset=subset(noisy, taught))
        shown = replace(noisy, train=subset(noisy, held_out).train)
        probabilities[held_out] = logits_of(run, shown).softmax(dim=1).numpy()
    return probabilities


def compare(
    setting: NoiseSetting, dataset: ImageDataset, config: TrainConfig, folder: Path, samples: int
) -> dict[str, dict[str, float]]:
    """All scores of one setting with one seed."""
    noise = noise_flags(setting, folder, samples, config)
    name = name_of(setting, config.seed)
    plain = replace(config, epochs=setting.epochs, exp_prefix=name)
    learning = replace(plain, exp_prefix=f"{name}-learned", learn_inst_parameters=True, **noise)
    seconds = {}
    started = time.process_time()
    analysis = analyze(train(learning, dataset=dataset), dataset=dataset)
    seconds["suspicion"] = time.process_time() - started
    found = own_scores(analysis)
    started = time.process_time()
    found[SHORT] = short_suspicion(train(shortened(learning), dataset=dataset), dataset)
    seconds[SHORT] = time.process_time() - started
    started = time.process_time()
    unlearned = train(replace(plain, **noise), dataset=dataset)
    found["aum (package)"] = aum_score(unlearned, Path(config.output_dir) / f"aum-{name}")
    seconds["aum (package)"] = time.process_time() - started
    labels = analysis.frame["label"].to_numpy()
    started = time.process_time()
    probabilities = cross_validated(plain, dataset, labels)
    for method in ("self_confidence", "normalized_margin"):
        quality = get_label_quality_scores(labels, probabilities, method=method)
        found[f"cleanlab {method}"] = -quality
    seconds["cleanlab self_confidence"] = time.process_time() - started
    is_corrupted = analysis.frame["is_corrupted"].to_numpy()
    results = {
        name: detection(score, is_corrupted) | {"seconds": seconds.get(name, float("nan"))}
        for name, score in found.items()
    }
    flagged = find_label_issues(labels, probabilities)
    results["cleanlab find_label_issues"] = {
        "flagged": float(flagged.mean()),
        "precision": float(is_corrupted[flagged].mean()),
        "missed": float(1 - flagged[is_corrupted].mean()),
    }
    add_same_number(results, analysis)
    return results


def shortened(config: TrainConfig) -> TrainConfig:
    """The same training in four fifths of the epochs: a fifth of cross-validation's compute."""
    return replace(config, epochs=config.epochs * 4 // 5, exp_prefix=f"{config.exp_prefix}-short")


def short_suspicion(run: RunFolder, dataset: ImageDataset) -> np.ndarray:
    """Suspicion by the shorter training."""
    return analyze(run, dataset=dataset).frame["suspicion"].to_numpy()


def name_of(setting: NoiseSetting, seed: int) -> str:
    """A name that can be a folder's."""
    return setting.name.replace(" ", "-").replace("%", "") + f"-{seed}"


def add_same_number(results: dict[str, dict[str, float]], analysis: Analysis) -> None:
    """What suspicion misses when as many are flagged as cleanlab's filter flags."""
    flagged = results["cleanlab find_label_issues"]
    frame = analysis.frame.sort("suspicion", descending=True)
    found = frame["is_corrupted"].head(round(flagged["flagged"] * len(frame))).sum()
    flagged["missed by suspicion"] = 1 - int(found) / int(frame["is_corrupted"].sum())


def analyze_again(
    results: dict[str, dict[str, float]], run: RunFolder, dataset: ImageDataset
) -> dict[str, dict[str, float]]:
    """The figures of a run that was trained before, by the analysis as it is now."""
    analysis = analyze(run, dataset=dataset)
    is_corrupted = analysis.frame["is_corrupted"].to_numpy()
    for name, score in own_scores(analysis).items():
        results[name] |= detection(score, is_corrupted)
    short = RunFolder(run.path.with_name(f"{run.path.name}-short"))
    results[SHORT] |= detection(short_suspicion(short, dataset), is_corrupted)
    add_same_number(results, analysis)
    return results


def detection(score: np.ndarray, is_corrupted: np.ndarray) -> dict[str, float]:
    """AUROC, average precision, and the share missed at the noise rate."""
    figures = detection_figures(score, is_corrupted)
    assert figures is not None
    return {
        "auroc": figures.auroc,
        "ap": figures.average_precision,
        "missed": 1 - figures.recall_at_noise_rate,
    }


def gather(results: list[dict[str, dict[str, float]]], score: str, figure: str) -> list[float]:
    """One figure of one score over the seeds."""
    return [result[score][figure] for result in results]


def mean_seconds(by_setting: dict[str, list[dict[str, dict[str, float]]]], name: str) -> float:
    """Mean wall time of a score over all settings and seeds."""
    return float(np.mean([one[name]["seconds"] for many in by_setting.values() for one in many]))


def detection_table(by_setting: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    """A row per score, and per setting AUROC / average precision / share missed."""
    first = next(iter(by_setting.values()))[0]
    names = [name for name in first if "auroc" in first[name]]
    names.sort(
        key=lambda name: (
            FIRST.index(name) if name in FIRST else 2 if name.startswith("cleanlab") else 3
        )
    )
    rows = []
    for name in names:
        row = [name]
        for results in by_setting.values():
            auroc, precision, missed = (
                mean_and_spread(gather(results, name, figure))
                for figure in ("auroc", "ap", "missed")
            )
            row.append(f"{auroc} / {precision} / {missed}")
        rows.append(row)
    header = [f"{name} (seeds: {len(results)})" for name, results in by_setting.items()]
    return table(["score", *header], rows)


def flagged_table(by_setting: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    """What cleanlab's filter flags, and what suspicion finds among as many."""
    rows = []
    for name, results in by_setting.items():
        means = [
            np.mean(gather(results, "cleanlab find_label_issues", figure))
            for figure in ("flagged", "precision", "missed", "missed by suspicion")
        ]
        rows.append([name, *(f"{value:.3f}" for value in means)])
    header = ["setting", "share flagged", "precision", "missed", "suspicion misses of as many"]
    return table(header, rows)


def main() -> None:
    """Run all settings and seeds, keeping what is done, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=Path("weights_CL/suspicion"))
    parser.add_argument(
        "--analyze-again", action="store_true", help="analyze the runs that were trained before"
    )
    parser.add_argument("--only-write", action="store_true", help="write what is done already")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    display = PlainProgress()
    by_setting = defaultdict(list)
    for seed in range(arguments.seeds):
        for setting in SETTINGS:
            done = arguments.scratch / f"{setting.name.replace(' ', '-')}-{seed}.json"
            if not done.exists() and not arguments.only_write:
                dataset = load(setting.data, arguments.data, arguments.samples)
                config = TrainConfig(
                    output_dir=str(arguments.scratch),
                    learn_inst_parameters=False,
                    amp="bf16",
                    seed=seed,
                    restart=True,
                )
                found = compare(setting, dataset, config, arguments.data, arguments.samples)
                done.write_text(json.dumps(found), encoding="utf-8")
                display.line(f"{setting.name}, seed {seed}: {found['suspicion']}")
            elif done.exists() and arguments.analyze_again:
                dataset = load(setting.data, arguments.data, arguments.samples)
                name = f"{name_of(setting, seed)}-learned"
                run = RunFolder(arguments.scratch / setting.data / name)
                found = json.loads(done.read_text(encoding="utf-8"))
                done.write_text(json.dumps(analyze_again(found, run, dataset)), encoding="utf-8")
            if done.exists():
                by_setting[setting.name].append(json.loads(done.read_text(encoding="utf-8")))
    costs = [
        f"{name} {mean_seconds(by_setting, name):.0f} s"
        for name in (*FIRST, "cleanlab self_confidence")
    ]
    body = (
        f"AUROC / average precision / share of the wrong labels missed when as many samples are "
        f"flagged as there are wrong ones; mean ± standard deviation where there are several "
        "seeds.\n\n"
        f"{detection_table(by_setting)}\n\n"
        f"CIFAR-10: the first {arguments.samples} training samples, 20 epochs; caltech20: 1,657 "
        "photographs at 64 x 64, 30 epochs. small-cnn, batch 128, SGD 0.1 (cosine), bf16, the same "
        "settings for all. Ours: one training with instance parameters (rate auto) and one look "
        "through the trained model. aum: one training without. cleanlab: probabilities from "
        f"{FOLDS} trainings on {FOLDS - 1}/{FOLDS} of the data. CPU time of all threads on "
        f"average: {', '.join(costs)}.\n\n"
        "Image-dependent: 30 % of the labels become the wrong class that a network trained on "
        "other images finds likeliest.\n\n"
        f"cleanlab's `find_label_issues`, which decides itself how many to flag:\n\n"
        f"{flagged_table(by_setting)}"
    )
    write_section("Finding wrong labels", body)


if __name__ == "__main__":
    main()
