"""All checks of health, one after the other: what is wrong beside the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.held_out_evidence import held_out_evidence
from dataparams.health.class_findings import (
    CLASS_KINDS,
    SMALL_CLASS,
    class_findings,
    small_classes,
)
from dataparams.health.damaged import damaged_findings
from dataparams.health.duplicate_findings import duplicate_findings
from dataparams.health.findings import HealthFindings, findings_table, joined_findings
from dataparams.health.outliers import OUTLIER_KINDS, outlier_findings
from dataparams.health.picture_quality import PICTURE_KINDS, picture_quality_findings
from dataparams.health.row_quality import ROW_KINDS, row_quality_findings
from dataparams.health.sentences import sentence
from dataparams.health.text_quality import TEXT_KINDS, text_quality_findings
from dataparams.run.features import features_of_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.health.checked_samples import CheckedSamples
    from dataparams.run.folder import RunFolder


def check(samples: CheckedSamples, analysis: Analysis | None = None) -> HealthFindings:
    """Look for all that may be wrong beside the labels.

    Args:
        samples: What is known of the samples.
        analysis: What is said of them in the run that they are of; None where they are of none.
    """
    found = [damaged_findings(samples), duplicate_findings(samples), _quality(samples)]
    if analysis is not None and samples.run is not None:
        found.append(findings_of_analysis(analysis, samples.run))
    else:
        found.append(_without_analysis(samples))
    return _joined(found)


def _without_analysis(samples: CheckedSamples) -> HealthFindings:
    """Classes that are too small, which labels tell; nothing on what models are needed for."""
    small = small_classes(samples.index, samples.labels, samples.class_names)
    unknown = [kind for kind in (*OUTLIER_KINDS, *CLASS_KINDS) if kind != SMALL_CLASS]
    return joined_findings(
        [findings_table(small)], [SMALL_CLASS], dict.fromkeys(unknown, sentence("no_analysis"))
    )


def _joined(found: Sequence[HealthFindings]) -> HealthFindings:
    not_checked: dict[str, str] = {}
    for each in found:
        not_checked |= each.not_checked
    checked = [kind for each in found for kind in each.checked]
    return joined_findings([each.table for each in found], checked, not_checked)


def _quality(samples: CheckedSamples) -> HealthFindings:
    """What is odd about single samples, by what they are."""
    if samples.texts is not None:
        return text_quality_findings(samples.index, samples.texts)
    if samples.rows is not None:
        return row_quality_findings(samples.index, samples.rows)
    kinds = {"image": PICTURE_KINDS, "text": TEXT_KINDS, "row": ROW_KINDS}
    why = samples.reasons.get("pictures") or samples.reasons.get("contents")
    unknown = dict.fromkeys(kinds.get(str(samples.kind), ()), why or "nothing of them is kept")
    if samples.pictures is None:
        return joined_findings((), (), unknown)
    found = picture_quality_findings(samples.pictures.table(samples.index[samples.pictured]))
    # Of a part of the pictures it cannot be said that all were looked at.
    return found if why is None else joined_findings([found.table], (), unknown)


def findings_of_analysis(analysis: Analysis, run: RunFolder) -> HealthFindings:
    """What is odd about classes, and beside the other samples of a class.

    Args:
        analysis: What is said of the samples.
        run: The run that they are of.
    """
    frame, names = analysis.frame, run.class_names()
    features = features_of_run(run)
    space = None
    if features is not None and len(features) == len(frame):
        space = FeatureSpace(features.ordered(frame["index"].cast(pl.Int64).to_numpy()))
    evidence = held_out_evidence(run, frame)
    outliers = outlier_findings(frame, names, space)
    return _joined([outliers, class_findings(frame, names, evidence, space)])
