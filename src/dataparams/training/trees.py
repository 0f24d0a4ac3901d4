"""Gradient-boosted trees, asked about samples that they did not see: a voice for rows of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.encoders.row_features import TreeTable


_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class TreeSettings:
    """How trees are grown.

    Attributes:
        folds: In how many parts the samples are divided; trees grow on all but one.
        iterations: Trees of each class, one after another.
        learning_rate: How much each counts.
        most_leaves: Leaves of a tree.
        most_work: Samples times classes times columns at most; of larger data no trees are grown.
    """

    folds: int = 5
    iterations: int = 40
    learning_rate: float = 0.1
    most_leaves: int = 31
    most_work: int = 30_000_000

    def can_grow(self, count: int, width: int, num_classes: int) -> bool:
        """Whether trees are grown on so many samples, columns and classes."""
        return count * width * num_classes <= self.most_work


def probabilities_by_trees(
    table: TreeTable,
    labels: NDArray[np.int64],
    num_classes: int,
    folds: NDArray[np.int64],
    settings: TreeSettings,
    *,
    seed: int = 0,
    on_fold: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Class probabilities of all samples by trees that did not see them.

    Args:
        table: Of n samples.
        labels: Given labels, (n,), 0 ... num_classes - 1.
        num_classes: C.
        folds: Which fold each sample is in, (n,), 0 ... settings.folds - 1.
        settings: How.
        seed: What bins of large data depend on.
        on_fold: Called when those of a fold are done.

    Returns:
        (n, C); a class without a sample outside a fold has probability 0 there.

    Example:
        >>> from dataparams.encoders.row_features import TreeTable
        >>> rng = np.random.default_rng(0)
        >>> values = rng.normal(size=(300, 2)).astype(np.float32)
        >>> labels = (values[:, 0] > 0).astype(np.int64)
        >>> table = TreeTable(values, np.zeros(2, bool))
        >>> found = probabilities_by_trees(table, labels, 2, np.arange(300) % 5, TreeSettings())
        >>> bool((found.argmax(axis=1) == labels).mean() > 0.95)
        True
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    found = np.zeros((len(labels), num_classes), dtype=np.float32)
    for fold in range(settings.folds):
        seen, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        given = np.unique(labels[seen])
        if len(given) == 1 and len(asked):
            found[asked, given[0]] = 1
        if len(given) < _FEWEST_CLASSES or not len(asked):
            on_fold()
            continue
        trees = HistGradientBoostingClassifier(
            max_iter=settings.iterations,
            learning_rate=settings.learning_rate,
            max_leaf_nodes=settings.most_leaves,
            categorical_features=table.is_category,
            early_stopping=False,
            random_state=seed % 2**32,
        ).fit(table.values[seen], labels[seen])
        found[np.ix_(asked, trees.classes_)] = trees.predict_proba(table.values[asked])
        on_fold()
    return found
