"""The audit of tables beside cleanlab with gradient boosting, and how long it takes.

Settings were chosen on seeds of 100 and above.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from cleanlab.rank import get_label_quality_scores
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from audit import detected
from audit_times import times_of
from dataparams.encoders.features import Features
from dataparams.encoders.row_columns import column_of
from dataparams.encoders.row_features import row_features
from dataparams.sources.noise import corrupt_labels
from dataparams.training.cross_fitting import cross_fit
from dataparams.training.settings_choice import settings_for
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from dataparams.sources.noise import NoiseKind

SETS = ("diamonds", "digits", "breast_cancer", "wine")
NOISES: tuple[tuple[NoiseKind, float], ...] = (
    ("swap", 0.15),
    ("swap", 0.4),
    ("symmetric", 0.2),
    ("pairflip", 0.3),
)
FOLDS = 5
METHODS = (
    "cleanlab, gradient boosting",
    "the audit's trees alone",
    "heads without data parameters, trees",
    "**audit**",
)
MADE_HOW = (
    "diamonds: all 53,940 rows, the class is the cut. digits, breast_cancer, wine: scikit-learn's, "
    "columns of numbers. cleanlab: self-confidence by HistGradientBoostingClassifier with its "
    "defaults in 5 folds, categories as such. Heads without data parameters: one round of the same "
    "heads, trees and neighbors with temperatures left at 1. Seconds: of processor time."
)


@dataclass(frozen=True, eq=False)
class Table:
    """A table as both sides take it."""

    features: Features
    labels: NDArray[np.int64]

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.labels.max()) + 1


def table_of(name: str, data: Path) -> Table:
    """A table by its name."""
    if name == "diamonds":
        read = pl.read_csv(data / "tables/diamonds.csv")
        names = sorted(read["cut"].unique())
        labels = np.array([names.index(cut) for cut in read["cut"]])
        columns = [column_of(each, read[each].to_list()) for each in read.drop("cut").columns]
    else:
        loaded: Any = getattr(datasets, f"load_{name}")()
        labels = loaded.target.astype(np.int64)
        columns = [column_of(f"c{k}", each.tolist()) for k, each in enumerate(loaded.data.T)]
    made = row_features(columns)
    digests = pl.Series([""] * len(labels))
    values = made.values.astype(np.float16)
    features = Features(values, np.arange(len(labels)), digests, {}, 0, made.for_trees)
    return Table(features, labels)


def by_cleanlab(data: Table, given: NDArray[np.int64], seed: int) -> NDArray[np.floating]:
    """Cleanlab's suspicion, from held-out probabilities by gradient boosting."""
    rows = data.features.for_trees
    assert rows is not None
    found = np.zeros((len(given), data.num_classes))
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in splits.split(rows.values, given):
        model = HistGradientBoostingClassifier(
            categorical_features=rows.is_category, random_state=seed
        )
        model.fit(rows.values[train], given[train])
        found[np.ix_(test, model.classes_)] = model.predict_proba(rows.values[test])
    scores: NDArray[np.floating] = get_label_quality_scores(given, found)
    return 1 - scores


def measured(data: Table, noise: NoiseKind, rate: float, seed: int) -> dict[str, list[float]]:
    """What every method misses, and the seconds of cleanlab and of the audit."""
    clean, classes = torch.from_numpy(data.labels), data.num_classes
    noisy = corrupt_labels(clean, kind=noise, fraction=rate, num_classes=classes, seed=seed)
    given = noisy.labels.numpy()
    is_wrong = given != data.labels
    started = time.process_time()
    theirs = by_cleanlab(data, given, seed)
    seconds = [time.process_time() - started]
    values, rows = data.features.values, data.features.for_trees
    started = time.process_time()
    settings = settings_for(data.features, given, classes, seed=seed)
    fit = cross_fit(values, given, classes, settings, table=rows, seed=seed)
    seconds.append(time.process_time() - started)
    plain = replace(settings, rounds=1, heads=replace(settings.heads, pull=0.0))
    without = cross_fit(values, given, classes, plain, table=rows, seed=seed)
    suspicions = (theirs, 1 - fit.rounds[0].plain, 1 - without.rounds[0].evidence, 1 - fit.support)
    return {
        "missed": [detected(each, is_wrong)[1] for each in suspicions],
        "precision": [detected(each, is_wrong)[0] for each in suspicions],
        "seconds": seconds,
    }


def rivals(data: Path, sets: list[str], seeds: list[int]) -> str:
    """Tables of what is missed, and of average precision."""
    missed, precision = [], []
    for name in sets:
        read = table_of(name, data)
        for noise, rate in NOISES:
            found = [measured(read, noise, rate, seed) for seed in seeds]
            setting = f"{name}, {noise} {100 * rate:.0f} %"
            of_seeds = [list(each) for each in zip(*(one["missed"] for one in found), strict=True)]
            seconds = [list(each) for each in zip(*(one["seconds"] for one in found), strict=True)]
            told = [mean_and_spread(each, digits=0) for each in seconds]
            missed.append([setting, *map(mean_and_spread, of_seeds), *told])
            of_seeds = [
                list(each) for each in zip(*(one["precision"] for one in found), strict=True)
            ]
            precision.append([setting, *map(mean_and_spread, of_seeds)])
            print(missed[-1], flush=True)
    words = f"seeds {', '.join(map(str, seeds))}, mean ± standard deviation:"
    return "\n\n".join(
        [
            f"Share of the wrong labels missed when as many are flagged as are wrong, {words}",
            table(["", *METHODS, "seconds, cleanlab", "seconds, audit"], missed),
            f"Average precision, {words}",
            table(["", *METHODS], precision),
            MADE_HOW,
        ]
    )


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--parts", nargs="+", default=["rivals", "times"])
    arguments = parser.parse_args()
    if "rivals" in arguments.parts:
        body = rivals(arguments.data, arguments.sets, arguments.seeds)
        write_section("The audit of tables beside cleanlab", body)
    if "times" in arguments.parts:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "rows.csv"
            pl.read_csv(arguments.data / "tables/diamonds.csv", n_rows=50_000).write_csv(file)
            columns = ("--label-column", "cut")
            body = times_of(file, columns, Path(folder))
            write_section("How long an audit of rows takes", body)


if __name__ == "__main__":
    main()
