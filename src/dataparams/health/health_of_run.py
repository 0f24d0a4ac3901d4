"""The health of a run's data: the findings that are kept in its folder, or new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataparams.errors import RunError
from dataparams.health.checked_samples import checked_samples_of_run
from dataparams.health.checking import check, findings_of_analysis
from dataparams.health.findings import read_findings, write_findings
from dataparams.health.staleness import ANALYSIS, changed_since, made_of, renewed_findings
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import HealthFindings
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay

MOST_DECODED_BESIDE = 5_000
"""How many pictures an audit decodes for health alone: where it was given ready features."""


def analysis_of(run: RunFolder) -> Analysis | None:
    """What is said of the samples of a run; None where nobody has analyzed it."""
    from dataparams.analysis.analyze import current_analysis

    return current_analysis(run) if run.analysis() is not None else None


def kept_or_new_findings(
    run: RunFolder,
    display: ProgressDisplay,
    *,
    analysis: Analysis | None = None,
    data: str | None = None,
    most_decoded: int | None = None,
) -> HealthFindings:
    """The findings in a run folder; what is missing or stale of them is made and written.

    Where the analysis alone is another, what it says of classes and outliers is made anew, and what
    was found in the samples themselves stays. Arguments and errors are those of
    :func:`new_findings`.
    """
    kept = _kept_findings(run)
    now = made_of(run, analysis)
    changed = set(now) if kept is None else changed_since(kept, now)
    if kept is not None and not changed:
        display.line(f"{run.health_file} is kept: it was made of the same data and analysis.")
        return kept
    if kept is None or analysis is None or changed != {ANALYSIS}:
        return new_findings(run, display, analysis=analysis, data=data, most_decoded=most_decoded)
    renewed = renewed_findings(kept, findings_of_analysis(analysis, run), now)
    write_findings(run, renewed)
    display.line(
        f"{run.health_file}: what it says of classes and outliers is made anew, for the analysis "
        "is another; what was found in the samples themselves is kept."
    )
    return renewed


def new_findings(
    run: RunFolder,
    display: ProgressDisplay,
    *,
    analysis: Analysis | None = None,
    data: str | None = None,
    most_decoded: int | None = None,
) -> HealthFindings:
    """Look for what is wrong in a run's data, and write it to the run folder.

    What was found before stays where less can be looked for now: where the data are gone.

    Args:
        run: The run folder.
        display: Where progress is shown.
        analysis: What is said of its samples.
        data: Where the data lie now; None for where they lay.
        most_decoded: How many pictures may be decoded that were not decoded for features.

    Raises:
        RunError: If the run folder is damaged, or cannot be written.
        DataError: If the data are not where ``data`` says.
        Stopped: If a signal asked for it.
    """
    with StopSignals() as signals:
        samples = checked_samples_of_run(
            run,
            data=data,
            most_decoded=most_decoded,
            on_progress=lambda done, total: display.stage("reading for health", done, total),
            should_stop=lambda: signals.received,
        )
    now = made_of(run, analysis)
    found = replace(check(samples, analysis), made_of=now)
    before = _kept_findings(run)
    knows_more = before is not None and not set(before.checked) <= set(found.checked)
    if before is not None and knows_more and "data" not in changed_since(before, now):
        display.line(
            f"{run.health_file} stays as it was: it knows more than can be found out now "
            f"({'; '.join(sorted(set(found.not_checked.values())))})."
        )
        return before
    write_findings(run, found)
    return found


def _kept_findings(run: RunFolder) -> HealthFindings | None:
    try:
        return read_findings(run)
    except RunError:
        return None
