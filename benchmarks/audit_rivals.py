"""What others do with the same features: each gives a suspicion per sample, high is bad."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from dataparams.training.heads import ScaledFeatures
from dataparams.training.neighbors import nearest_neighbors, neighbor_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""C of scikit-learn, for features of norm 10."""
FOLDS = 5
NEIGHBORS = 20
FEW = 3000


def prepared(features: NDArray[np.float16]) -> NDArray[np.float32]:
    """Centered, and scaled to norm 10, as the heads take them."""
    scaled = ScaledFeatures(features).rows(np.arange(len(features)))
    return scaled[:, :-1].numpy()


def tuned_logistic_regression(
    features: NDArray[np.float32], labels: NDArray[np.int64], num_classes: int, seed: int
) -> tuple[NDArray[np.float64], float]:
    """Held-out class probabilities in five folds, and C.

    C is the best by the log loss of the given labels in the folds left out; of more than 3,000
    samples in the first of these.
    """
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels))
    tried = splits if len(labels) <= FEW else splits[:1]
    best, strength = np.inf, STRENGTHS[0]
    for candidate in STRENGTHS:
        losses = []
        for train, test in tried:
            found = _fitted(features, labels, train, test, num_classes, candidate)
            losses.append(-np.log(found[np.arange(len(test)), labels[test]] + 1e-9).mean())
        if np.mean(losses) > best:
            break
        best, strength = float(np.mean(losses)), candidate
    probabilities = np.zeros((len(labels), num_classes))
    for train, test in splits:
        probabilities[test] = _fitted(features, labels, train, test, num_classes, strength)
    return probabilities, strength


def _fitted(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    num_classes: int,
    strength: float,
) -> NDArray[np.float64]:
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features[train], labels[train])
    found = np.zeros((len(test), num_classes))
    found[:, model.classes_] = model.predict_proba(features[test])
    return found


def by_cleanlab(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.floating]], NDArray[np.bool_]]:
    """Suspicions by cleanlab's scores, and what ``find_label_issues`` flags."""
    suspicions = {
        name: 1 - get_label_quality_scores(labels, probabilities, method=method)
        for name, method in (
            ("log. regression, self-confidence", "self_confidence"),
            ("log. regression, margin", "normalized_margin"),
        )
    }
    flagged = find_label_issues(labels, probabilities, n_jobs=1)
    confidence = suspicions["log. regression, self-confidence"]
    suspicions["find_label_issues, then self-confidence"] = flagged + confidence
    return suspicions, flagged


def by_neighbors(
    features: NDArray[np.float16], labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float32]:
    """The share of the 20 nearest neighbors that have another label."""
    near = nearest_neighbors(ScaledFeatures(features), NEIGHBORS)
    votes = neighbor_votes(near, labels, np.ones(len(labels), np.float32), num_classes)
    return 1 - votes.numpy()[np.arange(len(labels)), labels]


class AreaUnderMargin:
    """Area under the margin (Pleiss et al. 2020): of the heads that learn from a sample.

    The mean over epochs and heads of the logit of the label less the highest other one.
    """

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self._labels = torch.from_numpy(labels)
        self._total = torch.zeros(len(labels))
        self._count = torch.zeros(len(labels))

    def on_batch(self, rows: NDArray[np.int64], logits: Tensor, active: Tensor) -> None:
        """As of ``train_heads``."""
        index = torch.from_numpy(rows)
        column = self._labels[index].view(-1, 1, 1).expand(-1, logits.shape[1], 1)
        of_label = logits.gather(2, column).squeeze(2)
        others = logits.scatter(2, column, -torch.inf).amax(dim=2)
        self._total[index] += ((of_label - others) * active).sum(dim=1)
        self._count[index] += active.sum(dim=1)

    def suspicion(self) -> NDArray[np.float32]:
        """Minus the area."""
        return -(self._total / self._count.clamp_min(1)).numpy()
