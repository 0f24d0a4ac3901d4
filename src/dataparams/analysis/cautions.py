"""What must be said before any verdict: where the model learned too little to judge by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_EPOCHS = 5
_STANDARD_ERRORS = 3.0
_POOR = 0.5


def cautions(
    right: NDArray[np.floating], counts: NDArray[np.integer], *, what: str, epochs: int
) -> tuple[str, ...]:
    """Sentences that come first, the gravest at the beginning; none where all is well.

    Accuracy is the mean over the classes here, which a model that always says the same cannot
    raise above chance, however unequal the classes are.

    Args:
        right: How many samples of each class were predicted right, (C,); fractions where several
            epochs were averaged.
        counts: Of how many, (C,).
        what: On what, such as ``validation``.
        epochs: How many epochs there are so far.

    Example:
        >>> chance = cautions(np.array([5.0, 4.0]), np.array([10, 10]), what="validation", epochs=9)
        >>> chance[0].split(":")[0]
        'The model learned nothing'
        >>> cautions(np.array([9.0, 10.0]), np.array([10, 10]), what="validation", epochs=9)
        ()
    """
    found = [_about_accuracy(right[counts > 0], counts[counts > 0], what)]
    if epochs < _FEWEST_EPOCHS:
        found.append(
            f"There are {epochs} epochs so far: what the model has not learned yet it disagrees "
            "with. Look again after more epochs."
        )
    return tuple(sentence for sentence in found if sentence)


def _about_accuracy(
    right: NDArray[np.floating], counts: NDArray[np.integer], what: str
) -> str | None:
    if len(counts) < 2:
        return None
    accuracy = float((right / counts).mean())
    chance = 1 / len(counts)
    deviation = float(np.sqrt(chance * (1 - chance) * (1 / counts).sum()) / len(counts))
    figures = f"its {what} accuracy, averaged over the classes, is {accuracy:.0%}"
    if accuracy < chance + _STANDARD_ERRORS * deviation:
        return (
            f"The model learned nothing: {figures}, and chance gives {chance:.0%}. No ranking, "
            "category or estimate here means anything. Either the labels have nothing to do with "
            "the samples, or the training failed: try another learning rate, architecture or more "
            "epochs."
        )
    if accuracy < chance + _POOR * (1 - chance):
        return (
            f"The model is weak: {figures} (chance: {chance:.0%}). Much of what it disagrees with "
            "may be its own mistakes, unless that many labels are wrong. A better model judges "
            "better."
        )
    return None
