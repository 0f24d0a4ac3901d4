"""Samples that are like no other, and samples that are unlike the others of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.suggestions import outliers
from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace
    from dataparams.health.findings import HealthFindings

    Floats = NDArray[np.float64]

OUTLIER_KINDS = ("outlier", "class_outlier")
"""The kinds of findings that :func:`outlier_findings` makes."""
_NEIGHBORS = 5
_FEWEST_IN_CLASS = 20
_MOST_COMPARED = 2_000
_SPREADS = 4.0
_LEAST_SPREAD = 0.15
_NORMAL = 1.4826
_AT_ONCE = 4_096
_NO_FEATURES = sentence("no_features")


def outlier_findings(
    samples: pl.DataFrame, class_names: Sequence[str], space: FeatureSpace | None
) -> HealthFindings:
    """Samples that are far from all others, or from the others of their class.

    An outlier is what the analysis calls one. An outlier of its class is none of those, its label
    is not taken for wrong, and its five nearest of its class are much further away than is usual in
    the class: four robust standard deviations, in logarithms. Both have nothing to do with wrong
    labels: whatever is wrong, it is not the label.

    Args:
        samples: Rows of an analysis: ``index``, ``label``, ``suggested_label``,
            ``noise_probability``, and where features were looked at ``is_outlier`` and
            ``outlier_score``; n rows.
        class_names: Names of the classes.
        space: The features of these samples, in their order; None where there are none.

    Returns:
        A finding per sample, and the kinds that were not judged, with the reason.
    """
    if space is None or "is_outlier" not in samples.columns:
        return joined_findings((), (), dict.fromkeys(OUTLIER_KINDS, _NO_FEATURES))
    index, labels = samples["index"].to_numpy(), samples["label"].to_numpy()
    is_outlier = outliers(samples).to_numpy()
    scores = samples["outlier_score"].to_numpy()
    found = [
        Finding(
            "outlier",
            [int(index[row])],
            float(scores[row]),
            sentence("outlier"),
        )
        for row in np.flatnonzero(is_outlier).tolist()
    ]
    excess = class_excess(space, labels, is_left_out=is_outlier | _may_be_wrong(samples))
    found += [
        Finding(
            "class_outlier",
            [int(index[row])],
            1 - 0.5 * _SPREADS / float(excess[row]),
            sentence("class_outlier", name=class_names[labels[row]]),
            [int(labels[row])],
        )
        for row in np.flatnonzero(excess > _SPREADS).tolist()
    ]
    return joined_findings([findings_table(found)], OUTLIER_KINDS, {})


def _may_be_wrong(samples: pl.DataFrame) -> NDArray[np.bool_]:
    is_other = pl.col("suggested_label") != pl.col("label")
    is_doubtful = pl.col("noise_probability") > 0.5
    return samples.select(is_other | is_doubtful).to_series().fill_null(value=True).to_numpy()


def class_excess(
    space: FeatureSpace, labels: NDArray[np.integer], is_left_out: NDArray[np.bool_]
) -> Floats:
    """How much further each sample's neighbors within its class are than is usual in the class.

    The distance is one minus the mean cosine of the five nearest of the class, of at most 2,000
    that are spread evenly. It is compared with the class's median in logarithms, in robust standard
    deviations (1.4826 times the median absolute deviation, 0.15 at the least).

    Args:
        space: The features, n of them.
        labels: Their classes, (n,).
        is_left_out: Samples that are neither judged nor neighbors, (n,).

    Returns:
        (n,); 0 for those left out and in classes of fewer than 20.
    """
    excess = np.zeros(len(labels))
    for label in np.unique(labels).tolist():
        rows = np.flatnonzero((labels == label) & ~is_left_out)
        if len(rows) >= _FEWEST_IN_CLASS:
            distance = np.log(np.maximum(_distance_within(space, rows), 1e-6))
            middle = np.median(distance)
            spread = _NORMAL * np.median(np.abs(distance - middle))
            excess[rows] = (distance - middle) / max(float(spread), _LEAST_SPREAD)
    return excess


def _distance_within(space: FeatureSpace, rows: NDArray[np.intp]) -> Floats:
    """One minus the mean cosine of each sample's nearest among the others, (m,)."""
    compared = rows[:: -(-len(rows) // _MOST_COMPARED)]
    points = space.of(compared)
    distance = np.empty(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        piece = rows[start : start + _AT_ONCE]
        likeness = space.of(piece) @ points.T
        likeness[piece[:, None] == compared] = -np.inf
        nearest = np.partition(likeness, -_NEIGHBORS, axis=1)[:, -_NEIGHBORS:]
        distance[start : start + len(piece)] = 1 - nearest.mean(axis=1)
    return distance
