"""How good a classifier some labels make, on samples that it did not train on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataparams.training.heads import HeadSettings, held_out_probabilities, train_heads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.training.heads import ScaledFeatures


def head_accuracy(
    features: ScaledFeatures,
    labels: NDArray[np.int64],
    true_labels: NDArray[np.int64],
    num_classes: int,
    rows: NDArray[np.int64],
    test: NDArray[np.int64],
    *,
    settings: HeadSettings | None = None,
    seed: int = 0,
) -> float:
    """Accuracy of a head that is trained on some samples and asked about others.

    Args:
        features: Of n samples.
        labels: To train on, (n,), 0 ... num_classes - 1 in ``rows``.
        true_labels: To be right about, (n,).
        num_classes: C.
        rows: Samples to train on.
        test: Samples to be asked about, none of which is in ``rows``.
        settings: How heads are trained; without data parameters where None.
        seed: What batches depend on.
    """
    settings = replace(settings or HeadSettings(pull=0.0), folds=2, repeats=1)
    folds = np.ones((1, len(labels)), dtype=np.int64)
    folds[0, test] = 0
    trained = np.where(labels < 0, 0, labels)
    rng = np.random.default_rng(seed)
    heads = train_heads(features, trained, num_classes, folds, settings, rng, rows=rows)
    predicted = held_out_probabilities(heads, features, folds, test).argmax(dim=1).numpy()
    return float((predicted == true_labels[test]).mean())
