"""The health of a run's data: the findings that are kept in its folder, or new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.errors import RunError
from dataparams.health.checked_samples import samples_of_run
from dataparams.health.checking import check
from dataparams.health.findings import read_findings, write_findings
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import Findings
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
) -> Findings:
    """The findings in a run folder; where there are none, they are made and written.

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
    try:
        kept = read_findings(run)
    except RunError:
        kept = None
    if kept is not None:
        return kept
    return new_findings(run, display, analysis=analysis, data=data, most_decoded=most_decoded)


def new_findings(
    run: RunFolder,
    display: ProgressDisplay,
    *,
    analysis: Analysis | None = None,
    data: str | None = None,
    most_decoded: int | None = None,
) -> Findings:
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
        samples = samples_of_run(
            run,
            data=data,
            most_decoded=most_decoded,
            on_progress=lambda done, total: display.stage("reading for health", done, total),
            should_stop=lambda: signals.received,
        )
    found = check(samples, analysis)
    try:
        before = read_findings(run)
    except RunError:
        before = None
    if before is not None and not set(before.checked) <= set(found.checked):
        display.line(
            f"{run.health_file} stays as it was: it knows more than can be found out now "
            f"({'; '.join(sorted(set(found.not_checked.values())))})."
        )
        return before
    write_findings(run, found)
    return found
