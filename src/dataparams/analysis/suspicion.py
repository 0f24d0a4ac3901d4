"""Suspicion: the score that ranks the samples of a training by how likely their label is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataparams.analysis.scores import mean_probability_margin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

_SOFTENING = 0.01
_WEIGHT_OF_RIVAL = 0.3


@dataclass(frozen=True, eq=False)
class Doubts:
    """What speaks against the given label of each sample, (n,) each; higher: more.

    Attributes:
        disbelief: Minus the log probability of the label, and a third as much of its rival's.
        rivalry: The strongest rival's probability minus the label's.
        posterior_odds: Log odds that another class is the true one, by the transition matrix.
    """

    disbelief: Floats
    rivalry: Floats
    posterior_odds: Floats


def doubts_about(
    probabilities: NDArray[np.float32],
    posterior: NDArray[np.float32],
    labels: NDArray[np.integer],
) -> Doubts:
    """Weigh the class probabilities of samples against their labels.

    Args:
        probabilities: What the model predicts, (n, C).
        posterior: How likely each class is to be the true one, (n, C).
        labels: Given labels, (n,).
    """
    rows = np.arange(len(labels))
    of_label = probabilities[rows, labels]
    rivalry = -mean_probability_margin(probabilities, labels)
    of_rival = of_label + rivalry
    kept = posterior[rows, labels]
    return Doubts(
        disbelief=_WEIGHT_OF_RIVAL * np.log(of_rival + _SOFTENING)
        - np.log(np.maximum(of_label, 0) + _SOFTENING),
        rivalry=rivalry,
        posterior_odds=np.log1p(-np.minimum(kept, 1 - 1e-7)) - np.log(kept + 1e-12),
    )


def suspicion(doubts: Doubts, structure: float, asymmetry: float) -> NDArray[np.float64]:
    """Rank samples by suspicion.

    Where wrong labels are spread as by chance, a label that the model hardly believes in is
    suspicious whatever it believes instead. Where wrong labels keep to few classes, what counts is
    how the label stands against its rival and, the more the confusion goes one way only, what the
    transition matrix makes of it. Which evidence ranks best under which noise is measured in
    ``benchmarks/RESULTS.md``.

    Args:
        doubts: Of n samples.
        structure: How far wrong labels keep to few classes, 0 ... 1.
        asymmetry: How far that goes one way only, 0 ... 1.

    Returns:
        (n,), 0 ... 1: the share of samples that are less suspicious.

    Example:
        >>> few = np.array([0.0, 2.0, 1.0])
        >>> suspicion(Doubts(few, few, few), structure=0.0, asymmetry=0.0).round(2).tolist()
        [0.17, 0.83, 0.5]
    """
    mixed = (1 - structure) * quantiles(doubts.disbelief)
    if structure > 0:
        one_way = quantiles(doubts.posterior_odds)
        both_ways = quantiles(doubts.rivalry)
        mixed = mixed + structure * (asymmetry * one_way + (1 - asymmetry) * both_ways)
    return quantiles(mixed)


def quantiles(values: Floats) -> NDArray[np.float64]:
    """The share of values below each, ties and itself counted by half, (n,)."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = (rankdata(values) - 0.5) / max(len(values), 1)
    return ranks
