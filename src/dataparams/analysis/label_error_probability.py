"""How likely each label of an audit is wrong, calibrated by labels that were made wrong on trial.

How many is told by disputes (:mod:`dataparams.analysis.audit_noise_rate`). Evidence for the given
labels is a mixture of that for right and for wrong ones; how the wrong ones look is known from
errors that were planted. So the probability that a label is wrong is the share times the density of
planted evidence over that of all evidence, a ratio that can only fall as evidence rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.audit_noise_rate import disputed_share
from dataparams.analysis.noise_rate import UNKNOWN_NOISE, NoiseEstimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_LEAST = 1e-300
_WIDEST = 0.5
_HALVINGS = 60
_LARGEST_FACTOR = 1e9
_LIKELY = 0.5


@dataclass(frozen=True, eq=False)
class HeldOutNoise:
    """What is known of the given labels together and one by one.

    Attributes:
        estimate: The share of wrong labels; unknown where its interval is wider than a half.
        noise_probability: How likely each label is wrong, (n,), 0 ... 1, never rising with the
            evidence; its mean is the estimate. 0.5 where there is no evidence.
        disputed: The share of labels that the model disputes, wrong or not: as many may be wrong if
            wrong labels are most frequent between classes that look alike.
        found: What share of the planted errors is found, more likely wrong than right, by kind.
    """

    estimate: NoiseEstimate
    noise_probability: NDArray[np.float64]
    disputed: float
    found: dict[str, float]


def noise_from_planted(
    evidence: Floats,
    planted: Mapping[str, Floats],
    *,
    is_disputed: NDArray[np.bool_],
    predicted: NDArray[np.integer],
    confidence: Floats,
    num_classes: int,
) -> HeldOutNoise:
    """Estimate the share of wrong labels, with a 90 % interval, and each label's probability.

    All samples are of classes that can be judged. What a model that is right by chance says of them
    must not get here.

    Args:
        evidence: For the given label of each sample, (n,), at least 0; low is bad.
        planted: The same for labels that were made wrong, (p,), by how they were chosen; those like
            the wrong labels that there are, ``confused``, count where there are any.
        is_disputed: Whether the model finds another class likeliest, (n,).
        predicted: The class that it finds, (n,).
        confidence: How sure it is of that, (n,); whatever rises with it.
        num_classes: C, at least 2.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> is_wrong = np.arange(1000) < 150
        >>> evidence = np.where(is_wrong, 0.05, 0.9) * rng.uniform(0.8, 1.0, 1000)
        >>> noise = noise_from_planted(
        ...     evidence,
        ...     {"uniform": 0.05 * rng.uniform(0.8, 1.0, 300)},
        ...     is_disputed=is_wrong,
        ...     predicted=np.arange(1000) % 5,
        ...     confidence=rng.uniform(0, 1, 1000),
        ...     num_classes=5,
        ... )
        >>> f"{noise.estimate.rate:.2f} {noise.noise_probability.mean():.2f}"
        '0.15 0.15'
    """
    if not len(evidence):
        return HeldOutNoise(UNKNOWN_NOISE, np.zeros(0), 0.0, dict.fromkeys(planted, 0.0))
    disputed = float(is_disputed.mean())
    share = disputed_share(is_disputed, predicted, confidence, num_classes)
    chosen = _like_the_wrong(planted)
    if share.high - share.low > _WIDEST or not len(chosen):
        unknown = np.full(len(evidence), 0.5)
        return HeldOutNoise(UNKNOWN_NOISE, unknown, disputed, dict.fromkeys(planted, 0.0))
    score, wrong = np.log(evidence + _LEAST), np.log(chosen + _LEAST)
    probability = noise_probability(score, wrong, share.rate)
    found = {
        kind: _found(score, probability, np.log(values + _LEAST))
        for kind, values in planted.items()
    }
    estimate = NoiseEstimate(share.rate, share.low, share.high)
    return HeldOutNoise(estimate, probability, disputed, found)


def _like_the_wrong(planted: Mapping[str, Floats]) -> NDArray[np.floating]:
    if len(planted.get("confused", ())):
        return planted["confused"]
    return np.concatenate([np.zeros(0), *planted.values()])


def noise_probability(score: Floats, wrong: Floats, rate: float) -> NDArray[np.float64]:
    """The share times the ratio of densities, scaled so that its mean is the share.

    Regressing where a value is from, all or planted, gives the planted part h of both together,
    and h / (1 - h) is the ratio (Menon et al., "Linking losses for density ratio and class-
    probability estimation", 2016).
    """
    # It takes 100 MB of memory, and servers show what was analyzed before.
    from sklearn.isotonic import IsotonicRegression

    # Values that differ in the last digits count as one, beyond which the largest may lie.
    regression = IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0, out_of_bounds="clip")
    regression.fit(
        np.concatenate([score, wrong]),
        np.repeat([0.0, 1.0], [len(score), len(wrong)]),
        sample_weight=np.repeat(
            [1.0, max(rate, 1e-6) * len(score) / len(wrong)], [len(score), len(wrong)]
        ),
    )
    part = regression.predict(score)
    ratio = part / np.maximum(1 - part, 1e-9)
    return _scaled_to_mean(np.asarray(ratio, dtype=np.float64), rate)


def _scaled_to_mean(ratio: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Times a factor, and at most 1, so that the mean is as wanted, as nearly as can be."""
    if mean <= 0:
        return np.zeros(len(ratio))
    # Where a ratio of zero cannot be scaled, a little remains, in the order of the ratios.
    ratio = ratio + 1e-7
    low, high = 0.0, _LARGEST_FACTOR
    for _ in range(_HALVINGS):
        middle = np.sqrt(max(low, 1 / _LARGEST_FACTOR) * high)
        is_below = np.minimum(middle * ratio, 1.0).mean() < mean
        low, high = (middle, high) if is_below else (low, middle)
    return np.minimum(high * ratio, 1.0)


def _found(score: Floats, probability: NDArray[np.float64], planted: Floats) -> float:
    likely = score[probability > _LIKELY]
    return float((planted <= likely.max()).mean()) if len(likely) and len(planted) else 0.0
