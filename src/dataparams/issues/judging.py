"""From checked arrays to evidence about each label, as an audit finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.issues.records import (
    filled_in,
    mean_probabilities,
    prediction_record,
    softmax,
)
from dataparams.issues.voices import FeatureVoice, JointVoice, PredictionVoice
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from dataparams.training.head_records import HeadRecords
from dataparams.training.heads import ScaledFeatures
from dataparams.training.outliers import OUTLIER_ABOVE, outlier_scores
from dataparams.training.planting import Planted, labels_to_try

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.issues.given_arrays import GivenArrays
    from dataparams.issues.given_labels import GivenLabels
    from dataparams.issues.voices import Voice
    from dataparams.run.epoch_record import EpochRecord

    Rows = NDArray[np.int64]
    OnProgress = Callable[[int, int], None] | None


_MOST_HALF = 60_000.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the labels of those samples that there is anything to judge by.

    Attributes:
        rows: Which of the n samples given, ascending, (m,).
        held_out: The rows of ``held_out.parquet`` without ``id``; see :func:`evidence_of`.
        planted: Labels that were made wrong to see how little evidence there is for them.
        records: What is recorded by epoch, of all n samples.
        features: Of the judged samples, (m, d), float16 or float32; None where some have none.
        settings: How heads were trained; None where none were.
    """

    rows: Rows
    held_out: pl.DataFrame
    planted: Planted
    records: tuple[EpochRecord, ...]
    features: NDArray[np.floating] | None
    settings: CrossFittingSettings | None


@dataclass(frozen=True, eq=False)
class _Heads:
    """What heads on features gave: the voice, outlier scores, epochs, and how they were trained."""

    voice: FeatureVoice
    outlier_score: NDArray[np.float64]
    records: tuple[EpochRecord, ...]
    settings: CrossFittingSettings


def evidence_of(
    given: GivenArrays, labels: GivenLabels, *, seed: int = 0, on_progress: OnProgress = None
) -> Evidence:
    """Judge the labels by all that was given.

    Args:
        given: What was given of n samples.
        labels: Their labels.
        seed: What heads and planted errors depend on.
        on_progress: As of :func:`dataparams.training.cross_fitting.cross_fit`.

    Returns:
        The evidence. ``held_out`` has the columns of an audit's; ``vote``, ``is_outlier`` and
        ``outlier_score`` only where features were given, with gaps where a sample has none.
    """
    rows = np.flatnonzero(given.is_judged)
    place = np.cumsum(given.is_judged) - 1
    heads = _heads(given, labels, place, seed, on_progress)
    voices: list[Voice] = [] if heads is None else [heads.voice]
    voices += _predictions(given, labels, place)
    num_classes, own = len(labels.class_names), labels.numbers[rows]
    joint = JointVoice(voices, len(rows), num_classes)
    likely = joint.likely()
    tried, wrong, kinds = labels_to_try(
        own, num_classes, likely.classes, likely.evidence, seed=seed
    )
    planted = Planted(tried, wrong, kinds, support(joint.log_odds_of(tried, wrong)))
    records = _records(given, labels, heads)
    table = pl.DataFrame(
        {
            "index": rows,
            "label": own,
            "probability": joint.probability().astype(np.float32),
            "classes": _lists(likely.classes.astype(np.int32)),
            "probabilities": _lists(likely.probability.astype(np.float32)),
            "evidence": support(joint.log_odds()),
            "class_evidence": _lists(likely.evidence.astype(np.float32)),
        }
    ).with_columns(epoch=pl.lit(len(records), pl.Int64), **_by_features(heads, len(rows)))
    features = None
    if given.features is not None and given.has_features[rows].all():
        features = _narrow(given.features[rows])
    settings = None if heads is None else heads.settings
    return Evidence(rows, table, planted, records, features, settings)


def support(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well labels stand, 0 ... 1, low is bad, from the log odds that they are wrong."""
    value: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, log_odds))
    return value


def _narrow(features: NDArray[np.floating]) -> NDArray[np.floating]:
    """Half precision tells what is alike as well, where it holds the values."""
    is_small = float(np.abs(features).max()) < _MOST_HALF
    return features.astype(np.float16 if is_small else np.float32)


def _heads(
    given: GivenArrays, labels: GivenLabels, place: Rows, seed: int, on_progress: OnProgress
) -> _Heads | None:
    """Heads on features; ``place`` is that of each sample given among those judged."""
    if given.features is None:
        return None
    rows = np.flatnonzero(given.has_features)
    values = given.features[rows]
    own, num_classes = labels.numbers[rows], len(labels.class_names)
    settings = CrossFittingSettings().fitting(len(values), values.shape[1], num_classes)
    records: list[EpochRecord] = []
    recorder = HeadRecords(
        own,
        rows,
        len(labels.numbers),
        settings.heads.repeats * (settings.heads.folds - 1),
        lambda record, _: records.append(record),
    )
    fit = cross_fit(
        values,
        own,
        num_classes,
        settings,
        seed=seed,
        on_batch=recorder.on_batch,
        on_epoch=recorder.on_epoch,
        on_progress=on_progress,
    )
    scores = outlier_scores(ScaledFeatures(values), fit.near, own, num_classes)
    return _Heads(FeatureVoice(fit, place[rows]), scores, tuple(records), settings)


def _predictions(given: GivenArrays, labels: GivenLabels, place: Rows) -> list[Voice]:
    voices: list[Voice] = []
    if given.probabilities is not None and given.has_probabilities.any():
        rows = np.flatnonzero(given.has_probabilities)
        probabilities = given.probabilities[rows]
        voices.append(PredictionVoice(probabilities, labels.numbers[rows], place[rows]))
    if given.logits is not None and given.has_logits.any():
        rows = np.flatnonzero(given.has_logits)
        mean = mean_probabilities(given.logits, rows)
        voices.append(PredictionVoice(mean, labels.numbers[rows], place[rows]))
    return voices


def _records(
    given: GivenArrays, labels: GivenLabels, heads: _Heads | None
) -> tuple[EpochRecord, ...]:
    """By epoch: of the training that logits tell of, else of heads, else of one prediction.

    Samples that one of them lacks are filled in from the others. Of epochs in which a sample took
    no part it is as in the one before; as in the next, where there is none before.
    """
    count = len(labels.numbers)
    sources: list[tuple[EpochRecord, ...]] = []
    if given.logits is not None and given.has_logits.any():
        sources.append(_records_of_training(given.logits, labels, count))
    if heads is not None:
        sources.append(heads.records)
    if given.probabilities is not None and given.has_probabilities.any():
        rows = np.flatnonzero(given.has_probabilities)
        chance = given.probabilities[rows]
        sources.append((prediction_record(1, chance, labels.numbers[rows], rows, count),))
    records = sources[0]
    for others in sources[1:]:
        records = tuple(filled_in(record, others[-1]) for record in records)
    return records


def _records_of_training(
    logits: NDArray[np.floating], labels: GivenLabels, count: int
) -> tuple[EpochRecord, ...]:
    records: list[EpochRecord] = []
    for number, of_epoch in enumerate(logits, start=1):
        rows = np.flatnonzero(np.isfinite(of_epoch[:, 0]))
        chance = softmax(of_epoch[rows])
        record = prediction_record(number, chance, labels.numbers[rows], rows, count)
        records.append(filled_in(record, records[-1]) if records else record)
    for place in range(len(records) - 1, 0, -1):
        records[place - 1] = filled_in(records[place - 1], records[place])
    return tuple(records)


def _by_features(heads: _Heads | None, count: int) -> dict[str, pl.Series]:
    """The columns that come from features, with gaps where a sample has none."""
    if heads is None:
        return {}
    last, rows = heads.voice.fit.rounds[-1], heads.voice.rows
    columns = {
        "vote": last.vote,
        "is_outlier": heads.outlier_score > OUTLIER_ABOVE,
        "outlier_score": heads.outlier_score.astype(np.float32),
    }
    place = np.full(count, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    gaps = pl.Series(place).replace(-1, None)
    return {name: pl.Series(name, values).gather(gaps) for name, values in columns.items()}


def _lists(values: NDArray[np.generic]) -> pl.Series:
    kind = pl.Int32 if values.dtype == np.int32 else pl.Float32
    listed: pl.Series = pl.Series(values, dtype=pl.Array(kind, values.shape[1])).cast(pl.List(kind))
    return listed
