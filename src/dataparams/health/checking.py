"""All checks of health, one after the other: what is wrong beside the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.health.damaged import damaged_findings
from dataparams.health.duplicate_findings import duplicate_findings
from dataparams.health.findings import Findings, joined_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.analysis.result import Analysis
    from dataparams.health.checked_samples import CheckedSamples

    Check = Callable[[CheckedSamples], Findings]
    CheckOfAnalysis = Callable[[CheckedSamples, Analysis], Findings]

_CHECKS: tuple[Check, ...] = (damaged_findings, duplicate_findings)
"""Each looks for some kinds, and says which of them it could not look for, and why."""
_CHECKS_OF_ANALYSIS: tuple[CheckOfAnalysis, ...] = ()
"""Likewise those that need what a run's analysis says of its samples."""


def check(samples: CheckedSamples, analysis: Analysis | None = None) -> Findings:
    """Look for all that may be wrong beside the labels.

    Args:
        samples: What is known of the samples.
        analysis: What is said of them in the run that they are of; None where they are of none.
    """
    found = [one(samples) for one in _CHECKS]
    if analysis is not None:
        found += [one(samples, analysis) for one in _CHECKS_OF_ANALYSIS]
    not_checked: dict[str, str] = {}
    for each in found:
        not_checked |= each.not_checked
    checked = [kind for each in found for kind in each.checked]
    return joined_findings([each.table for each in found], checked, not_checked)
