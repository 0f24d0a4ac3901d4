"""What a trained model says of its validation samples, which it never saw.

Their labels moved no temperature, so nothing of a trajectory is known of them: the verdict comes
from the probabilities that the model gave after its last epoch, held against those of labels that
are surely wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.audit_judgment import likely_labels, rivals_of
from dataparams.analysis.categories import assign_categories, category_posteriors
from dataparams.analysis.held_out_evidence import HeldOutEvidence, stacked
from dataparams.analysis.label_error_probability import noise_probability
from dataparams.analysis.split_findings import SplitFindings, split_noise
from dataparams.analysis.suspicion import quantiles
from dataparams.analysis.verdict_frame import truth_columns, verdict_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.recorded_noise import RecordedNoise
    from dataparams.analysis.training_judgment import Judgment
    from dataparams.run.folder import RunFolder

TRAINING = "train"
_OF_VALIDATION = {"held_out_probability"}
_LEAST = 1e-9
_TINY = 1e-300
_UNDECIDED = 0.5


def validation_verdicts(
    run: RunFolder, noise: RecordedNoise
) -> tuple[pl.DataFrame, SplitFindings] | None:
    """Judge the validation samples of a training by the model that never saw them.

    Args:
        run: The run folder of a training.
        noise: What its records say of the samples that it was trained on: which classes can be
            judged, and how many labels are wrong, which is taken where the validation samples are
            too few to tell.

    Returns:
        A row per validation sample, with the columns that every analysis has and
        ``held_out_probability``; and what holds for them together. None where nothing is known of
        them, as before the training is finished.

    Raises:
        RunError: If ``held_out.parquet`` or ``samples.parquet`` is damaged.
    """
    table = run.held_out()
    if table is None or "evidence" in table.columns:
        return None
    samples = run.judged_samples().filter(pl.col("split") != TRAINING)
    samples = samples.filter(pl.col("index").is_in(table["index"].implode()))
    if not len(samples):
        return None
    found = _evidence(table, samples)
    labels = samples["label"].to_numpy().astype(np.int64)
    class_names = run.class_names()
    is_judged = noise.standing.is_judged[labels]
    together = _together(samples, labels, found, is_judged, len(class_names))
    probability = np.full(len(labels), _UNDECIDED)
    estimate = together.noise if together.noise.is_known else noise.estimate
    wrong = _evidence_for_wrong(found, labels, len(class_names))
    if estimate.is_known and is_judged.any() and len(wrong):
        score = np.log(found.evidence[is_judged] + _TINY)
        probability[is_judged] = noise_probability(score, np.log(wrong + _TINY), estimate.rate)
    rival, of_label, share = rivals_of(found, labels)
    margins = np.log(of_label + _LEAST) - np.log(rival.evidence + _LEAST)
    posteriors = category_posteriors(probability, margins, is_judged)
    suggested, confidence = likely_labels(
        labels, rival.label, probability, share, noise.standing.is_judged
    )
    frame = verdict_frame(
        samples,
        class_names,
        assign_categories(posteriors, None),
        posteriors,
        noise_probability=probability,
        suspicion=quantiles(-np.log(found.evidence + _TINY)),
        suggested=suggested,
        confidence=confidence,
    )
    given = pl.Series("held_out_probability", found.probability.astype(np.float32))
    return frame.with_columns(given, *truth_columns(samples)), together


def splits_of_training(
    judgment: Judgment, validated: tuple[pl.DataFrame, SplitFindings] | None
) -> tuple[SplitFindings, ...]:
    """What is found of the samples that were trained on, and of those that were held out."""
    if validated is None:
        return ()
    noise = judgment.noise
    trained = SplitFindings(TRAINING, len(judgment.frame), noise.disputed, noise.estimate)
    return trained, validated[1]


def parted(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The rows of an ``analysis.parquet`` of a training: trained on, and held out.

    Returns:
        Both, each without the columns that only the other has; None where none were held out.
    """
    is_trained = frame["split"] == TRAINING
    if is_trained.all():
        return frame, None
    trained, held_out = frame.filter(is_trained), frame.filter(~is_trained)
    of_both = set(trained.columns) - set(_empty(held_out))
    return (
        trained.drop(name for name in _empty(trained) if name in _OF_VALIDATION),
        held_out.select(name for name in frame.columns if name in of_both | _OF_VALIDATION),
    )


def _empty(frame: pl.DataFrame) -> list[str]:
    return [column.name for column in frame if column.null_count() == len(column)]


def _evidence(table: pl.DataFrame, samples: pl.DataFrame) -> HeldOutEvidence:
    joined = samples.select("index").join(
        table.cast({"index": samples["index"].dtype}), on="index", maintain_order="left"
    )
    given = joined["probability"].to_numpy().astype(np.float64)
    return HeldOutEvidence(
        evidence=given,
        probability=given,
        vote=None,
        classes=stacked(joined["classes"]).astype(np.int64),
        class_evidence=stacked(joined["probabilities"]).astype(np.float64),
        is_outlier=None,
        outlier_score=None,
        planted={},
    )


def _together(
    samples: pl.DataFrame,
    labels: NDArray[np.int64],
    found: HeldOutEvidence,
    is_judged: NDArray[np.bool_],
    num_classes: int,
) -> SplitFindings:
    predicted = found.classes[:, 0]
    lead = np.log(found.class_evidence[:, :2] + _LEAST)
    is_disputed, sureness = predicted != labels, lead[:, 0] - lead[:, -1]
    rows = np.flatnonzero(is_judged)
    return SplitFindings(
        str(samples["split"][0]),
        len(samples),
        float(is_disputed.mean()),
        split_noise(is_disputed[rows], predicted[rows], sureness[rows], num_classes),
    )


def _evidence_for_wrong(
    found: HeldOutEvidence, labels: NDArray[np.int64], num_classes: int
) -> NDArray[np.float64]:
    """The probability of a wrong class, drawn for each sample whose label the model agrees with."""
    rows = np.flatnonzero(found.classes[:, 0] == labels)
    rng = np.random.default_rng(0)
    tried = (labels[rows] + rng.integers(1, num_classes, len(rows))) % num_classes
    is_tried = found.classes[rows] == tried[:, None]
    listed = np.where(is_tried, found.class_evidence[rows], 0).sum(axis=1)
    # Of a class that is not among the likeliest, an equal part of what these leave.
    left = np.maximum(1 - found.class_evidence[rows].sum(axis=1), 0)
    others = max(num_classes - found.classes.shape[1], 1)
    evidence: NDArray[np.float64] = np.where(is_tried.any(axis=1), listed, left / others)
    return evidence
