"""What speaks about labels: predictions that were given, and heads trained on features.

A voice says of some samples how likely their label is wrong, and which classes are likely whatever
the label is. Where several speak of a sample, log odds are averaged, and evidence for classes is
multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dataparams.issues.label_transitions import (
    POWER,
    ClassPriors,
    LabelTransitions,
    log_odds,
    sharpened,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.training.cross_fitting import CrossFit

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

LIKELIEST = 10
"""So many of the likeliest classes are kept of a sample."""
_ROWS = 65_536
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class LikelyClasses:
    """The likeliest classes of m samples, whatever their label is.

    Attributes:
        classes: The likeliest first, (m, k).
        evidence: For each, (m, k); that of all classes sums to 1.
        probability: What the models say of each, (m, k).
    """

    classes: Rows
    evidence: Floats
    probability: Floats


class Voice(Protocol):
    """What speaks about the labels of some of n samples.

    Attributes:
        rows: Which, ascending, (m,).
        log_odds: Of a wrong label, (m,).
        probability: Of the label by the models, (m,).
        likely: Which classes are likely.
    """

    rows: Rows
    log_odds: Floats
    probability: Floats
    likely: LikelyClasses

    def log_odds_of(self, places: Rows, labels: Rows) -> Floats:
        """What ``log_odds`` would be of other labels, had they been given, (p,).

        Args:
            places: Places in ``rows``, (p,).
            labels: A label for each.
        """


class PredictionVoice:
    """Class probabilities that were given.

    Its log odds are in units of the probabilities as they were before they were sharpened, so that
    they can be added to those of others.

    Args:
        probabilities: Of the samples that it speaks of, (m, C).
        labels: Their labels, (m,).
        rows: Which of all samples they are, ascending, (m,).
    """

    def __init__(self, probabilities: NDArray[np.floating], labels: Rows, rows: Rows) -> None:
        self._probabilities = probabilities
        self.rows = rows
        count, num_classes = probabilities.shape
        priors = ClassPriors.of(probabilities, labels, np.arange(count))
        self.transitions, posterior = LabelTransitions.estimated(priors, num_classes)
        self.log_odds = log_odds(posterior) / POWER
        self.probability = probabilities[np.arange(count), labels].astype(np.float64)
        self.likely = _likely(probabilities)

    def log_odds_of(self, places: Rows, labels: Rows) -> Floats:
        """See :class:`Voice`."""
        priors = ClassPriors.of(self._probabilities, labels, places)
        return log_odds(self.transitions.posterior(priors)) / POWER


class FeatureVoice:
    """Heads and neighbors on features, which never saw the sample that they judge.

    Args:
        fit: What they say of the samples.
        rows: Which of all samples they are, ascending, (m,).
    """

    def __init__(self, fit: CrossFit, rows: Rows) -> None:
        self.fit, self.rows = fit, rows
        self.log_odds = _odds_of_support(fit.support)
        last = fit.rounds[-1]
        self.probability = last.probability.astype(np.float64)
        self.likely = LikelyClasses(
            last.classes.astype(np.int64),
            last.class_evidence.astype(np.float64),
            last.class_probability.astype(np.float64),
        )

    def log_odds_of(self, places: Rows, labels: Rows) -> Floats:
        """See :class:`Voice`."""
        return _odds_of_support(self.fit.support_for(places, labels))


@dataclass(frozen=True, eq=False)
class JointVoice:
    """Several voices as one, which speaks of all n samples that any of them speaks of.

    Attributes:
        voices: One or more.
        count: n; each sample is spoken of.
        num_classes: C.
    """

    voices: Sequence[Voice]
    count: int
    num_classes: int

    def log_odds(self) -> Floats:
        """Of a wrong label, (n,): the mean over the voices that speak of the sample."""
        return self._mean([voice.log_odds for voice in self.voices])

    def probability(self) -> Floats:
        """Of the label by the models, (n,), likewise."""
        return self._mean([voice.probability for voice in self.voices])

    def log_odds_of(self, rows: Rows, labels: Rows) -> Floats:
        """What ``log_odds`` would be of other labels, had they been given, (p,).

        Args:
            rows: Which of the n samples, (p,).
            labels: A label for each.
        """
        total, speaking = np.zeros(len(rows)), np.zeros(len(rows))
        for voice in self.voices:
            place = np.full(self.count, -1, dtype=np.int64)
            place[voice.rows] = np.arange(len(voice.rows))
            heard = np.flatnonzero(place[rows] >= 0)
            total[heard] += voice.log_odds_of(place[rows[heard]], labels[heard])
            speaking[heard] += 1
        mean: Floats = total / speaking
        return mean

    def likely(self) -> LikelyClasses:
        """Which classes are likely, (n, k)."""
        kept = min(LIKELIEST, self.num_classes)
        found = LikelyClasses(
            np.zeros((self.count, kept), dtype=np.int64),
            np.zeros((self.count, kept)),
            np.zeros((self.count, kept)),
        )
        for start in range(0, self.count, _ROWS):
            stop = min(start + _ROWS, self.count)
            part = _joined(self.voices, start, stop, kept, self.num_classes)
            for name, values in vars(part).items():
                getattr(found, name)[start:stop] = values
        return found

    def _mean(self, values: Sequence[Floats]) -> Floats:
        total, speaking = np.zeros(self.count), np.zeros(self.count)
        for voice, value in zip(self.voices, values, strict=True):
            total[voice.rows] += value
            speaking[voice.rows] += 1
        mean: Floats = total / speaking
        return mean


def _joined(
    voices: Sequence[Voice], start: int, stop: int, kept: int, num_classes: int
) -> LikelyClasses:
    """The likeliest classes of the samples from start to stop."""
    tables = [_part(voice, start, stop) for voice in voices]
    asked = np.concatenate([table.classes for table in tables], axis=1)
    evidence, chance = np.ones(asked.shape), np.zeros(asked.shape)
    speaking = np.zeros((stop - start, 1))
    for table in tables:
        is_heard = table.classes[:, :1] >= 0
        speaking += is_heard
        evidence *= np.where(is_heard, _looked_up(table, table.evidence, asked, num_classes), 1)
        chance += np.where(is_heard, _looked_up(table, table.probability, asked, num_classes), 0)
    chance /= speaking
    for column in range(1, asked.shape[1]):
        is_again = (asked[:, :column] == asked[:, column, None]).any(axis=1)
        evidence[is_again | (asked[:, column] < 0), column] = -1.0
    evidence[asked[:, 0] < 0, 0] = -1.0
    order = np.argsort(-evidence, axis=1, kind="stable")[:, :kept]
    evidence = np.take_along_axis(evidence, order, axis=1)
    if len(voices) > 1:
        evidence /= np.maximum(evidence.clip(min=0).sum(axis=1, keepdims=True), _LEAST)
    return LikelyClasses(
        np.take_along_axis(asked, order, axis=1),
        evidence.clip(min=0),
        np.take_along_axis(chance, order, axis=1),
    )


def _part(voice: Voice, start: int, stop: int) -> LikelyClasses:
    """What a voice says of the samples from start to stop; class -1 where it says nothing."""
    low, high = np.searchsorted(voice.rows, [start, stop])
    likely, places = voice.likely, voice.rows[low:high] - start
    width = likely.classes.shape[1]
    classes = np.full((stop - start, width), -1, dtype=np.int64)
    evidence, probability = np.zeros(classes.shape), np.zeros(classes.shape)
    classes[places] = likely.classes[low:high]
    evidence[places], probability[places] = likely.evidence[low:high], likely.probability[low:high]
    return LikelyClasses(classes, evidence, probability)


def _looked_up(table: LikelyClasses, values: Floats, asked: Rows, num_classes: int) -> Floats:
    """The values of some classes; of one that is not listed an equal part of what is left."""
    listed = table.classes.shape[1]
    left = np.maximum(1 - values.sum(axis=1), _LEAST) / max(num_classes - listed, 1)
    found = np.tile(np.minimum(left, values.min(axis=1))[:, None], (1, asked.shape[1]))
    for column in range(listed):
        is_it = asked == table.classes[:, column, None]
        found = np.where(is_it, values[:, column, None], found)
    return found


def _likely(probabilities: NDArray[np.floating]) -> LikelyClasses:
    count, num_classes = probabilities.shape
    kept = min(LIKELIEST, num_classes)
    likely = LikelyClasses(
        np.empty((count, kept), dtype=np.int64), np.empty((count, kept)), np.empty((count, kept))
    )
    for start in range(0, count, _ROWS):
        part = slice(start, start + _ROWS)
        whole = probabilities[part].astype(np.float64)
        order = np.argsort(-whole, axis=1, kind="stable")[:, :kept]
        likely.classes[part] = order
        likely.probability[part] = np.take_along_axis(whole, order, axis=1)
        likely.evidence[part] = np.take_along_axis(sharpened(whole), order, axis=1)
    return likely


def _odds_of_support(support: Floats) -> Floats:
    support = np.clip(support, _LEAST, 1 - _LEAST)
    odds: Floats = np.log1p(-support) - np.log(support)
    return odds
