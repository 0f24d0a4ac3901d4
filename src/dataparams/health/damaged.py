"""Findings of samples that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.health.findings import Finding, HealthFindings, findings_table
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from dataparams.health.checked_samples import CheckedSamples


def damaged_findings(samples: CheckedSamples) -> HealthFindings:
    """The samples that cannot be read, each with the reason.

    Args:
        samples: The samples; those that cannot be read are listed beside them.
    """
    found = [
        Finding("damaged", [one.index], 1.0, sentence("damaged", reason=one.reason.rstrip(".")))
        for one in samples.unreadable
    ]
    return HealthFindings(findings_table(found), ("damaged",))
