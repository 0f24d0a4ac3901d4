"""How likely each label is wrong, from class probabilities and the ways in which labels err.

A model that learned from labels some of which are wrong is less sure than it should be, and leans
to the classes that labels were moved to. So its probabilities p, sharpened, are a prior of the true
class, and the label is an observation of it (Bayes' rule)::

    q_c = (p_c + 1e-10)^3, scaled to sum to 1
    P(true class c | label y)  ~  q_c * T[c, y]

T[c, y] is the share of class c that is labeled y. It is estimated from the posteriors that it gives
rise to, in turn, as by Dawid and Skene ("Maximum likelihood estimation of observer error-rates
using the EM algorithm", 1979), with one observer, the labels, and the model's word as prior. What a
sample itself adds to T does not count for it: else one sample would vouch for its own mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POWER = 3.0
LEAST = 1e-10
"""Of any class: small, since models that are seldom wrong differ in how sure they are."""
MOST_CLASSES = 11
"""The given class and the ten likeliest others are weighed."""
_ROUNDS = 30
_SETTLED = 1e-5
_FIRST_WRONG = 0.2
_PRIOR_COUNT = 1.0
_ROWS = 65_536
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class ClassPriors:
    """What predictions say of the classes that are weighed for each of n samples.

    Attributes:
        classes: The label first, then the likeliest others, the likeliest first, (n, k).
        prior: Of these, (n, k); rows sum to 1.
    """

    classes: NDArray[np.int64]
    prior: Floats

    @classmethod
    def of(
        cls, probabilities: NDArray[np.floating], labels: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> ClassPriors:
        """The classes to weigh where some labels are given to some samples.

        Args:
            probabilities: Of all N samples, (N, C).
            labels: A label for each of the rows, (m,).
            rows: Which of the samples, (m,).
        """
        kept = min(MOST_CLASSES, probabilities.shape[1])
        classes = np.empty((len(rows), kept), dtype=np.int64)
        prior = np.empty((len(rows), kept))
        for start in range(0, len(rows), _ROWS):
            part = slice(start, start + _ROWS)
            sharp = sharpened(probabilities[rows[part]])
            column = labels[part, None]
            ranked = sharp.copy()
            np.put_along_axis(ranked, column, np.inf, axis=1)
            if kept < ranked.shape[1]:
                chosen = np.argpartition(-ranked, kept - 1, axis=1)[:, :kept]
            else:
                chosen = np.tile(np.arange(kept), (len(ranked), 1))
            order = np.argsort(-np.take_along_axis(ranked, chosen, axis=1), axis=1, kind="stable")
            classes[part] = np.take_along_axis(chosen, order, axis=1)
            prior[part] = np.take_along_axis(sharp, classes[part], axis=1)
        return cls(classes, prior / prior.sum(axis=1, keepdims=True))


def sharpened(probabilities: NDArray[np.floating]) -> Floats:
    """Class probabilities as priors of the true class, (m, C); see this module's first lines.

    Example:
        >>> sharpened(np.array([[0.6, 0.4]])).round(2).tolist()
        [[0.77, 0.23]]
    """
    values = np.maximum(probabilities.astype(np.float64), 0) + LEAST
    sharp: Floats = (values / values.max(axis=1, keepdims=True)) ** POWER
    sharp /= sharp.sum(axis=1, keepdims=True)
    return sharp


@dataclass(frozen=True, eq=False)
class LabelTransitions:
    """How many samples of each class have each label, as expected; nearly all pairs have none.

    Attributes:
        pairs: Class times C plus label, of pairs that were weighed, ascending, (p,).
        counts: How many samples, (p,).
        of_class: How many samples of each class, (C,).
    """

    pairs: NDArray[np.int64]
    counts: Floats
    of_class: Floats

    @classmethod
    def estimated(cls, priors: ClassPriors, num_classes: int) -> tuple[LabelTransitions, Floats]:
        """Estimate them.

        Args:
            priors: Of n samples, with their given labels.
            num_classes: C, at least 2.

        Returns:
            The transitions, and how likely each class that is weighed is the true one of each
            sample, (n, k), the given one first; rows sum to 1.

        Example:
            >>> labels = np.repeat([0, 1, 1], [50, 10, 40])
            >>> table = np.where(np.arange(2) == np.repeat([0, 1], [60, 40])[:, None], 0.7, 0.3)
            >>> priors = ClassPriors.of(table, labels, np.arange(100))
            >>> transitions, posterior = LabelTransitions.estimated(priors, 2)
            >>> posterior[[0, 50, 60], 0].round(2).tolist()
            [1.0, 0.42, 0.99]
        """
        labels = priors.classes[:, :1]
        pairs, place = np.unique(priors.classes * num_classes + labels, return_inverse=True)
        place = place.reshape(priors.classes.shape)
        chance = np.full(priors.prior.shape, _FIRST_WRONG / (num_classes - 1))
        chance[:, 0] = 1 - _FIRST_WRONG
        share = _shares(priors.prior, chance)
        for _ in range(_ROUNDS):
            found = cls._counted(pairs, place, priors.classes, share, num_classes)
            before, weight = share, found.counts[place] - share
            chance = _chance(weight, found.of_class[priors.classes] - share, num_classes)
            share = _shares(priors.prior, chance)
            if np.abs(share - before).max() < _SETTLED:
                break
        return cls._counted(pairs, place, priors.classes, share, num_classes), share

    @classmethod
    def _counted(
        cls,
        pairs: NDArray[np.int64],
        place: NDArray[np.int64],
        classes: NDArray[np.int64],
        share: Floats,
        num_classes: int,
    ) -> LabelTransitions:
        counts: Floats = np.bincount(place.ravel(), share.ravel(), len(pairs)).astype(np.float64)
        of_class = np.bincount(classes.ravel(), share.ravel(), num_classes).astype(np.float64)
        return cls(pairs, counts, of_class)

    def posterior(self, priors: ClassPriors) -> Floats:
        """How likely each class that is weighed is the true one, had other labels been given.

        Args:
            priors: Of m samples, each with such a label.

        Returns:
            (m, k), the given one first; rows sum to 1.
        """
        num_classes = len(self.of_class)
        asked = priors.classes * num_classes + priors.classes[:, :1]
        place = np.minimum(np.searchsorted(self.pairs, asked), len(self.pairs) - 1)
        counts = np.where(self.pairs[place] == asked, self.counts[place], 0.0)
        chance = _chance(counts, self.of_class[priors.classes], num_classes)
        return _shares(priors.prior, chance)


def log_odds(posterior: Floats) -> Floats:
    """Of a wrong label, (m,): of all classes but the first against the first."""
    right = np.maximum(posterior[:, 0], _TINY)
    odds: Floats = np.log(np.maximum(posterior[:, 1:].sum(axis=1), _TINY)) - np.log(right)
    return odds


def _shares(prior: Floats, chance: Floats) -> Floats:
    weight = prior * chance
    shares: Floats = weight / weight.sum(axis=1, keepdims=True)
    return shares


def _chance(counts: Floats, of_class: Floats, num_classes: int) -> Floats:
    """T, as if one sample of each class more had been seen, spread evenly over the labels."""
    chance: Floats = np.maximum(counts, 0) + _PRIOR_COUNT / num_classes
    chance /= np.maximum(of_class, 0) + _PRIOR_COUNT
    return chance
