"""The voice that learns without data parameters: linear heads, or trees where there is a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dataparams.training.heads import assign_folds, held_out_probabilities, train_heads
from dataparams.training.trees import probabilities_by_trees

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.encoders.row_features import TreeTable
    from dataparams.training.cross_fitting_settings import CrossFittingSettings
    from dataparams.training.heads import ScaledFeatures

    PlainVoice = Callable[[NDArray[np.int64]], Tensor]


def plain_voice(
    features: ScaledFeatures,
    labels: NDArray[np.int64],
    num_classes: int,
    settings: CrossFittingSettings,
    rng: np.random.Generator,
    *,
    table: TreeTable | None = None,
    seed: int = 0,
    on_part: Callable[[], None],
) -> PlainVoice | None:
    """Train what learns without data parameters, once, from all labels.

    Args:
        features: Of n samples.
        labels: Given labels, (n,).
        num_classes: C.
        settings: How.
        rng: Draws folds and batches.
        table: The same samples as trees take them; then trees are grown, and else heads trained.
        seed: What trees depend on beside the folds.
        on_part: Called after each epoch of the heads, or each fold of trees.

    Returns:
        What gives class probabilities of some samples, (m, C), by those that did not see them; None
        where the settings do without.
    """
    if table is not None and settings.plain_power:
        folds = assign_folds(labels, replace(settings.plain, folds=settings.trees.folds), rng)
        found = probabilities_by_trees(
            table, labels, num_classes, folds[0], settings.trees, seed=seed, on_fold=on_part
        )
        return lambda rows: torch.from_numpy(found[rows])
    folds = assign_folds(labels, settings.plain, rng)
    if not settings.plain_power:
        return None
    heads = train_heads(
        features, labels, num_classes, folds, settings.plain, rng, on_epoch=lambda *_: on_part()
    )
    return lambda rows: held_out_probabilities(heads, features, folds, rows)
