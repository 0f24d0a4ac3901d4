"""Findings about classes: two that may be one, one that looks like two, and those too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.class_standing import FEWEST_SAMPLES
from dataparams.health.divided_classes import divided_classes
from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.health.overlapping_classes import JudgedClasses, overlap_findings
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.feature_space import FeatureSpace
    from dataparams.analysis.held_out_evidence import HeldOutEvidence
    from dataparams.health.findings import HealthFindings

SMALL_CLASS = "small_class"
CLASS_KINDS = ("overlapping_classes", "class_like_two", SMALL_CLASS)
"""The kinds of findings that :func:`class_findings` makes."""
_MOST_SHOWN = 50


def class_findings(
    samples: pl.DataFrame,
    class_names: Sequence[str],
    evidence: HeldOutEvidence | None,
    space: FeatureSpace | None,
) -> HealthFindings:
    """What is odd about the classes themselves.

    Args:
        samples: Rows of an analysis: ``index``, ``label``, ``category``, ``suggested_label``,
            ``noise_probability``, and where features were looked at ``is_outlier``; n rows.
        class_names: Names of the classes.
        evidence: What held-out models make of these samples, in their order; None where there are
            none.
        space: The features of these samples, in their order; None where there are none.

    Returns:
        Pairs of classes that overlap, classes that look like two, and classes that are too small;
        and the kinds that were not judged, with the reason.
    """
    labels = samples["label"].to_numpy().astype(np.int64)
    index = samples["index"].to_numpy().astype(np.int64)
    found = small_classes(index, labels, class_names)
    reasons: dict[str, str] = {}
    if evidence is None or space is None:
        lacking = "no_features_of_classes" if evidence is not None else "no_models"
        reasons["overlapping_classes"] = sentence(lacking)
    else:
        judged = JudgedClasses(
            index,
            labels,
            evidence.classes,
            evidence.class_evidence,
            (samples["category"] != "easy").to_numpy(),
            class_names,
        )
        found += overlap_findings(judged, space)
    if space is None:
        reasons["class_like_two"] = sentence("no_features")
    else:
        found += _divided(samples, index, labels, class_names, space)
    checked = [kind for kind in CLASS_KINDS if kind not in reasons]
    return joined_findings([findings_table(found)], checked, reasons)


def small_classes(
    index: NDArray[np.int64], labels: NDArray[np.int64], class_names: Sequence[str]
) -> list[Finding]:
    """The classes that are too small to judge.

    Args:
        index: Row of each sample in the source, (n,).
        labels: Class of each, (n,).
        class_names: Name of class 0, 1, ...
    """
    sizes = np.bincount(labels, minlength=len(class_names))
    is_small = (sizes > 0) & (sizes < FEWEST_SAMPLES)
    return [
        Finding(
            SMALL_CLASS,
            index[labels == label].tolist(),
            1 - sizes[label] / (2 * FEWEST_SAMPLES),
            sentence(
                "small_class",
                name=class_names[label],
                count=int(sizes[label]),
                lacking=int(FEWEST_SAMPLES - sizes[label]),
            ),
            [label],
        )
        for label in np.flatnonzero(is_small).tolist()
    ]


def _divided(
    samples: pl.DataFrame,
    index: NDArray[np.int64],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    space: FeatureSpace,
) -> list[Finding]:
    return [
        Finding(
            "class_like_two",
            index[one.smaller[:_MOST_SHOWN]].tolist(),
            1 - 0.5 / max(one.gap, 1.0),
            sentence(
                "class_like_two",
                name=class_names[one.label],
                larger=len(one.larger),
                smaller=len(one.smaller),
                times=float(one.distance),
            ),
            [one.label],
        )
        for one in divided_classes(space, labels, _is_typical(samples))
    ]


def _is_typical(samples: pl.DataFrame) -> NDArray[np.bool_]:
    """Samples whose label is not in doubt, and that are no outliers."""
    is_certain = pl.col("noise_probability") <= 0.5
    if "is_outlier" in samples.columns:
        is_certain &= ~pl.col("is_outlier").fill_null(value=False)
    return samples.select(is_certain).to_series().to_numpy()
