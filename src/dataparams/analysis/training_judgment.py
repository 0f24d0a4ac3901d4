"""The verdict on every sample of a training: category, suspicion, suggested label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis import scores
from dataparams.analysis.categories import assign_categories, category_posteriors
from dataparams.analysis.class_probabilities import (
    neighbor_probabilities,
    recorded_probabilities,
)
from dataparams.analysis.margin_mixture import fit_mixture, histogram, with_share
from dataparams.analysis.noise_rate import label_margins
from dataparams.analysis.recorded_noise import recorded_noise
from dataparams.analysis.recorded_scores import recorded_scores
from dataparams.analysis.subgroups import JudgedLabels, subgroups_of_samples
from dataparams.analysis.suggestions import LEAST_CONFIDENCE
from dataparams.analysis.suspicion import Doubts, doubts_about, quantiles, suspicion
from dataparams.analysis.transitions import (
    Transitions,
    estimate_transitions,
    true_class_posterior,
    true_class_probabilities,
)
from dataparams.analysis.verdict_frame import truth_columns, verdict_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from dataparams.analysis.model_view import ModelView
    from dataparams.analysis.recorded_noise import RecordedNoise
    from dataparams.analysis.recorded_scores import Columns
    from dataparams.analysis.split_findings import SplitFindings
    from dataparams.analysis.trajectories import TrajectorySource
    from dataparams.analysis.validation import ValidationCounts

_CELLS_AT_ONCE = 1 << 22
_MOST_FOR_TRANSITIONS = 400_000


@dataclass(frozen=True, eq=False)
class Judgment:
    """The verdict on the samples, and on the labels as a whole.

    Attributes:
        frame: The rows of an analysis.
        noise: The noise estimate, the classes that can be judged, and the epochs that tell.
        splits: What is found of each split by itself; empty where there is one alone.
    """

    frame: pl.DataFrame
    noise: RecordedNoise
    splits: tuple[SplitFindings, ...] = ()


def judge(
    samples: pl.DataFrame,
    class_names: tuple[str, ...],
    source: TrajectorySource,
    *,
    initial: float = 0.0,
    validation: ValidationCounts | None = None,
    look: Callable[[str], ModelView | None] | None = None,
    review_budget: float | None = None,
) -> Judgment:
    """Judge every sample.

    Args:
        samples: ``index``, ``id``, ``label``, and the truth where it is known; n rows.
        class_names: Names of the classes.
        source: The trajectories of these samples, in this order.
        initial: Log temperature at the start.
        validation: What the model said of validation samples, where there are any.
        look: Gives what the model of a checkpoint (``"last"`` or ``"best"``) makes of them.
        review_budget: The largest share that may need review.
    """
    labels = samples["label"].to_numpy().astype(np.int64)
    columns, accuracy = recorded_scores(source, len(labels))
    noise = recorded_noise(
        source,
        labels,
        len(class_names),
        initial=initial,
        accuracy=accuracy,
        validation=validation,
    )
    view = None
    if look is not None:
        memorizes = noise.epochs is not None and noise.epochs[-1] + 1 < len(source.epochs)
        view = look("best" if memorizes else "last")
    probabilities = _Probabilities(source, labels, len(class_names), noise.epochs, view)
    verdict = _verdict(probabilities, labels, columns, noise, initial)
    category = assign_categories(verdict.posteriors, review_budget)
    likely = np.where(verdict.confidence >= LEAST_CONFIDENCE, verdict.suggested, labels)
    judged = JudgedLabels(samples["index"].to_numpy(), labels, category, likely, class_names)
    judged_as = verdict_frame(
        samples,
        class_names,
        category,
        verdict.posteriors,
        noise_probability=verdict.noise_probability,
        suspicion=verdict.suspicion,
        suggested=verdict.suggested,
        confidence=verdict.confidence,
    )
    frame = judged_as.with_columns(
        *subgroups_of_samples(judged, _descriptions(source, view)),
        *(pl.Series(name, values) for name, values in columns.items()),
        *truth_columns(samples),
    )
    return Judgment(frame, noise)


@dataclass(frozen=True, eq=False)
class _Verdict:
    """Per sample, (n,) each, but (n, 3) of ``posteriors``, in the order of ``CATEGORIES``."""

    suspicion: NDArray[np.float64]
    suggested: NDArray[np.int64]
    confidence: NDArray[np.float64]
    noise_probability: NDArray[np.float64]
    posteriors: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _ClassProbabilities:
    """Class probabilities of some samples, (m, C) each.

    Attributes:
        recorded: The mean over the epochs that tell of what training recorded.
        own: The mean of that and of what the trained model says.
        smoothed: The mean with what it says of the samples that look most alike as well.
    """

    recorded: NDArray[np.float32]
    own: NDArray[np.float32]
    smoothed: NDArray[np.float32]


class _Probabilities:
    """The class probabilities of all samples, made for a part of them at a time."""

    def __init__(
        self,
        source: TrajectorySource,
        labels: NDArray[np.int64],
        num_classes: int,
        epochs: NDArray[np.intp] | None,
        view: ModelView | None,
    ) -> None:
        self._source, self._labels, self.num_classes = source, labels, num_classes
        self._epochs = epochs
        self._seen: NDArray[np.float32] | None = None
        self._near: NDArray[np.float32] | None = None
        if view is not None:
            self._seen = view.probabilities
            self._near = neighbor_probabilities(view.features, view.probabilities)

    def of(self, rows: NDArray[np.intp]) -> _ClassProbabilities | None:
        """Those of some samples; None where training recorded too little to tell classes apart."""
        if self.num_classes < 2:
            return None
        recorded = recorded_probabilities(
            self._source.part(rows, self._epochs), self._labels[rows], self.num_classes
        )
        if recorded is None or self._seen is None or self._near is None:
            return None if recorded is None else _ClassProbabilities(recorded, recorded, recorded)
        own: NDArray[np.float32] = (recorded + self._seen[rows]) / np.float32(2)
        smoothed: NDArray[np.float32] = (2 * own + self._near[rows]) / np.float32(3)
        return _ClassProbabilities(recorded, own, smoothed)

    def parts(self, most: int | None = None) -> Iterator[NDArray[np.intp]]:
        """All rows, or at least ``most`` spread evenly, in pieces that fit into memory."""
        size = max(256, _CELLS_AT_ONCE // self.num_classes)
        count = len(self._labels)
        rows = np.arange(0, count, 1 if most is None else max(count // most, 1))
        yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _verdict(
    probabilities: _Probabilities,
    labels: NDArray[np.int64],
    columns: Columns,
    noise: RecordedNoise,
    initial: float,
) -> _Verdict:
    """The verdict on every sample; the mean probability's margin is added to the columns."""
    transitions = None if noise.epochs is None else _transitions(probabilities, labels)
    if transitions is None:
        return _verdict_by_temperature(labels, columns, noise, initial)
    return _verdict_by_classes(probabilities, labels, columns, transitions, noise)


def _transitions(probabilities: _Probabilities, labels: NDArray[np.int64]) -> Transitions | None:
    """How labels came to be wrong; None where classes cannot be told apart."""
    likeliest, highest, given = [], [], []
    for rows in probabilities.parts(_MOST_FOR_TRANSITIONS):
        chances = probabilities.of(rows)
        if chances is None:
            return None
        likeliest.append(chances.smoothed.argmax(axis=1))
        highest.append(chances.smoothed.max(axis=1))
        given.append(labels[rows])
    return estimate_transitions(
        np.concatenate(likeliest),
        np.concatenate(given),
        probabilities.num_classes,
        np.concatenate(highest),
    )


def _verdict_by_classes(
    probabilities: _Probabilities,
    labels: NDArray[np.int64],
    columns: Columns,
    transitions: Transitions,
    noise: RecordedNoise,
) -> _Verdict:
    doubts = Doubts(*(np.zeros(len(labels), dtype=np.float32) for _ in range(3)))
    suggested = np.zeros(len(labels), dtype=np.int64)
    share = np.zeros(len(labels))
    margins = np.zeros((2, len(labels)))
    for rows in probabilities.parts():
        chances = probabilities.of(rows)
        assert chances is not None  # noqa: S101 - the matrix was estimated from them
        true = true_class_probabilities(chances.smoothed, transitions)
        posterior = true_class_posterior(true, labels[rows], transitions)
        found = doubts_about(chances.own, posterior, labels[rows])
        for name, values in vars(found).items():
            getattr(doubts, name)[rows] = values
        margins[0, rows] = label_margins(chances.recorded, labels[rows])
        margins[1, rows] = label_margins(posterior, labels[rows])
        suggested[rows], share[rows] = _strongest_rival(
            true + chances.smoothed, labels[rows], noise.standing.is_judged
        )
    columns["mean_probability_margin"] = -doubts.rivalry
    # What training recorded and what the transition matrix makes of it err on different sides.
    wrong, posteriors = _judged(margins, labels, noise)
    confidence = wrong * share
    is_kept = confidence <= 1 - wrong
    return _Verdict(
        suspicion(doubts, transitions.structure, transitions.asymmetry),
        np.where(is_kept, labels, suggested),
        np.where(is_kept, 1 - wrong, confidence),
        wrong,
        posteriors,
    )


def _strongest_rival(
    weights: NDArray[np.float32], labels: NDArray[np.int64], is_judged: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The likeliest class other than the given one, and its share of all others'.

    A class that cannot be judged is not suggested: its prior would be the only evidence.

    Args:
        weights: How likely each class is, up to a factor, (n, C); changed in place.
        labels: (n,).
        is_judged: Whether a class can be judged, (C,).
    """
    rows = np.arange(len(labels))
    weights[:, ~is_judged] = 0
    weights[rows, labels] = 0
    rival = weights.argmax(axis=1)
    return rival, weights[rows, rival] / np.maximum(weights.sum(axis=1), 1e-9)


def _judged(
    margins: NDArray[np.float64], labels: NDArray[np.int64], noise: RecordedNoise
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How likely each label is wrong, and the posteriors of the categories.

    The mean over the samples of judged classes is the noise estimate, which samples of the other
    classes get as it is; where there is no estimate they get one half.

    Args:
        margins: (k, n): the probabilities of k kinds of margins are averaged; the first kind is how
            far the model agrees with the labels.
        labels: (n,).
        noise: From the records.
    """
    is_judged = noise.standing.is_judged[labels]
    estimate = noise.estimate
    wrong = np.full(len(labels), estimate.rate if estimate.is_known else 0.5)
    if is_judged.any():
        kinds = [_noise_probability(kind[is_judged], estimate.rate) for kind in margins]
        wrong[is_judged] = np.mean(kinds, axis=0)
    return wrong, category_posteriors(wrong, margins[0], is_judged)


def _noise_probability(margins: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    counts = histogram(margins)
    return with_share(fit_mixture(counts), counts, rate).noise_probability(margins)


def _verdict_by_temperature(
    labels: NDArray[np.int64], columns: Columns, noise: RecordedNoise, initial: float
) -> _Verdict:
    """The verdict by temperatures alone: no other label than the given one is suggested."""
    doubt = quantiles(columns["mean_temperature"]) + quantiles(columns["final_temperature"])
    margins = scores.displacement_margins(np.log(columns["final_temperature"]), initial)
    wrong, posteriors = _judged(margins[None], labels, noise)
    return _Verdict(quantiles(doubt), labels, 1 - wrong, wrong, posteriors)


def _descriptions(
    source: TrajectorySource, view: ModelView | None
) -> Callable[[NDArray[np.intp]], NDArray[np.floating]]:
    """What sub-groups are told apart by: the model's features, else the trajectories."""
    if view is not None:
        features = view.features
        return lambda rows: features[rows]
    return lambda rows: source.of(rows).T
