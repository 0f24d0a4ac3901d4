"""Right and wrong labels as two humps of one distribution of margins.

The margin of a label is the log of its probability over that of its strongest rival. Right labels
have margins around some positive value, wrong ones around about its mirror image, since the model
believes as firmly in the class that the sample really is of. A model that fits has no second hump
where labels are right, and one that is unsure here and there has a wide one: that is how its own
mistakes are told from wrong labels. Of a weak model they cannot be told.

Both humps are Student's t distributions, whose tails forgive outliers; the upper one has a width of
its own on either side. The fit is by greatest posterior density; its priors say, in units of the
upper hump's mode, how wide humps usually are and how nearly the lower one mirrors the upper. Real
humps only resemble these, so a second one must explain the margins much better than one alone, by
Schwarz's criterion (Annals of Statistics, 1978), and more than 5,000 samples count as so many.
Everything is computed from a histogram: a million margins cost as much as a thousand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGEST = 7.0
_EDGES = np.linspace(-_LARGEST, _LARGEST, 281)
_CENTERS = (_EDGES[1:] + _EDGES[:-1]) / 2
_DEGREES = 6.0
_USUAL_WIDTH = math.log(0.45)
_LOG_ODDS = (-9.0, 5.0)
_BOUNDS = ((-3.0, 2.0), (-1.4, 1.0), (-3.0, 1.0), (-0.7, 0.7), (-1.4, 1.0))
_STARTS = (0.02, 0.3)
_MORE_PARAMETERS = 3
_MOST_SAMPLES = 5_000
_FIRST_STEP = 0.25
_HALVINGS = 4
_DROP = 1.353
"""Half the 90 % quantile of chi-square with one degree of freedom."""


@dataclass(frozen=True)
class MarginMixture:
    """Two humps of margins, and the share of the lower one.

    Attributes:
        log_odds: Log odds of a wrong label, before its margin is looked at.
        height: Mode of the right labels' margins, above 0.
        width_below: Their width below the mode.
        width_above: Their width above it.
        depth: Minus the mode of the wrong labels' margins, above 0.
        width_wrong: Their width.
    """

    log_odds: float
    height: float
    width_below: float
    width_above: float
    depth: float
    width_wrong: float

    @property
    def share(self) -> float:
        """The share of wrong labels, 0 ... 1."""
        return _expit(self.log_odds)

    def noise_probability(self, margins: NDArray[np.floating]) -> Floats:
        """How likely each label is wrong, given its margin: never rising with the margin.

        Args:
            margins: (n,).
        """
        grid = self._posterior(_CENTERS)
        # Beyond the two modes the tails would turn the odds around.
        grid[-self.depth > _CENTERS] = self._posterior(np.array([-self.depth]))[0]
        falling = np.minimum.accumulate(grid)
        return np.interp(np.asarray(margins, dtype=np.float64), _CENTERS, falling)

    def _posterior(self, margins: Floats) -> Floats:
        wrong = _log_hump(margins, -self.depth, self.width_wrong, self.width_wrong)
        right = _log_hump(margins, self.height, self.width_below, self.width_above)
        return 1 / (1 + np.exp(-(self.log_odds + wrong - right)))


def histogram(margins: NDArray[np.floating]) -> Floats:
    """Counts of margins in bins of a twentieth, those beyond 7 in the outermost."""
    inside = np.clip(margins, _EDGES[0], _EDGES[-1])
    return np.histogram(inside, _EDGES)[0].astype(np.float64)


def fit_mixture(counts: Floats) -> MarginMixture:
    """Fit both humps and the share of the lower one.

    Args:
        counts: From :func:`histogram`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> margins = np.concatenate([rng.normal(3, 1, 900), rng.normal(-3, 1, 100)])
        >>> round(fit_mixture(histogram(margins)).share, 2)
        0.1
    """
    return _mixture(_fit(_limited(counts))[0])


def with_share(mixture: MarginMixture, counts: Floats, share: float) -> MarginMixture:
    """The same humps with the odds at which the mean noise probability is ``share``.

    Args:
        mixture: The humps.
        counts: From :func:`histogram`; not empty.
        share: 0 ... 1.
    """
    from scipy.optimize import brentq

    def excess(log_odds: float) -> float:
        noise = replace(mixture, log_odds=log_odds).noise_probability(_CENTERS)
        return float(noise @ counts / counts.sum()) - share

    lowest, highest = -40.0, 40.0
    if excess(lowest) >= 0:
        return replace(mixture, log_odds=lowest)
    if excess(highest) <= 0:
        return replace(mixture, log_odds=highest)
    return replace(mixture, log_odds=float(brentq(excess, lowest, highest, xtol=1e-6)))


def share_interval(counts: Floats) -> tuple[float, float, float]:
    """The share of the lower hump with its 90 % interval by profile likelihood.

    The share is 0 where one hump explains the margins about as well as two.

    Args:
        counts: From :func:`histogram`.

    Returns:
        The share, the lower end and the upper end, 0 ... 1.
    """
    counts = _limited(counts)
    best, height = _fit(counts)
    center = float(best[5])
    one_hump = _fit_shape(counts, _LOG_ODDS[0], best[:5])[1]

    def is_outside(log_odds: float) -> bool:
        return _fit_shape(counts, log_odds, best[:5])[1] - height > _DROP

    highest = _end(is_outside, center, 1)
    if one_hump - height < _MORE_PARAMETERS / 2 * math.log(max(counts.sum(), 2)):
        return 0.0, 0.0, highest
    return _expit(center), _end(is_outside, center, -1), highest


def _end(is_outside: Callable[[float], bool], center: float, direction: int) -> float:
    """The share at which an interval of log odds ends in one direction."""
    bound = _LOG_ODDS[direction > 0]
    inner, step = center, _FIRST_STEP
    while not is_outside(inner + direction * step):
        inner += direction * step
        step *= 2
        if direction * (inner - bound) >= 0:
            return 0.0 if direction < 0 else 1.0
    outer = inner + direction * step
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        inner, outer = (inner, middle) if is_outside(middle) else (middle, outer)
    return _expit((inner + outer) / 2)


def _fit(counts: Floats) -> tuple[Floats, float]:
    """The parameters of greatest posterior density, (6,), and minus its log there."""
    from scipy.optimize import minimize

    def objective(parameters: Floats) -> tuple[float, Floats]:
        value, slope, odds_slope = _minus_log_posterior(parameters[:5], parameters[5], counts)
        return value, np.append(slope, odds_slope)

    found = []
    for share in _STARTS:
        start = [*_usual_shape(counts), math.log(share / (1 - share))]
        bounds = [*_BOUNDS, _LOG_ODDS]
        found.append(minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds))
    best = min(found, key=lambda result: float(result.fun))
    return best.x, float(best.fun)


def _fit_shape(counts: Floats, log_odds: float, start: Floats) -> tuple[Floats, float]:
    """The same with the odds held fast."""
    from scipy.optimize import minimize

    def objective(shape: Floats) -> tuple[float, Floats]:
        return _minus_log_posterior(shape, log_odds, counts)[:2]

    best = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    return best.x, float(best.fun)


def _limited(counts: Floats) -> Floats:
    """The counts, as if of no more than 5,000 samples: more do not make humps truer to form."""
    return counts * min(1.0, _MOST_SAMPLES / max(float(counts.sum()), 1.0))


def _usual_shape(counts: Floats) -> list[float]:
    """Where the search begins: the median of the positive margins, usual widths, a mirror image."""
    above = np.cumsum(np.where(_CENTERS > 0, counts, 0))
    median = _CENTERS[np.searchsorted(above, above[-1] / 2)] if above[-1] else 0.5
    return [math.log(max(float(median), 0.1)), _USUAL_WIDTH, _USUAL_WIDTH, 0.0, _USUAL_WIDTH]


def _minus_log_posterior(
    shape: Floats, log_odds: float, counts: Floats
) -> tuple[float, Floats, float]:
    """Minus the log posterior density, its gradient in the shape (5,), and in the log odds."""
    mixture = _mixture(np.append(shape, log_odds))
    right, right_mode, right_below, right_above = _hump_and_slopes(
        mixture.height, mixture.width_below, mixture.width_above
    )
    wrong, wrong_mode, wrong_below, wrong_above = _hump_and_slopes(
        -mixture.depth, mixture.width_wrong, mixture.width_wrong
    )
    softplus = float(np.logaddexp(0, log_odds))
    both = np.logaddexp(right - softplus, wrong + log_odds - softplus)
    of_wrong = counts * np.exp(wrong + log_odds - softplus - both)
    of_right = counts - of_wrong
    height = mixture.height * (of_right @ right_mode)
    below = mixture.width_below * (of_right @ right_below)
    above = mixture.width_above * (of_right @ right_above)
    depth = -mixture.depth * (of_wrong @ wrong_mode)
    width = mixture.width_wrong * (of_wrong @ (wrong_below + wrong_above))
    slope = np.array([height + below + above + depth + width, below, above, depth, width])
    prior, prior_slope = _prior(shape)
    odds_slope = of_wrong.sum() - counts.sum() * _expit(log_odds)
    return prior - float(counts @ both), prior_slope - slope, -float(odds_slope)


def _prior(shape: Floats) -> tuple[float, Floats]:
    """Minus the log prior density of a shape, and its gradient."""
    _, below, above, mirror, width = shape.tolist()
    terms = np.array(
        [
            (below - _USUAL_WIDTH) / 0.5,
            (above - _USUAL_WIDTH) / 0.7,
            mirror / 0.3,
            (width - below) / 0.4,
        ]
    )
    of_width = terms[3] / 0.4
    slope = np.array([0.0, terms[0] / 0.5 - of_width, terms[1] / 0.7, terms[2] / 0.3, of_width])
    return float(terms @ terms) / 2, slope


def _mixture(parameters: Floats) -> MarginMixture:
    height = math.exp(parameters[0])
    below, above, mirror, width = np.exp(parameters[1:5]).tolist()
    return MarginMixture(
        log_odds=float(parameters[5]),
        height=height,
        width_below=height * below,
        width_above=height * above,
        depth=height * mirror,
        width_wrong=height * width,
    )


def _log_hump(margins: Floats, mode: float, below: float, above: float) -> Floats:
    """Log density, up to a constant, of a t distribution with two widths."""
    z = (margins - mode) / np.where(margins < mode, below, above)
    density: Floats = -(_DEGREES + 1) / 2 * np.log1p(z * z / _DEGREES) - math.log(below + above)
    return density


def _hump_and_slopes(mode: float, below: float, above: float) -> tuple[Floats, ...]:
    """The log density at the bins' centers, and its derivatives by mode and both widths."""
    is_below = mode > _CENTERS
    width = np.where(is_below, below, above)
    z = (_CENTERS - mode) / width
    pull = (_DEGREES + 1) * z / (_DEGREES + z * z) / width
    stretch = pull * z
    by_below = np.where(is_below, stretch, 0) - 1 / (below + above)
    by_above = np.where(is_below, 0, stretch) - 1 / (below + above)
    return _log_hump(_CENTERS, mode, below, above), pull, by_below, by_above


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value))
