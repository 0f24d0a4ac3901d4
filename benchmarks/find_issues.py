"""``find_issues`` beside cleanlab, from the same probabilities, with wrong labels that are known.

Settings were chosen on seeds of 100 and above, and none of them on Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import warnings
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy import stats
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from audit_data import NOISES, Cell, FeatureSet, feature_set, noisy_labels
from audit_rivals import prepared
from dataparams import find_issues, issues
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

EMBEDDED = {"caltech20": 0.01, "banking77": 0.03, "cifar10": 0.003, "fashion-mnist": 0.01}
"""C of the logistic regression, near the best by the log loss of held-out labels."""
TABLES = {"digits": 0.1, "wine": 0.1, "cancer": 0.1, "diamonds": 1.0}
MODELS = ("logistic regression", "kNN 20", "gradient boosting", "the audit's heads")
MOST = 4000
SELF, MARGIN, OURS = "cleanlab self-confidence", "cleanlab margin", "**find_issues**"
FLAGS = "cleanlab find_label_issues"
FEATURES, BOTH = "**features**", "**features, probabilities**"
BESIDE = (
    "From the same probabilities (paired, mean and 90 % interval over data sets, models, noises "
    "and seeds; above 0 is better, but for what is missed):"
)
MADE_HOW = (
    "Every row: the mean over noises (swap 15 % and 40 %, symmetric 20 %, pairflip 30 %, "
    "image-dependent 20 %) and, with its spread, over seeds. Probabilities are those of "
    "scikit-learn's models in five folds: logistic regression, 20 nearest neighbors, "
    "HistGradientBoosting with 40 iterations (tables alone); those of the audit's heads are of "
    "its last round. `find_issues` and cleanlab get the same arrays. banking77 and caltech20 are "
    "whole; of CIFAR-10 and Fashion-MNIST the first 4,000 samples, of diamonds 4,000 drawn ones, "
    "whose class is the cut. Embeddings as in `benchmarks/audit.py`; columns of tables are "
    "standardized. Missed: when as many are flagged "
    "as are wrong. F1: of what each flags by itself, both "
    "columns of cleanlab's by find_label_issues. Sets named with `--once` have the first seed "
    "alone."
)


@cache
def program() -> str:
    """A word that changes with what is measured."""
    judging = ("label_transitions", "voices", "judging", "label_issues")
    sources = [Path(issues.__file__).with_name(f"{name}.py") for name in judging]
    sources.append(Path(__file__))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def data_of(name: str, folders: tuple[Path, Path, Path]) -> FeatureSet:
    """A data set as models see it."""
    if name in EMBEDDED:
        found = feature_set(name, *folders)
        most = MOST if name in ("cifar10", "fashion-mnist") else len(found.labels)
        return FeatureSet(found.features[:most], found.labels[:most])
    if name == "diamonds":
        drawn = pl.read_csv(folders[0] / "tables" / "diamonds.csv").sample(MOST, seed=5)
        labels = np.unique(drawn["cut"].to_numpy(), return_inverse=True)[1]
        words = [column for column in drawn.columns if drawn[column].dtype == pl.String]
        words.remove("cut")
        values = drawn.drop("cut").to_dummies(columns=words).to_numpy()
    else:
        load = {"digits": "load_digits", "wine": "load_wine", "cancer": "load_breast_cancer"}[name]
        values, labels = getattr(datasets, load)(return_X_y=True)
    return FeatureSet(StandardScaler().fit_transform(values).astype(np.float16), labels)


def inputs_of(name: str, data: FeatureSet) -> NDArray[np.float32]:
    """What models are trained on."""
    return prepared(data.features) if name in EMBEDDED else data.features.astype(np.float32)


def models_of(name: str) -> tuple[str, ...]:
    """Gradient boosting is for tables: of embeddings it takes long."""
    return (*MODELS[:2], MODELS[3]) if name in EMBEDDED else MODELS


def probabilities(
    model: str, name: str, inputs: NDArray[np.float32], labels: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """Class probabilities by models that did not see the sample, (n, C)."""
    num_classes = int(labels.max()) + 1
    if model == MODELS[3]:
        return heads_probabilities(inputs, labels, num_classes, seed)
    found = np.zeros((len(labels), num_classes), dtype=np.float32)
    kinds: dict[str, Callable[[], Any]] = {
        MODELS[0]: lambda: LogisticRegression(C=(EMBEDDED | TABLES)[name], max_iter=200, tol=1e-3),
        MODELS[1]: lambda: KNeighborsClassifier(20),
        MODELS[2]: lambda: HistGradientBoostingClassifier(max_iter=40, random_state=seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(
            inputs, labels
        ):
            fitted = kinds[model]().fit(inputs[train], labels[train])
            found[np.ix_(test, fitted.classes_)] = fitted.predict_proba(inputs[test])
    return found


def heads_probabilities(
    inputs: NDArray[np.float32], labels: NDArray[np.int64], num_classes: int, seed: int
) -> NDArray[np.float32]:
    """What the heads of an audit say in its last round, (n, C).

    Of each sample the likeliest classes are kept: what is left is shared by the others.
    """
    settings = CrossFittingSettings().fitting(len(inputs), inputs.shape[1], num_classes)
    last = cross_fit(inputs, labels, num_classes, settings, seed=seed).rounds[-1]
    others = max(num_classes - last.classes.shape[1], 1)
    left = (1 - last.class_probability.sum(axis=1, keepdims=True)).clip(min=0) / others
    found = np.tile(left, (1, num_classes)).astype(np.float32)
    np.put_along_axis(found, last.classes.astype(np.int64), last.class_probability, axis=1)
    found /= found.sum(axis=1, keepdims=True)
    return found


def figures_of(suspicion: Floats, flagged: NDArray[np.bool_], is_wrong: NDArray[np.bool_]) -> Any:
    """Average precision, share missed at the true number, and F1 of what is flagged."""
    first = np.argsort(-suspicion, kind="stable")[: int(is_wrong.sum())]
    return [
        float(average_precision_score(is_wrong, suspicion)),
        1 - float(is_wrong[first].mean()),
        float(f1_score(is_wrong, flagged)),
    ]


def by_issues(labels: NDArray[np.int64], is_wrong: NDArray[np.bool_], **given: Any) -> Any:
    """The figures of ``find_issues``."""
    found = find_issues(labels, **given).get_issues("label")
    score = found["label_score"].to_numpy()
    return figures_of(1 - score, found["is_label_issue"].to_numpy(), is_wrong)


def file_of(cell: Cell) -> Path:
    """Where the figures of a cell are kept."""
    return cell.folders[2] / f"issues-{program()}" / f"{cell.name}.json"


def measured(cell: Cell) -> dict[str, Any]:
    """Figures of all in one cell, by model and method."""
    if file_of(cell).exists():
        known: dict[str, Any] = json.loads(file_of(cell).read_text(encoding="utf-8"))
        return known
    torch.set_num_threads(1)
    data = data_of(cell.data, cell.folders)
    inputs = inputs_of(cell.data, data)
    clean = _cached_clean(cell, data, inputs)
    labels = noisy_labels(data, cell.noise, cell.rate, cell.seed, clean)
    is_wrong = labels != data.labels
    found: dict[str, Any] = {}
    for model in models_of(cell.data):
        said = probabilities(model, cell.data, inputs, labels, cell.seed)
        flagged = find_label_issues(labels, said, n_jobs=1)
        methods = {
            name: figures_of(
                1 - get_label_quality_scores(labels, said, method=how), flagged, is_wrong
            )
            for name, how in ((SELF, "self_confidence"), (MARGIN, "normalized_margin"))
        }
        methods[OURS] = by_issues(labels, is_wrong, pred_probs=said)
        methods[BOTH] = by_issues(labels, is_wrong, pred_probs=said, features=inputs)
        found[model] = methods
    alone = by_issues(labels, is_wrong, features=inputs)
    for methods in found.values():
        methods[FEATURES] = alone
    file_of(cell).parent.mkdir(parents=True, exist_ok=True)
    file_of(cell).write_text(json.dumps(found), encoding="utf-8")
    return found


def _cached_clean(cell: Cell, data: FeatureSet, inputs: NDArray[np.float32]) -> Floats:
    """Probabilities of a model of the clean labels, for noise that depends on the sample."""
    file = cell.folders[2] / f"issues-{cell.data}-clean.npy"
    if not file.exists():
        np.save(file, probabilities(MODELS[0], cell.data, inputs, data.labels, 1000))
    clean: Floats = np.load(file)
    return clean


METHODS = (SELF, MARGIN, OURS, FEATURES, BOTH)


def rows_of(found: dict[Cell, dict[str, Any]], which: int) -> list[list[str]]:
    """A row per model and data set, a column per method; F1 has one column of cleanlab."""
    rows = []
    for model in MODELS:
        for data in {cell.data: None for cell in found}:
            cells = [cell for cell in found if cell.data == data and model in found[cell]]
            if cells:
                rows.append([f"{model}, {data}", *_means(found, cells, model, which)])
    return rows


def _means(
    found: dict[Cell, dict[str, Any]], cells: list[Cell], model: str, which: int
) -> Iterable[str]:
    """Mean over the noises of each seed, then mean and spread over the seeds."""
    for method in METHODS:
        seeds = [
            statistics.mean(found[c][model][method][which] for c in cells if c.seed == seed)
            for seed in sorted({cell.seed for cell in cells})
        ]
        yield mean_and_spread(seeds)


def paired(found: dict[Cell, dict[str, Any]]) -> str:
    """``find_issues`` less each of cleanlab's: mean and 90 % interval, by noise and by model."""
    groups: dict[str, list[tuple[Cell, str]]] = {}
    for cell, models in found.items():
        for model in models:
            setting = f"{cell.noise} {100 * cell.rate:.0f} %"
            for name in ("all", setting, model):
                groups.setdefault(name, []).append((cell, model))
            if cell.data == "fashion-mnist":
                groups.setdefault("fashion-mnist", []).append((cell, model))
    rows = []
    for name, pairs in groups.items():
        row = [name]
        for rival, which in ((SELF, 0), (MARGIN, 0), (SELF, 1), (MARGIN, 1), (SELF, 2)):
            gaps = [found[c][m][OURS][which] - found[c][m][rival][which] for c, m in pairs]
            half = stats.t.ppf(0.95, len(gaps) - 1) * stats.sem(gaps)
            mean = statistics.mean(gaps)
            row.append(f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})")
        rows.append(row)
    header = ["find_issues less", "self-confidence, average precision"]
    header += ["margin, average precision", "self-confidence, missed", "margin, missed"]
    return table([*header, f"{FLAGS}, F1"], rows)


def main() -> None:
    """Measure all cells and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--cache", type=Path, default=Path("weights_CL/audit-benchmark"))
    parser.add_argument("--sets", nargs="+", default=[*TABLES, *EMBEDDED])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--once", nargs="*", default=[], help="sets of the first seed alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--print-only", action="store_true")
    arguments = parser.parse_args()
    folders = (arguments.data, arguments.fashion, arguments.cache)
    cells = [
        Cell(data, noise, rate, seed, folders)
        for data in arguments.sets
        for seed in arguments.seeds[: 1 if data in arguments.once else None]
        for noise, rate in NOISES[1:]
    ]
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        found = dict(zip(cells, pool.imap(measured, cells, chunksize=1), strict=True))
    parts = [
        BESIDE,
        paired(found),
    ]
    for which, title in enumerate(("Average precision", "Missed", "F1 of what is flagged")):
        parts += [f"{title}:", table(["", *METHODS], rows_of(found, which))]
    body = "\n\n".join([*parts, MADE_HOW])
    if arguments.print_only:
        print(body)
    else:
        write_section("find_issues beside cleanlab", body)


if __name__ == "__main__":
    main()
