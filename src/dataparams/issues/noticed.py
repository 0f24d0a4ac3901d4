"""What must be said of given predictions before any verdict: where they cannot be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.issues.given_arrays import GivenArrays
    from dataparams.issues.given_labels import GivenLabels

_FEW = 100
_SURE = 0.9
_ALL_BUT_ALL = 0.98
_ALL_AGREE = 0.995
_ONE_HOT = 0.999
_SHOWN = 5
_FEWEST_COLUMNS = 3
_NEARLY_ALL = 0.95


def noticed(given: GivenArrays, labels: GivenLabels) -> tuple[str, ...]:
    """Sentences about what was given, the gravest first; none where nothing is amiss.

    Args:
        given: What was given of n samples.
        labels: Their labels.
    """
    found: list[str] = []
    if given.probabilities is not None:
        rows = np.flatnonzero(given.has_probabilities)
        own = labels.numbers[rows]
        found += _of_predictions(given.probabilities[rows], own, labels.class_names)
    if given.features is not None:
        found += _of_features(given.features[given.has_features])
    judged = int(given.is_judged.sum())
    if judged < _FEW:
        found.append(
            f"There are {counted(judged, 'sample')}, which say little: how many labels are wrong "
            "is hardly known, and a class of fewer than ten samples is not judged."
        )
    return tuple(found)


def _of_features(features: NDArray[np.floating]) -> list[str]:
    spread = features.var(axis=0, dtype=np.float64)
    total = float(spread.sum())
    if features.shape[1] < _FEWEST_COLUMNS or total <= 0 or spread.max() < _NEARLY_ALL * total:
        return []
    sentence = (
        f"Column {int(spread.argmax())} of `features` makes {spread.max() / total:.1%} of their "
        "variance, so that it decides alone what is alike. Where columns are of different units, "
        "standardize them first, such as by scikit-learn's StandardScaler."
    )
    return [sentence]


def _of_predictions(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], names: Sequence[str]
) -> list[str]:
    of_label = probabilities[np.arange(len(labels)), labels]
    likeliest = probabilities.argmax(axis=1)
    found: list[str] = []
    if (of_label > _SURE).mean() > _ALL_BUT_ALL or (likeliest == labels).mean() > _ALL_AGREE:
        found.append(
            f"These probabilities agree with {(likeliest == labels).mean():.1%} of the labels: "
            "they look like those of a model that has learned from the very samples that it "
            "judges, and has memorized their labels. Then wrong labels cannot be seen. Give "
            "out-of-sample ones, such as of scikit-learn's cross_val_predict(..., "
            'method="predict_proba").'
        )
    if (probabilities.max(axis=1) > _ONE_HOT).mean() > _ALL_BUT_ALL:
        found.append(
            "Nearly all of these probabilities are 0 or 1, so they hardly rank the labels; "
            "expected probabilities, not predicted classes."
        )
    unseen = np.setdiff1d(np.unique(labels), np.unique(likeliest))
    if len(unseen):
        listed = ", ".join(names[k] for k in unseen[:_SHOWN].tolist())
        more = ", ..." if len(unseen) > _SHOWN else ""
        found.append(
            f"{counted(len(unseen), 'class') if len(unseen) == 1 else f'{len(unseen):,} classes'} "
            f"({listed}{more}) {'is' if len(unseen) == 1 else 'are'} never the likeliest: the "
            "predictions say little about labels of such a class."
        )
    return found
