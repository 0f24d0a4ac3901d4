"""The share of wrong labels in an audit, by how often labels are disputed where heads are sure.

A label is disputed where a model that did not see the sample finds another class likeliest. That is
either because the label is wrong or because the model is. The surer the model, the less often it is
wrong itself; wrong labels are as frequent where it is sure as where it is not. So what remains of
the disputes among the surest samples is the share of wrong labels: as with a lapse rate in
psychophysics (Wichmann and Hill, Perception & Psychophysics, 2001).

The model's own mistakes are taken to follow Phi(a + b Phi^-1(u)), where u, 0 ... 1, is the rank of
a sample, the surest first, and Phi the normal distribution function (as a binormal curve; Dorfman
and Alf, Journal of Mathematical Psychology, 1969). Only ranks count, so it does not matter how
evidence is scaled; and they are ranks among the samples that the model assigns to the same class,
since it is less sure of all samples of a class where more labels are wrong.

Labels that are wrong just where classes look alike are disputed in the same way as a weaker model
disputes right ones; no count of disputes tells the two apart, and the share here leaves most of
them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SUREST = 0.6
_MOST_GROUPS, _FEWEST_IN_GROUP, _POINTS_OF_OTHERS = 48, 5, 8
_USUAL_LEVEL, _LEVEL_SPREAD = -1.5, 1.5
_USUAL_SLOPE, _SLOPE_SPREAD = 0.95, 0.28
"""Median of b, and the spread of its logarithm, among heads on features of several data sets."""
_USUAL_EXCESS, _EXCESS_SPREAD = 0.5, 1.2
"""Likewise of the log odds of mistakes among the less sure, beyond what the curve says of them."""
_RATE_PRIOR = (0.5, 1.5)
_RANGES = ((-6.0, 1.5), (-3.0, 3.0), (-3.0, 3.0), (-9.0, 4.0))
_STEPS = (17, 9, 7, 29)
_STAGES = 4
_NEGLIGIBLE = 1e-4
_DRAWS = 4000
_UNSEEN = 0.004
"""Fewer wrong labels than this share cannot be told from none."""


@dataclass(frozen=True)
class DisputedShare:
    """The share of wrong labels among n.

    Attributes:
        rate: The estimate, 0 ... 1.
        low: Where the 90 % interval around it begins.
        high: Where that ends.
        own_mistakes: The share of samples that the model itself assigns to a wrong class.
    """

    rate: float
    low: float
    high: float
    own_mistakes: float


@dataclass(frozen=True, eq=False)
class _Counts:
    """The surest samples in g groups of like rank, and all others as one more.

    Attributes:
        ranks: Phi^-1 of the groups' ranks, (g,).
        ranks_of_others: Some among the others', (h,).
        disputed: Labels disputed, (g + 1,).
        undisputed: Labels not disputed, (g + 1,).
    """

    ranks: Floats
    ranks_of_others: Floats
    disputed: Floats
    undisputed: Floats


@dataclass(frozen=True, eq=False)
class _Posterior:
    """Likely parameters, k of them.

    Attributes:
        weight: How likely they are, (k,); the sum is 1.
        mistakes: The model's own mistakes in each group, (k, g + 1).
        rate: The share of wrong labels, (k, 1).
    """

    weight: Floats
    mistakes: Floats
    rate: Floats


def disputed_share(
    is_disputed: NDArray[np.bool_],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    num_classes: int,
) -> DisputedShare:
    """Estimate the share of wrong labels, with a 90 % interval.

    Args:
        is_disputed: Whether the model finds another class likeliest than the given one, (n,).
        predicted: The class that it finds, (n,).
        confidence: How sure it is of that, (n,); whatever rises with it. It must
            not depend on the given label.
        num_classes: C, at least 2.

    Raises:
        ValueError: If there is no sample, or one class.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> confidence = rng.uniform(0, 1, 2000)
        >>> is_mistaken = rng.uniform(0, 1, 2000) < 0.4 * (1 - confidence) ** 4
        >>> is_wrong = rng.uniform(0, 1, 2000) < 0.1
        >>> predicted = np.arange(2000) % 10
        >>> share = disputed_share(is_mistaken | is_wrong, predicted, confidence, 10)
        >>> bool(share.low < is_wrong.mean() < share.high)
        True
    """
    if not len(is_disputed) or num_classes < 2:
        raise ValueError(
            f"There are {len(is_disputed)} samples of {num_classes} classes; expected one sample "
            "or more and two classes or more."
        )
    counts = _counts(is_disputed, _ranks(predicted, confidence))
    found = _posterior(counts, num_classes)
    disputed = _disputed(found.mistakes, found.rate, num_classes)
    if_disputed = _if_wrong(found.mistakes, num_classes) * found.rate / disputed
    if_undisputed = (1 - _if_wrong(found.mistakes, num_classes)) * found.rate / (1 - disputed)
    mean = if_disputed @ counts.disputed + if_undisputed @ counts.undisputed
    variance = (if_disputed * (1 - if_disputed)) @ counts.disputed
    variance += (if_undisputed * (1 - if_undisputed)) @ counts.undisputed
    total = len(is_disputed)
    low, high = _interval(found.weight, mean / total, variance / total**2)
    mistakes = found.mistakes @ (counts.disputed + counts.undisputed) / total
    return DisputedShare(
        rate=float(found.weight @ mean / total),
        low=max(low - _UNSEEN, 0.0),
        high=min(high + _UNSEEN, 1.0),
        own_mistakes=float(found.weight @ mistakes),
    )


def _disputed(mistakes: Floats, rate: Floats, num_classes: int) -> Floats:
    """How many labels are disputed: right ones by mistake, and wrong ones."""
    return (1 - rate) * mistakes + rate * _if_wrong(mistakes, num_classes)


def _if_wrong(mistakes: Floats, num_classes: int) -> Floats:
    """How many labels are wrong, without disputes that are mistakes of the model itself."""
    return 1 - mistakes / (num_classes - 1)


def _ranks(predicted: NDArray[np.integer], confidence: NDArray[np.floating]) -> Floats:
    """The rank of each sample among those of its predicted class, 0 ... 1, the surest first."""
    order = np.lexsort((-confidence, predicted))
    ordered = predicted[order]
    first = np.searchsorted(ordered, ordered, side="left")
    many = np.searchsorted(ordered, ordered, side="right") - first
    ranks = np.empty(len(predicted))
    ranks[order] = (np.arange(len(predicted)) - first + 0.5) / many
    return ranks


def _counts(is_disputed: NDArray[np.bool_], class_ranks: Floats) -> _Counts:
    total = len(is_disputed)
    ordered = is_disputed[np.argsort(class_ranks, kind="stable")]
    sure = max(1, round(_SUREST * total))
    parts = np.array_split(ordered[:sure], min(_MOST_GROUPS, max(1, sure // _FEWEST_IN_GROUP)))
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    disputed = np.array([part.sum() for part in (*parts, ordered[sure:])], dtype=np.float64)
    points = (np.arange(_POINTS_OF_OTHERS) + 0.5) / _POINTS_OF_OTHERS
    return _Counts(
        ranks=ndtri((np.cumsum(sizes) - sizes / 2) / total),
        ranks_of_others=ndtri(_SUREST + (1 - _SUREST) * points),
        disputed=disputed,
        undisputed=np.append(sizes, total - sure) - disputed,
    )


def _posterior(counts: _Counts, num_classes: int) -> _Posterior:
    """On a grid that is drawn anew, three times, around what is likely."""
    # Labels that were wrong more often than by chance would have taught the model other classes.
    most = min(_RANGES[-1][1], float(logit(1 - 1 / num_classes)))
    ranges = [*_RANGES[:-1], (_RANGES[-1][0], most)]
    for _ in range(_STAGES):
        axes = [np.linspace(*ends, steps) for ends, steps in zip(ranges, _STEPS, strict=True)]
        density, by_sure, by_others, rate = _grid(counts, axes, num_classes)
        ranges = [_likely_range(density, axes, k) for k in range(len(axes))]
    flat = density.reshape(len(by_sure), by_others.shape[1], len(rate))
    curve, excess, odds = np.nonzero(flat > _NEGLIGIBLE * flat.max())
    weight = flat[curve, excess, odds]
    mistakes = np.column_stack([by_sure[curve], by_others[curve, excess]])
    return _Posterior(weight / weight.sum(), mistakes, rate[odds, None])


def _grid(
    counts: _Counts, axes: list[Floats], num_classes: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """The posterior density, and what it is of.

    Returns:
        The density, (levels, slopes, excesses, odds); mistakes of the surest, (levels * slopes, g),
        and of the others, (levels * slopes, excesses); rates, (odds,).
    """
    level, slope, excess, log_odds = axes
    slopes = _USUAL_SLOPE * np.exp(_SLOPE_SPREAD * slope)

    def curves(ranks: Floats) -> Floats:
        height = level[:, None, None] + slopes[:, None] * ranks
        values: Floats = np.clip(ndtr(height), 1e-6, 1 - 1e-6)
        return values.reshape(-1, len(ranks))

    by_sure = curves(counts.ranks)
    usual = logit(curves(counts.ranks_of_others).mean(axis=1))
    by_others = expit(usual[:, None] + _USUAL_EXCESS + _EXCESS_SPREAD * excess)
    by_others = np.clip(by_others, 1e-6, 1 - 1e-6)
    rate = expit(log_odds)
    of_sure = _disputed(by_sure[:, None], rate[:, None], num_classes)
    of_others = _disputed(by_others[..., None], rate, num_classes)
    likelihood = (
        np.log(of_sure) @ counts.disputed[:-1] + np.log1p(-of_sure) @ counts.undisputed[:-1]
    )[:, None]
    likelihood = likelihood + np.log(of_others) * counts.disputed[-1]
    likelihood += np.log1p(-of_others) * counts.undisputed[-1]
    density = likelihood.reshape([len(axis) for axis in axes])
    density -= _squares((level - _USUAL_LEVEL) / _LEVEL_SPREAD)[:, None, None, None]
    density -= _squares(slope)[:, None, None] + _squares(excess)[:, None]
    density += _RATE_PRIOR[0] * np.log(rate) + _RATE_PRIOR[1] * np.log1p(-rate)
    return np.exp(density - density.max()), by_sure, by_others, rate


def _squares(values: Floats) -> Floats:
    """Minus the log density of a standard normal distribution, up to a constant."""
    return values**2 / 2


def _likely_range(density: Floats, axes: list[Floats], axis: int) -> tuple[float, float]:
    others = tuple(k for k in range(len(axes)) if k != axis)
    marginal, values = density.sum(axis=others), axes[axis]
    likely = np.flatnonzero(marginal > _NEGLIGIBLE * marginal.max())
    margin = 0.7 * (values[1] - values[0])
    low, high = values[likely[0]] - margin, values[likely[-1]] + margin
    return max(float(low), float(values[0])), min(float(high), float(values[-1]))


def _interval(weight: Floats, mean: Floats, variance: Floats) -> tuple[float, float]:
    """The middle 90 % of a mixture of normal distributions, from draws that are always the same."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(weight), _DRAWS, p=weight)
    values = mean[drawn] + np.sqrt(variance[drawn]) * rng.standard_normal(_DRAWS)
    low, high = np.quantile(np.clip(values, 0.0, 1.0), (0.05, 0.95))
    return float(low), float(high)
