"""How evidence is gathered from features of one kind or another: of rows, linear or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataparams.training.cross_fitting_settings import CrossFittingSettings
from dataparams.training.heads import (
    ScaledFeatures,
    assign_folds,
    held_out_probabilities,
    train_heads,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.encoders.features import Features

_COMPARED = 5_000


def usual_settings(features: Features) -> CrossFittingSettings:
    """The settings for features, before their labels are looked at."""
    if features.for_trees is not None:
        return CrossFittingSettings.for_rows()
    return CrossFittingSettings()


def settings_for(
    features: Features, labels: NDArray[np.int64], num_classes: int, *, seed: int = 0
) -> CrossFittingSettings:
    """The settings for features and their labels, with as many heads as suit them.

    Heads on rows of a table have a hidden layer where they agree more often with the labels of
    samples that they did not see, of at most 5,000, by more than the standard error of that.

    Args:
        features: Of n samples.
        labels: Their given labels, (n,).
        num_classes: C.
        seed: What folds and batches depend on.
    """
    settings = usual_settings(features)
    if features.for_trees is not None:
        linear = CrossFittingSettings.for_rows(hidden=0)
        by_hidden, by_linear = (
            _is_agreed(features.values, labels, num_classes, each, seed)
            for each in (settings, linear)
        )
        gain = by_hidden.astype(np.float64) - by_linear
        if gain.mean() <= gain.std() / np.sqrt(len(gain)):
            settings = linear
    count, width = features.values.shape
    return settings.fitting(count, width, num_classes)


def _is_agreed(
    values: NDArray[np.floating],
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings,
    seed: int,
) -> NDArray[np.bool_]:
    """Whether heads agree with the label of each of some samples that they did not see."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(labels))[:_COMPARED])
    scaled, given = ScaledFeatures(values[rows], settings.norm), labels[rows]
    folds = min(settings.heads.folds, len(rows))
    heads = replace(settings.heads, repeats=1, folds=folds)
    assigned = assign_folds(given, heads, rng)
    trained = train_heads(scaled, given, num_classes, assigned, heads, rng)
    found = held_out_probabilities(trained, scaled, assigned, np.arange(len(rows)))
    agreed: NDArray[np.bool_] = found.argmax(dim=1).numpy() == given
    return agreed
