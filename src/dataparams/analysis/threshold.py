"""Where mislabeled samples begin, from the distribution of the data parameters alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPONENTS_SEED = 0
_MOST_POINTS = 20_000
_LEAST_SEPARATION = 2.0
_LEAST_VARIANCE = 1e-8
_SMALLEST_GROUP = 2


@dataclass(frozen=True)
class NoiseEstimate:
    """What the values tell of the share of wrong labels.

    Attributes:
        noise_rate: Estimated share of mislabeled samples, 0 ... 1.
        threshold: Log temperature above which a label is taken as wrong.
        is_bimodal: Whether the values fall into two groups; if not, only those above their
            starting value count, and there may be no wrong labels at all.
    """

    noise_rate: float
    threshold: float
    is_bimodal: bool


def estimate_noise(log_temperature: NDArray[np.floating], initial: float = 0.0) -> NoiseEstimate:
    """Estimate the share of mislabeled samples and where they begin.

    A log temperature falls while the model agrees with the given label and rises while it does
    not, so it ends above its start only where the model disagreed with the label on the whole.
    Where two normal distributions describe the values as two groups apart (their means on the two
    sides of the start, at Ashman's D of 2 or more), the threshold is the point between them at
    which a sample is as likely in one as in the other. Otherwise it is the start itself.

    Args:
        log_temperature: (n,) log temperatures, n at least 2.
        initial: Log temperature at the start.

    Returns:
        The estimate.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> values = np.concatenate([rng.normal(-1, 0.2, 700), rng.normal(1, 0.3, 300)])
        >>> estimate = estimate_noise(values)
        >>> round(estimate.noise_rate, 2), estimate.is_bimodal
        (0.3, True)
    """
    values = np.asarray(log_temperature, dtype=np.float64) - initial
    crossing = _crossing(values)
    threshold = 0.0 if crossing is None else crossing
    return NoiseEstimate(
        noise_rate=float((values > threshold).mean()),
        threshold=threshold + initial,
        is_bimodal=crossing is not None,
    )


def _crossing(values: NDArray[np.float64]) -> float | None:
    """Where the two groups are equally likely; None where there are no two groups."""
    from sklearn.mixture import GaussianMixture

    sample = values
    if len(values) > _MOST_POINTS:
        sample = np.random.default_rng(_COMPONENTS_SEED).choice(values, _MOST_POINTS, replace=False)
    # The two sides of the start are where the mixture begins: near enough for a small group too.
    groups = [sample[sample <= 0], sample[sample > 0]]
    if min(len(group) for group in groups) < _SMALLEST_GROUP:
        return None
    mixture = GaussianMixture(
        2,
        weights_init=[len(group) / len(sample) for group in groups],
        means_init=[[group.mean()] for group in groups],
        precisions_init=[[[1 / (group.var() + _LEAST_VARIANCE)]] for group in groups],
        reg_covar=_LEAST_VARIANCE,
        random_state=_COMPONENTS_SEED,
    ).fit(sample[:, None])
    order = np.argsort(mixture.means_.ravel())
    means = mixture.means_.ravel()[order]
    variances = mixture.covariances_.ravel()[order]
    separation = np.sqrt(2) * (means[1] - means[0]) / np.sqrt(variances.sum())
    if separation < _LEAST_SEPARATION or not means[0] < 0 < means[1]:
        return None
    grid = np.linspace(means[0], means[1], 1001)
    upper = mixture.predict_proba(grid[:, None])[:, order[1]]
    return float(grid[np.argmax(upper > 0.5)])
