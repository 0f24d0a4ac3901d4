"""The share of wrong labels in a training, estimated from labels and class probabilities.

The probabilities may come from epochs of a training, from held-out heads, or from arrays. Of
several sets, such as the first and the second half of a training, each hides some wrong labels: the
early ones because the model is unsure, the late ones because it memorized labels. So the highest
share counts, and the interval spans all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.cautions import class_accuracies
from dataparams.analysis.class_standing import class_standing
from dataparams.analysis.margin_mixture import histogram, share_interval
from dataparams.analysis.scores import label_and_rival
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_SOFTENING = 1e-3
_ROUNDING = 0.01
_UNSEEN_SHARE, _UNSEEN_BELOW, _UNSEEN_ABOVE = 0.1, 0.002, 0.005
"""What the shape of the humps leaves open, beside chance: a tenth of either end, and a little."""


@dataclass(frozen=True)
class NoiseEstimate:
    """The estimated share of wrong labels.

    Attributes:
        rate: The estimate, 0 ... 1.
        low: Where the 90 % interval around it begins.
        high: Where that ends.
    """

    rate: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is an estimate; otherwise the interval is 0 ... 1."""
        return self != UNKNOWN_NOISE


UNKNOWN_NOISE = NoiseEstimate(0.0, 0.0, 1.0)
"""No estimate can be made."""


def estimate_noise_rate(
    labels: NDArray[np.integer], probabilities: Floats, *others: Floats
) -> NoiseEstimate:
    """Estimate the share of wrong labels, with a 90 % interval.

    Labels of classes that cannot be judged do not count; see
    :func:`dataparams.analysis.class_standing.class_standing`. Probabilities that always favor the
    same class, or are right no more often than by chance, are no evidence on any label. How margins
    tell right labels from wrong ones: :mod:`dataparams.analysis.margin_mixture`. The estimate is of
    use where the model fits: the mistakes of a weak one, among many classes above all, look like
    wrong labels.

    Args:
        labels: Given labels, (n,), 0 ... C-1.
        probabilities: Class probabilities of each sample, (n, C), rows sum to 1.
        others: More such probabilities of the same samples, from other models or other times.

    Raises:
        ArgumentError: If shapes do not fit, or values are not finite or out of their range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> true = rng.integers(0, 3, 600)
        >>> labels = np.where(np.arange(600) < 60, (true + 1) % 3, true)
        >>> logits = rng.normal(0, 0.5, (600, 3)) + 3 * np.eye(3)[true]
        >>> probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        >>> estimate = estimate_noise_rate(labels, probabilities)
        >>> round(estimate.rate, 2), estimate.low < 0.1 < estimate.high
        (0.1, True)
    """
    margins = []
    labels = np.asarray(labels)
    for values in map(np.asarray, (probabilities, *others)):
        _require_probabilities(labels, values)
        predicted, num_classes = values.argmax(axis=1), values.shape[1]
        if _says_nothing(labels, predicted, num_classes):
            continue
        standing = class_standing(labels, predicted, num_classes)
        rows = np.flatnonzero(standing.is_judged[labels])
        margins.append(label_margins(values[rows], labels[rows]))
    return noise_of_margins(*margins)


def _says_nothing(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], num_classes: int
) -> bool:
    if not len(labels) or (predicted == predicted[0]).all():
        return True
    return class_accuracies(labels, predicted, num_classes, "").is_by_chance()


def _require_probabilities(labels: NDArray[np.integer], values: Floats) -> None:
    if values.ndim != 2 or labels.shape != values.shape[:1] or values.shape[1] < 2:
        raise ArgumentError(
            f"`labels` has shape {labels.shape} and `probabilities` {values.shape}; expected "
            "(samples,) and (samples, classes), with 2 classes or more."
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise ArgumentError("`probabilities` has values below 0 or not finite; expected 0 ... 1.")
    if len(values) and np.abs(values.sum(axis=1) - 1).max() > _ROUNDING:
        raise ArgumentError(
            "`probabilities` has rows that do not sum to 1; expected class probabilities, as a "
            "softmax gives them."
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < values.shape[1]:
        raise ArgumentError(
            f"`labels` runs from {labels.min()} to {labels.max()}; expected "
            f"0 ... {values.shape[1] - 1}, since `probabilities` has {values.shape[1]} columns."
        )


def noise_of_margins(*margins: Floats) -> NoiseEstimate:
    """The same from margins of labels, as :func:`label_margins` gives them; all of judged classes.

    Args:
        margins: (n,), one array for each set of probabilities.
    """
    margins = tuple(values for values in margins if len(values))
    if not margins:
        return UNKNOWN_NOISE
    found = [share_interval(histogram(values)) for values in margins]
    rates, lows, highs = zip(*found, strict=True)
    low = min((low for rate, low in zip(rates, lows, strict=True) if rate > 0), default=0.0)
    return NoiseEstimate(
        rate=max(rates),
        low=max((1 - _UNSEEN_SHARE) * low - _UNSEEN_BELOW, 0.0),
        high=max(
            min((1 + _UNSEEN_SHARE) * max(highs) + _UNSEEN_ABOVE, 1.0),
            # What may be wrong though none of so many labels is seen to be, at 90 % confidence.
            1 - 0.1 ** (1 / max(map(len, margins))),
        ),
    )


def of_weak_model(
    estimate: NoiseEstimate, disagreement: float, own_mistakes: float
) -> NoiseEstimate:
    """What remains of an estimate where the model is weak.

    Its own mistakes look like wrong labels then. So there may be none, and no more count than it
    disagrees with beyond the share r that it mistakes by itself: (d - r) / (1 - r).

    Args:
        estimate: By its margins.
        disagreement: The share d of labels that it disagrees with.
        own_mistakes: The share r, on samples that it was not trained on; where that is not known,
            the same as ``disagreement``.

    Example:
        >>> found = of_weak_model(NoiseEstimate(0.7, 0.4, 0.9), 0.6, 0.5)
        >>> round(found.rate, 2), found.low, found.high
        (0.2, 0.0, 0.9)
    """
    beyond = max(disagreement - own_mistakes, 0.0) / max(1 - own_mistakes, 1e-9)
    return NoiseEstimate(min(estimate.rate, beyond), 0.0, estimate.high)


def label_margins(probabilities: Floats, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """The log of the given label's probability over that of its strongest rival, (n,).

    A thousandth is added to both, so that no certainty is without end.

    Args:
        probabilities: (n, C), C at least 2.
        labels: (n,).

    Example:
        >>> label_margins(np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([1, 0])).round(2).tolist()
        [-2.19, 0.0]
    """
    of_label, of_rival = label_and_rival(probabilities, labels)
    margins: NDArray[np.float64] = np.log(of_label.astype(np.float64) + _SOFTENING)
    margins -= np.log(of_rival.astype(np.float64) + _SOFTENING)
    return margins
