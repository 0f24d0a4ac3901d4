"""What must be said before any verdict: where the model learned too little to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_EPOCHS = 5
_STANDARD_ERRORS = 3.0
_TELLING = 0.5
_OTHER_TRAINING = (
    "the training failed: try another learning rate, another architecture or more epochs"
)
_OTHER_FEATURES = "the features do not show what the classes differ in: try another `encoder`"
_NOTHING = (
    "No ranking of these samples means anything, so none is called easy or hard. Either the labels "
    "have nothing to do with the samples, or"
)
_WEAK = 0.7


@dataclass(frozen=True, eq=False)
class ClassAccuracies:
    """How often a model was right about the samples of each class.

    Accuracy is the mean over the classes here, which a model that always says the same cannot
    raise above chance, however unequal the classes are.

    Attributes:
        right: Samples predicted right, (C,); fractions where several epochs were averaged.
        counts: Of how many, (C,).
        what: On what, such as ``validation``.
    """

    right: NDArray[np.floating]
    counts: NDArray[np.integer]
    what: str

    @property
    def accuracy(self) -> float:
        """The mean over the classes that have samples, 0 ... 1."""
        has_any = self.counts > 0
        return float((self.right[has_any] / self.counts[has_any]).mean())

    @property
    def chance(self) -> float:
        """What guessing gives: one over the number of classes that have samples."""
        return 1 / max(int((self.counts > 0).sum()), 1)

    @property
    def highest_by_chance(self) -> float:
        """The accuracy that guessing hardly ever exceeds: three standard errors above chance."""
        counts = self.counts[self.counts > 0]
        variance = self.chance * (1 - self.chance) * (1 / counts).sum()
        return self.chance + _STANDARD_ERRORS * float(np.sqrt(variance)) / len(counts)

    def can_tell(self) -> bool:
        """Whether there are enough samples to tell a fair model from chance."""
        has_classes = int((self.counts > 0).sum()) > 1
        return has_classes and self.highest_by_chance < self.chance + _TELLING * (1 - self.chance)

    def is_weak(self) -> bool:
        """Whether the model was right less than half of the way from chance to always."""
        return self.accuracy < self.chance + _TELLING * (1 - self.chance)

    @property
    def share_wrong(self) -> float:
        """The share of all samples that were predicted wrong, 0 ... 1."""
        return 1 - float(self.right.sum() / max(self.counts.sum(), 1))

    def is_by_chance(self) -> bool:
        """Whether the model was right no more often than by chance.

        Example:
            >>> ClassAccuracies(np.array([30.0, 34.0]), np.array([60, 60]), "").is_by_chance()
            True
        """
        return self.can_tell() and self.accuracy < self.highest_by_chance


def class_accuracies(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], num_classes: int, what: str
) -> ClassAccuracies:
    """How often predictions are the labels.

    Args:
        labels: (n,).
        predicted: (n,).
        num_classes: C.
        what: On what, such as ``validation``.
    """
    right = np.bincount(labels[predicted == labels], minlength=num_classes)
    counts = np.bincount(labels, minlength=num_classes)
    return ClassAccuracies(right.astype(np.float64), counts, what)


def cautions(accuracies: ClassAccuracies | None, epochs: int | None) -> tuple[str, ...]:
    """Sentences that come first, the gravest at the beginning; none where all is well.

    Args:
        accuracies: Of the model; None where they are not known.
        epochs: How many epochs there are so far; None of heads on features, which need few.

    Example:
        >>> bad = ClassAccuracies(np.array([30.0, 34.0]), np.array([60, 60]), "validation")
        >>> cautions(bad, epochs=9)[0].split(":")[0]
        'The model learned nothing'
        >>> cautions(ClassAccuracies(np.array([59.0, 60.0]), np.array([60, 60]), "validation"), 9)
        ()
    """
    about = _about_model if epochs is not None else _about_classifiers
    found = [] if accuracies is None else [about(accuracies)]
    if epochs is not None and epochs < _FEWEST_EPOCHS:
        found.append(
            f"There {'is' if epochs == 1 else 'are'} {epochs} epoch{'' if epochs == 1 else 's'} so "
            "far: what the model has not learned yet it disagrees with. Look again after more."
        )
    return tuple(sentence for sentence in found if sentence)


def _about_model(found: ClassAccuracies) -> str | None:
    if not found.can_tell():
        return None
    if found.is_by_chance():
        return f"The model learned nothing: its {_figures(found)}. {_NOTHING} {_OTHER_TRAINING}."
    if _is_doubtful(found):
        return (
            f"The model is weak: its {_figures(found)}. Much of what it disagrees with may be its "
            "own mistakes, unless that many labels are wrong. A better model judges better."
        )
    return None


def _about_classifiers(found: ClassAccuracies) -> str | None:
    """The same of the classifiers of an audit."""
    if not found.can_tell():
        return None
    if found.is_by_chance():
        return (
            f"The classifiers learned nothing: their {_figures(found)}. {_NOTHING} "
            f"{_OTHER_FEATURES}."
        )
    if _is_doubtful(found):
        return (
            f"The classifiers are weak: their {_figures(found)}. Much of what they disagree with "
            "may be their own mistakes, unless that many labels are wrong. Features that fit the "
            "samples better judge better."
        )
    return None


def _is_doubtful(found: ClassAccuracies) -> bool:
    return found.accuracy < found.chance + _WEAK * (1 - found.chance)


def _figures(found: ClassAccuracies) -> str:
    return (
        f"{found.what} accuracy, averaged over the classes, is {found.accuracy:.0%}, and "
        f"chance gives {found.chance:.0%}"
    )
