"""How often the interval of ``find_issues``, from predictions alone, holds the true share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audit_data import noisy_labels
from dataparams import find_issues
from find_issues import MODELS, data_of, inputs_of, probabilities
from results import table, write_section

SETS = ("wine", "cancer", "digits")
NOISES = (
    ("swap", 0.05),
    ("swap", 0.15),
    ("swap", 0.4),
    ("symmetric", 0.2),
    ("pairflip", 0.3),
    ("image-dependent", 0.2),
)
WORDS = (
    "Probabilities of scikit-learn's logistic regression and of 20 nearest neighbors in five "
    "folds, and nothing else. Swapped labels are often swapped for the same, so fewer are wrong. "
    "Image-dependent: wrong labels lie where classes look alike, by a model of the clean labels."
)


@dataclass(frozen=True)
class Trial:
    """What was said of the labels of one data set, and what is true."""

    noise: str
    truth: float
    rate: float
    low: float
    high: float
    disputed: float


def trials(name: str, seeds: list[int], data: Path) -> list[Trial]:
    """All noises, seeds and models of a data set."""
    folders = (data, Path(), Path())
    features = data_of(name, folders)
    inputs = inputs_of(name, features)
    by_clean = probabilities(MODELS[0], name, inputs, features.labels, 1000)
    found = []
    for noise, rate in NOISES:
        for seed in seeds:
            labels = np.array(noisy_labels(features, noise, rate, seed, by_clean))
            truth = float((labels != features.labels).mean())
            for model in MODELS[:2]:
                said = probabilities(model, name, inputs, labels, seed)
                analysis = find_issues(labels, said).analysis
                told, disputed = analysis.noise, analysis.findings.disputed
                words = f"{noise} {rate:.0%}"
                found.append(Trial(words, truth, told.rate, told.low, told.high, disputed or 0.0))
    return found


def row(name: str, found: list[Trial]) -> list[str]:
    """A line of the table, of several trials."""

    def mean(values: list[float]) -> str:
        return f"{np.mean(values):.1%}"

    return [
        name,
        f"{sum(one.low <= one.truth <= one.high for one in found)} of {len(found)}",
        str(sum(one.truth > one.high for one in found)),
        mean([one.truth for one in found]),
        mean([one.rate for one in found]),
        mean([one.high - one.low for one in found]),
        mean([one.disputed for one in found]),
    ]


def main() -> None:
    """Measure, print, and keep the table in RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [one for name in options.sets for one in trials(name, options.seeds, options.data)]
    by_noise: dict[str, list[Trial]] = {}
    for one in found:
        by_noise.setdefault(one.noise, []).append(one)
    others = [one for one in found if not one.noise.startswith("image-dependent")]
    rows = [row(noise, some) for noise, some in by_noise.items()]
    rows += [row("all but image-dependent", others), row("all", found)]
    header = ["noise", "covered", "truth above", "truth", "estimate", "width", "disputed"]
    seeds = ", ".join(map(str, options.seeds))
    told = f"{', '.join(options.sets)}; seeds {seeds}; means over them and both models."
    body = f"{told}\n\n{table(header, rows)}\n\n{WORDS}"
    write_section("The interval of find_issues from predictions alone", body)


if __name__ == "__main__":
    main()
