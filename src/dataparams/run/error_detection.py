"""How well a score finds the samples whose labels are known to be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DetectionFigures:
    """How well a score finds corrupted labels.

    Attributes:
        noise_rate: Share of corrupted samples, 0 ... 1.
        recall_at_noise_rate: Share of the corrupted samples among the highest scores, as many as
            there are corrupted samples; precision is the same number there.
        auroc: Area under the receiver operating characteristic, 0 ... 1; 0.5 is chance.
        average_precision: Area under the precision-recall curve, 0 ... 1.
    """

    noise_rate: float
    recall_at_noise_rate: float
    auroc: float
    average_precision: float


def detection_figures(
    score: NDArray[np.floating], is_corrupted: NDArray[np.bool_]
) -> DetectionFigures | None:
    """Compare a score, high where a label seems wrong, with the truth.

    Args:
        score: (n,), finite.
        is_corrupted: (n,), the truth.

    Returns:
        The figures, or None where all samples are clean or all are corrupted.

    Example:
        >>> figures = detection_figures(np.array([0.1, 0.9, 0.8, 0.2]), np.array([0, 1, 0, 1]) == 1)
        >>> figures.recall_at_noise_rate, figures.auroc
        (0.5, 0.75)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    corrupted = int(is_corrupted.sum())
    if corrupted in (0, len(is_corrupted)):
        return None
    highest = np.argsort(-score, kind="stable")[:corrupted]
    return DetectionFigures(
        noise_rate=corrupted / len(is_corrupted),
        recall_at_noise_rate=float(is_corrupted[highest].mean()),
        auroc=float(roc_auc_score(is_corrupted, score)),
        average_precision=float(average_precision_score(is_corrupted, score)),
    )


def precision_and_recall(
    is_selected: NDArray[np.bool_], is_corrupted: NDArray[np.bool_]
) -> tuple[float, float]:
    """Precision and recall of a selection, (n,) each; precision of nothing selected is 0.

    Example:
        >>> precision_and_recall(np.array([True, True, False]), np.array([True, False, True]))
        (0.5, 0.5)
    """
    found = int((is_selected & is_corrupted).sum())
    return found / max(int(is_selected.sum()), 1), found / max(int(is_corrupted.sum()), 1)
