"""What is said of classes: of clean data, of noisy labels, and where classes were cut or merged.

Limits were chosen on seeds of 100 and above.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from audit_data import feature_set
from audit_tables import table_of
from dataparams import audit
from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.held_out_evidence import held_out_evidence
from dataparams.health.class_findings import class_findings
from dataparams.health.outliers import outlier_findings
from dataparams.run.features import features_of_run
from dataparams.sources.noise import corrupt_labels
from results import table, write_section

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]

TABLES = ("digits", "wine", "breast_cancer", "diamonds")
SETS = ("caltech20", "banking77-joined", *TABLES)
MOST = 6_000
"""Of larger data sets so many samples, evenly spread."""
NOISES = (("swap", 0.15), ("symmetric", 0.2), ("pairflip", 0.3))


@dataclass(frozen=True, eq=False)
class Data:
    """Features and labels.

    Attributes:
        features: (n, d).
        labels: (n,).
        kept: Where audits of them are kept.
    """

    features: NDArray[np.float16]
    labels: Labels
    kept: Path


def data_of(name: str, data: Path, cache: Path) -> Data:
    """A data set by its name."""
    if name in TABLES:
        read = table_of(name, data)
        features, labels = read.features.values, read.labels
    else:
        made = feature_set(name, data, data, cache)
        features, labels = made.features, made.labels
    step = -(-len(labels) // MOST)
    some = np.asarray(features[::step])
    word = sha256(some.tobytes()).hexdigest()[:8]
    return Data(some, labels[::step], cache / f"classes-{name}-{word}")


def findings_of(data: Data, labels: Labels, seed: int) -> pl.DataFrame:
    """What is found of classes and outliers with these labels.

    The audit is kept, so that findings can be made anew without it.
    """
    folder = data.kept / f"{sha256(labels.tobytes()).hexdigest()[:16]}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (data.kept / "features.npy").exists():
        np.save(data.kept / "features.npy", data.features)
    np.save(folder / "labels.npy", labels)
    analysis = audit(
        features=data.kept / "features.npy",
        labels=folder / "labels.npy",
        out=folder / "run",
        seed=seed,
    )
    assert analysis.run is not None
    features = features_of_run(analysis.run)
    assert features is not None
    space = FeatureSpace(features)
    evidence = held_out_evidence(analysis.run, analysis.frame)
    frame, names = analysis.frame, analysis.class_names
    of_classes = class_findings(frame, names, evidence, space).table
    return of_classes.vstack(outlier_findings(frame, names, space).table)


def cut_at_random(labels: Labels, label: int, seed: int) -> Labels:
    """Half of a class under a new label."""
    rows = np.flatnonzero(labels == label)
    changed: Labels = labels.copy()
    changed[np.random.default_rng(seed).permutation(rows)[: len(rows) // 2]] = labels.max() + 1
    return changed


def merged(labels: Labels, first: int, second: int) -> Labels:
    """Two classes under the label of the first, and the numbers closed up."""
    changed = np.where(labels == second, first, labels)
    _, numbers = np.unique(changed, return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)


def pairs(found: pl.DataFrame, kind: str) -> list[tuple[int, ...]]:
    """The classes of the findings of a kind."""
    return [tuple(one) for one in found.filter(kind=kind)["classes"].to_list()]


def measured(name: str, data: Data, seeds: list[int], cuts: int) -> list[str]:
    """A row of the table: of the data as they are, with noise, cut, and merged."""
    clean = findings_of(data, data.labels, 0)
    told = [
        name,
        f"{len(clean.filter(kind='overlapping_classes'))}",
        f"{len(clean.filter(kind='class_like_two'))}",
        f"{len(clean.filter(kind='outlier'))} / {len(clean.filter(kind='class_outlier'))}",
    ]
    usual = set(pairs(clean, "overlapping_classes")) | set(pairs(clean, "class_like_two"))
    new = 0
    for kind, rate in NOISES:
        for seed in seeds:
            noisy = corrupt_labels(
                torch.from_numpy(data.labels),
                kind=kind,  # type: ignore[arg-type]
                fraction=rate,
                num_classes=int(data.labels.max()) + 1,
                seed=seed,
            )
            found = findings_of(data, noisy.labels.numpy(), seed)
            named = pairs(found, "overlapping_classes") + pairs(found, "class_like_two")
            new += len(set(named) - usual)
    told.append(f"{new} in {len(NOISES) * len(seeds)}")
    told += [_planted(data, seeds, cuts, is_cut=is_cut) for is_cut in (True, False)]
    return told


def _planted(data: Data, seeds: list[int], cuts: int, *, is_cut: bool) -> str:
    """How many of the classes that were cut, or merged, are found."""
    found = tried = 0
    classes = int(data.labels.max()) + 1
    for seed in seeds:
        rng = np.random.default_rng(1000 + seed)
        for _ in range(cuts):
            first, second = sorted(rng.permutation(classes)[:2].tolist())
            if not is_cut and classes < 3:
                continue
            tried += 1
            if is_cut:
                changed = cut_at_random(data.labels, first, seed)
                named = pairs(findings_of(data, changed, seed), "overlapping_classes")
                found += (first, classes) in named
            else:
                changed = merged(data.labels, first, second)
                named = pairs(findings_of(data, changed, seed), "class_like_two")
                found += (first,) in named
    return f"{found} of {tried}" if tried else "—"


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("weights_CL/audit-benchmark"))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cuts", type=int, default=2, help="classes cut and merged per seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        measured(name, data_of(name, args.data, args.cache), args.seeds, args.cuts)
        for name in args.sets
    ]
    header = [
        "data",
        "overlapping",
        "like two",
        "outliers / of their class",
        "new with noise",
        "cut at random, found",
        "merged, found",
    ]
    body = (
        "Named in the data as they are: pairs of classes that overlap, classes that look like two, "
        "outliers. New with noise: pairs and classes named with 15 % of the labels swapped, 20 % "
        "symmetric or 30 % pair-flipped, and not without. Cut: half of a class at random under a "
        f"new label. Merged: two classes at random under one label. Of more than {MOST:,} samples "
        f"as many, evenly spread. Seeds {', '.join(map(str, args.seeds))}.\n\n"
        + table(header, rows)
    )
    write_section(f"Findings about classes of {', '.join(args.sets)}", body)


if __name__ == "__main__":
    main()
