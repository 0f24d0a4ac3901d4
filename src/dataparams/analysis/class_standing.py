"""Which classes can be judged at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_SAMPLES = 10
"""Fewer samples say too little about a class: of nine labels without a fault among them, anything
up to 23 % may still be wrong (at 90 % confidence, 1 - 0.1 ** (1 / 9)), and no model learns it."""
_LEAST_RECOGNIZED = 0.1


@dataclass(frozen=True, eq=False)
class ClassStanding:
    """What a model can say of the labels of each class, (C,) each.

    Attributes:
        is_too_small: Whether there are some samples, but fewer than ``FEWEST_SAMPLES``.
        is_unlearned: Whether there are enough, but the model hardly ever takes a sample for one of
            the class: fewer than a tenth as often as the label was given. Then either they are too
            few beside the other classes, or most labels of the class are wrong.
    """

    is_too_small: NDArray[np.bool_]
    is_unlearned: NDArray[np.bool_]

    @property
    def is_judged(self) -> NDArray[np.bool_]:
        """Whether what the model says of the class's labels means something, (C,)."""
        return ~(self.is_too_small | self.is_unlearned)


def class_standing(
    labels: NDArray[np.integer], predicted: NDArray[np.integer] | None, num_classes: int
) -> ClassStanding:
    """Tell which classes are too small to judge, and which the model never learned.

    Args:
        labels: Given labels, (n,).
        predicted: The model's likeliest class of each, (n,); None where it is not known.
        num_classes: C.

    Example:
        >>> labels = np.repeat([0, 1, 2], [50, 20, 2])
        >>> standing = class_standing(labels, np.zeros(72, dtype=int), 3)
        >>> standing.is_too_small.tolist(), standing.is_unlearned.tolist()
        ([False, False, True], [False, True, False])
    """
    given = np.bincount(labels, minlength=num_classes)
    is_too_small = (given > 0) & (given < FEWEST_SAMPLES)
    if predicted is None:
        return ClassStanding(is_too_small, np.zeros(num_classes, dtype=bool))
    recognized = np.bincount(predicted, minlength=num_classes)
    is_unlearned = (given >= FEWEST_SAMPLES) & (recognized < _LEAST_RECOGNIZED * given)
    return ClassStanding(is_too_small, is_unlearned)
