"""What is made of every sample of an audit: by heads and neighbors that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.categories import assign_categories, category_posteriors
from dataparams.analysis.cautions import class_accuracies
from dataparams.analysis.class_standing import ClassStanding, class_standing
from dataparams.analysis.label_error_probability import HeldOutNoise, noise_from_planted
from dataparams.analysis.noise_rate import UNKNOWN_NOISE
from dataparams.analysis.recorded_noise import RecordedNoise
from dataparams.analysis.recorded_scores import recorded_scores
from dataparams.analysis.split_findings import split_findings
from dataparams.analysis.subgroups import JudgedLabels, subgroups_of_samples
from dataparams.analysis.suggestions import LEAST_CONFIDENCE
from dataparams.analysis.suspicion import quantiles
from dataparams.analysis.training_judgment import Judgment
from dataparams.analysis.verdict_frame import truth_columns, verdict_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace
    from dataparams.analysis.held_out_evidence import HeldOutEvidence
    from dataparams.analysis.split_findings import SplitFindings
    from dataparams.analysis.subgroups import Describe
    from dataparams.analysis.trajectories import TrajectorySource

_LEAST = 1e-9


def judge_held_out(
    samples: pl.DataFrame,
    class_names: tuple[str, ...],
    source: TrajectorySource,
    found: HeldOutEvidence,
    *,
    describe: Describe | FeatureSpace,
    review_budget: float | None = None,
) -> Judgment:
    """Judge every sample of an audit.

    Args:
        samples: ``index``, ``id``, ``label``, and the truth where it is known; n rows.
        class_names: Names of the classes.
        source: The trajectories of these samples, in this order.
        found: What was found of them.
        describe: What sub-groups are told apart by; see :func:`subgroups_of_samples`.
        review_budget: The largest share that may need review.
    """
    labels = samples["label"].to_numpy().astype(np.int64)
    rival, of_label, share = rivals_of(found, labels)
    noise, probability = held_out_noise(labels, found, len(class_names))
    margins = np.log(of_label + _LEAST) - np.log(rival.evidence + _LEAST)
    posteriors = category_posteriors(probability, margins, noise.standing.is_judged[labels])
    category = assign_categories(posteriors, review_budget)
    suggested, confidence = likely_labels(
        labels, rival.label, probability, share, noise.standing.is_judged
    )
    likely = np.where(confidence >= LEAST_CONFIDENCE, suggested, labels)
    judged = JudgedLabels(
        samples["index"].to_numpy(), labels, category, likely, class_names, found.is_outlier
    )
    columns, _ = recorded_scores(source, len(labels))
    judged_as = verdict_frame(
        samples,
        class_names,
        category,
        posteriors,
        noise_probability=probability,
        suspicion=quantiles(-np.log(found.evidence + 1e-300)),
        suggested=suggested,
        confidence=confidence,
    )
    frame = judged_as.with_columns(
        *subgroups_of_samples(judged, describe),
        *_by_features("is_outlier", found.is_outlier),
        *_by_features("outlier_score", found.outlier_score),
        pl.Series("held_out_probability", found.probability.astype(np.float32)),
        *_by_features("neighbor_vote", found.vote),
        pl.Series("evidence", found.evidence.astype(np.float32)),
        *(pl.Series(name, values) for name, values in columns.items()),
        *truth_columns(samples),
    )
    splits = splits_of_evidence(frame["split"], labels, found, noise, len(class_names))
    return Judgment(frame, noise, splits)


def splits_of_evidence(
    splits: pl.Series,
    labels: NDArray[np.int64],
    found: HeldOutEvidence,
    noise: RecordedNoise,
    num_classes: int,
) -> tuple[SplitFindings, ...]:
    """What the evidence says of each split by itself; see :func:`split_findings`."""
    is_judged = noise.standing.is_judged[labels]
    return split_findings(
        splits, labels, found.classes, found.class_evidence, is_judged, num_classes
    )


def _by_features(name: str, values: NDArray[np.generic] | None) -> list[pl.Series]:
    """A column that there is where samples have features; a gap where one has none."""
    if values is None:
        return []
    is_truth = values.dtype == np.bool_
    narrow = values if is_truth else values.astype(np.float32)
    return [pl.Series(name, narrow, nan_to_null=not is_truth)]


def likely_labels(
    labels: NDArray[np.int64],
    rival: NDArray[np.int64],
    probability: NDArray[np.float64],
    share: NDArray[np.float64],
    is_judged: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likely class of each sample, and how likely that is the true one, (n,) each.

    Args:
        labels: Given labels, (n,).
        rival: The likeliest class but the given, (n,).
        probability: How likely each label is wrong, (n,).
        share: The rival's share of what is not the given label's, (n,).
        is_judged: Whether each class can be judged, (C,): no other is suggested.
    """
    confidence = probability * share
    is_kept = (confidence <= 1 - probability) | ~is_judged[rival]
    suggested = np.where(is_kept, labels, rival)
    return suggested, np.where(is_kept, 1 - probability, confidence)


@dataclass(frozen=True, eq=False)
class Rivals:
    """The likeliest class of each of n samples but the given, and the evidence for it, (n,)."""

    label: NDArray[np.int64]
    evidence: NDArray[np.float64]


def rivals_of(
    found: HeldOutEvidence, labels: NDArray[np.int64]
) -> tuple[Rivals, NDArray[np.float64], NDArray[np.float64]]:
    """The likeliest class but the given, the given one's evidence, and the rival's share of all.

    Both are of the last round, so that they can be held against each other.
    """
    rows = np.arange(len(labels))
    is_given = found.classes == labels[:, None]
    others = np.where(is_given, -np.inf, found.class_evidence)
    place = others.argmax(axis=1)
    rival = Rivals(found.classes[rows, place], others[rows, place])
    listed = np.where(is_given, found.class_evidence, 0).sum(axis=1)
    # Of a label that is not among the likeliest, what is left to all others is the most there is.
    least = np.minimum(found.class_evidence[:, -1], found.evidence)
    of_label = np.where(is_given.any(axis=1), listed, least)
    share = rival.evidence / np.maximum(1 - of_label, _LEAST)
    return rival, of_label, np.clip(share, 0.0, 1.0)


def held_out_noise(
    labels: NDArray[np.int64], found: HeldOutEvidence, num_classes: int
) -> tuple[RecordedNoise, NDArray[np.float64]]:
    """The noise estimate, the classes that can be judged, and how likely each label is wrong.

    Args:
        labels: Given labels, (n,).
        found: What was found of them.
        num_classes: C.

    Returns:
        What holds for the samples together, and (n,) probabilities.
    """
    predicted = found.classes[:, 0]
    accuracies = class_accuracies(labels, predicted, num_classes, "held-out")
    standing = class_standing(labels, predicted, num_classes)
    if accuracies.is_by_chance():
        everything = np.ones(num_classes, dtype=bool)
        standing = ClassStanding(standing.is_too_small, everything & ~standing.is_too_small)
    is_judged = standing.is_judged[labels]
    probability = np.full(len(labels), 0.5)
    estimate = UNKNOWN_NOISE
    if is_judged.any() and found.planted:
        lead = np.log(found.class_evidence[:, :2] + _LEAST)
        told: HeldOutNoise = noise_from_planted(
            found.evidence[is_judged],
            found.planted,
            is_disputed=(predicted != labels)[is_judged],
            predicted=predicted[is_judged],
            confidence=(lead[:, 0] - lead[:, 1])[is_judged],
            num_classes=num_classes,
        )
        estimate = told.estimate
        probability = np.full(len(labels), estimate.rate if estimate.is_known else 0.5)
        probability[is_judged] = told.noise_probability
    disputed = float((predicted != labels).mean())
    return RecordedNoise(estimate, standing, np.arange(1), accuracies, disputed), probability
