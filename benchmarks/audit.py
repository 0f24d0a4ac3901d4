"""The audit's ranking beside its rivals', on the same features, with wrong labels that are known.

Defaults were chosen on seeds of 100 and above; none of them on Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import inspect
import json
import multiprocessing
import os
import statistics
import time
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import average_precision_score

from audit_data import NOISES, Cell, feature_set, noisy_labels
from audit_rivals import (
    AreaUnderMargin,
    by_cleanlab,
    by_neighbors,
    prepared,
    tuned_logistic_regression,
)
from dataparams.training import (
    cross_fitting,
    cross_fitting_settings,
    head_networks,
    heads,
    label_odds,
    neighbors,
    plain_voice,
)
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Figures = dict[str, tuple[float, float]]

MEASURED = (
    cross_fitting,
    cross_fitting_settings,
    head_networks,
    heads,
    label_odds,
    neighbors,
    plain_voice,
)
SETS = ("caltech20", "cifar10", "banking77", "fashion-mnist")
CHOSEN_ON = SETS[:3]
WHOLE = "**audit**"
RIVALS = (
    "log. regression, self-confidence",
    "log. regression, margin",
    "find_label_issues, then self-confidence",
    "kNN 20",
    "AUM",
)
PARTS = ("heads without data parameters", "heads with data parameters")
METHODS = (*RIVALS, *PARTS, WHOLE)
AT_FLAGS = "audit, as many flagged"

PAIRED = (
    "Paired differences, mean and 90 % interval over settings and seeds (above 0 is better for "
    "average precision, below 0 for what is missed):"
)
MADE_HOW = (
    "All on the same features: EfficientNet-Lite0 (caltech20 at 224 px; the first 10,000 "
    "of CIFAR-10 and the 10,000 test images of Fashion-MNIST at 128 px), mean word "
    "embeddings of wordllama for banking77; centered, of norm 10. Logistic regression in "
    "five folds, C by the log loss of the given labels in folds left out (of data sets "
    "above 3,000 samples the first fold), scored by cleanlab. AUM: of the heads without "
    "data parameters, all epochs. Heads: one round, without neighbors. Settings were "
    "chosen on other seeds, and none of them on Fashion-MNIST."
)


@cache
def program() -> str:
    """A word that changes with what is measured, so that no figures of another program are read."""
    sources = [Path(inspect.getfile(each)) for each in MEASURED]
    sources += sorted(Path(__file__).parent.glob("audit*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def file_of(cell: Cell) -> Path:
    """Where the figures of a cell are kept."""
    return cell.folders[2] / program() / f"{cell.name}.json"


def measured(cell: Cell) -> dict[str, Any]:
    """Figures of all methods in one cell; those measured before with the same program are read."""
    if file_of(cell).exists():
        found: dict[str, Any] = json.loads(file_of(cell).read_text(encoding="utf-8"))
        return found
    torch.set_num_threads(1)
    data = feature_set(cell.data, *cell.folders)
    features, classes = prepared(data.features), data.num_classes
    by_clean = _cached_clean(cell, features, data.labels, classes)
    labels = noisy_labels(data, cell.noise, cell.rate, cell.seed, by_clean)
    started = time.perf_counter()
    probabilities, strength = tuned_logistic_regression(features, labels, classes, cell.seed)
    seconds_of_rival = time.perf_counter() - started
    suspicions, flagged = by_cleanlab(labels, probabilities)
    suspicions["kNN 20"] = by_neighbors(data.features, labels, classes)
    suspicions |= _of_plain_heads(data.features, labels, classes, cell.seed)
    started = time.perf_counter()
    fit = cross_fit(data.features, labels, classes, seed=cell.seed)
    seconds = time.perf_counter() - started
    suspicions[PARTS[1]] = 1 - fit.rounds[0].probability
    suspicions[WHOLE] = 1 - fit.support
    is_wrong = labels != data.labels
    figures: dict[str, Any] = {
        "strength": strength,
        "seconds": seconds,
        "seconds_of_rival": seconds_of_rival,
        "flagged": float(flagged.mean()),
        "doubtful": float(1 - fit.rounds[-1].is_kept.mean()),
    }
    if is_wrong.any():
        figures["of"] = {name: detected(each, is_wrong) for name, each in suspicions.items()}
        figures["at_flags"] = {
            "find_label_issues": precision_and_recall(flagged, is_wrong),
            AT_FLAGS: precision_and_recall(first(suspicions[WHOLE], flagged.sum()), is_wrong),
        }
    file_of(cell).parent.mkdir(parents=True, exist_ok=True)
    file_of(cell).write_text(json.dumps(figures), encoding="utf-8")
    return figures


def _of_plain_heads(
    features: NDArray[np.float16], labels: NDArray[np.int64], classes: int, seed: int
) -> dict[str, NDArray[np.floating]]:
    """One round of heads without data parameters, and the area under their margin."""
    usual = CrossFittingSettings()
    plain = replace(usual, heads=replace(usual.heads, pull=0.0), rounds=1, plain_power=0.0)
    area = AreaUnderMargin(labels)
    fit = cross_fit(features, labels, classes, plain, seed=seed, on_batch=area.on_batch)
    return {PARTS[0]: 1 - fit.rounds[0].probability, "AUM": area.suspicion()}


def _cached_clean(
    cell: Cell, features: NDArray[np.float32], labels: NDArray[np.int64], classes: int
) -> NDArray[np.floating]:
    """Held-out probabilities by a logistic regression on the clean labels."""
    file = cell.folders[2] / f"{cell.data}-clean.npy"
    if not file.exists():
        found, _ = tuned_logistic_regression(features, labels, classes, seed=1000)
        part = file.with_suffix(f".{os.getpid()}.npy")
        np.save(part, found.astype(np.float32))
        part.replace(file)
    clean: NDArray[np.floating] = np.load(file)
    return clean


def first(suspicion: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    """The most suspicious samples, so many."""
    chosen = np.zeros(len(suspicion), dtype=bool)
    chosen[np.argsort(-suspicion, kind="stable")[:count]] = True
    return chosen


def detected(suspicion: NDArray[np.floating], is_wrong: NDArray[np.bool_]) -> tuple[float, float]:
    """Average precision, and what share is missed when as many are flagged as are wrong."""
    precision = float(average_precision_score(is_wrong, suspicion))
    return precision, 1 - float(is_wrong[first(suspicion, int(is_wrong.sum()))].mean())


def precision_and_recall(
    flagged: NDArray[np.bool_], is_wrong: NDArray[np.bool_]
) -> tuple[float, float]:
    """Of what is flagged, the share that is wrong; of what is wrong, the share flagged."""
    both = float((flagged & is_wrong).sum())
    return both / max(int(flagged.sum()), 1), both / int(is_wrong.sum())


def of_method(found: dict[Cell, dict[str, Any]], name: str, which: int) -> list[float]:
    """A figure of a method in each cell that has wrong labels."""
    return [figures["of"][name][which] for figures in found.values() if "of" in figures]


def comparison(found: dict[Cell, dict[str, Any]], which: int) -> str:
    """A row per data set and noise, a column per method, mean and spread over the seeds."""
    rows, groups = [], {(cell.data, cell.setting): None for cell in found if cell.rate}
    for data, setting in groups:
        chosen = {c: f for c, f in found.items() if (c.data, c.setting) == (data, setting)}
        figures = [of_method(chosen, name, which) for name in METHODS]
        rows.append([f"{data}, {setting}", *(mean_and_spread(each) for each in figures)])
    for name, sets in (("mean of the three", CHOSEN_ON), ("mean of fashion-mnist", SETS[3:])):
        chosen = {cell: figures for cell, figures in found.items() if cell.data in sets}
        if chosen:
            means = [statistics.mean(of_method(chosen, method, which)) for method in METHODS]
            rows.append([name, *(f"{mean:.3f}" for mean in means)])
    return table(["", *METHODS], rows)


def paired(found: dict[Cell, dict[str, Any]]) -> str:
    """The audit less each other method: mean and 90 % interval over settings and seeds."""
    rows = []
    for which, title in ((0, "average precision"), (1, "missed")):
        for name in METHODS[:-1]:
            row = [title, name]
            for sets in (CHOSEN_ON, *((each,) for each in SETS)):
                chosen = {cell: figures for cell, figures in found.items() if cell.data in sets}
                row.append(_difference(chosen, name, which))
            rows.append(row)
    return table(["", "the audit less", "the three", *SETS], rows)


def _difference(found: dict[Cell, dict[str, Any]], name: str, which: int) -> str:
    pairs = zip(of_method(found, WHOLE, which), of_method(found, name, which), strict=True)
    gaps = [ours - theirs for ours, theirs in pairs]
    if len(gaps) < 2:
        return "-"
    half = stats.t.ppf(0.95, len(gaps) - 1) * stats.sem(gaps)
    mean = statistics.mean(gaps)
    return f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})"


def flags(found: dict[Cell, dict[str, Any]]) -> str:
    """Precision and recall of what cleanlab flags, and of as many by the audit; clean sets."""
    rows = []
    for data, setting in {(cell.data, cell.setting): None for cell in found}:
        chosen = [f for c, f in found.items() if (c.data, c.setting) == (data, setting)]
        row = [f"{data}, {setting}"]
        row += [
            f"{statistics.mean(f[name] for f in chosen):.1%}" for name in ("flagged", "doubtful")
        ]
        for name in ("find_label_issues", AT_FLAGS):
            for which in (0, 1):
                values = [f["at_flags"][name][which] for f in chosen if "at_flags" in f]
                row.append(f"{statistics.mean(values):.3f}" if values else "-")
        row += [
            f"{statistics.mean(f[name] for f in chosen):.0f}"
            for name in ("seconds_of_rival", "seconds")
        ]
        rows.append(row)
    header = ["", "find_label_issues flags", "left out by the audit's last round", "precision"]
    header += ["recall", "precision of the audit, as many flagged", "recall"]
    return table([*header, "seconds, log. regression", "seconds, audit"], rows)


def main() -> None:
    """Measure all cells and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--cache", type=Path, default=Path("weights_CL/audit-benchmark"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--print-only", action="store_true")
    arguments = parser.parse_args()
    folders = (arguments.data, arguments.fashion, arguments.cache)
    for name in arguments.sets:
        feature_set(name, *folders)
    cells = [
        Cell(data, noise, rate, seed, folders)
        for data in arguments.sets
        for noise, rate in NOISES
        for seed in (arguments.seeds[:1] if noise == "none" else arguments.seeds)
    ]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        found = dict(zip(cells, pool.imap(measured, cells, chunksize=1), strict=True))
    write(found, arguments.seeds, print_only=arguments.print_only)


def write(found: dict[Cell, dict[str, Any]], seeds: Sequence[int], *, print_only: bool) -> None:
    """Put the tables into RESULTS.md, or only print them."""
    body = "\n\n".join(
        [
            f"Average precision, seeds {', '.join(map(str, seeds))}, mean ± standard deviation:",
            comparison(found, 0),
            "Share of the wrong labels that is missed when as many are flagged as are wrong:",
            comparison(found, 1),
            PAIRED,
            paired(found),
            "What is flagged:",
            flags(found),
            MADE_HOW,
        ]
    )
    if print_only:
        print(body)
    else:
        write_section("The audit beside its rivals", body)


if __name__ == "__main__":
    main()
