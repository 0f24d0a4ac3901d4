"""All that a report tells beside the analysis: what was found, decided, changed and gained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dataparams.cleaning.changes import changes_of_run
from dataparams.decisions.audited_error_rate import audited_error_rate
from dataparams.errors import RunError
from dataparams.health.findings import read_findings
from dataparams.report.people import peoples_decisions
from dataparams.report.retraining import retraining_of
from dataparams.report.scope import Scope, scope_of
from dataparams.report.settings import ReportSettings, read_settings
from dataparams.run.applied_changes import applied_changes
from dataparams.sources.opening import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import HealthFindings
    from dataparams.report.people import PeoplesDecisions
    from dataparams.report.retraining import Retraining
    from dataparams.run.folder import RunFolder


class MeasuredShare(Protocol):
    """A share of wrong labels, 0 ... 1, with its 95 % interval."""

    @property
    def rate(self) -> float:
        """The share."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""


class MeasuredStratum(Protocol):
    """What was found in a pile."""

    @property
    def name(self) -> str:
        """The pile: easy, hard or review."""

    @property
    def size(self) -> int:
        """All its samples."""

    @property
    def drawn(self) -> int:
        """How many were drawn."""

    @property
    def reviewed(self) -> int:
        """How many of these were decided about."""

    @property
    def wrong(self) -> int:
        """How many of those had a wrong label."""


class AuditedRate(Protocol):
    """The share of wrong labels that people measured on samples drawn at random."""

    @property
    def rate(self) -> float | None:
        """The share, 0 ... 1; None where nothing was looked at."""

    @property
    def low(self) -> float | None:
        """Lower end of its 95 % interval."""

    @property
    def high(self) -> float | None:
        """Upper end."""

    @property
    def before(self) -> MeasuredShare | None:
        """The same of the labels as they were given."""

    @property
    def at_worst(self) -> float | None:
        """The share if all were wrong that were skipped or are disputed."""

    @property
    def reviewed(self) -> int:
        """How many of the drawn samples were decided about."""

    @property
    def drawn(self) -> int:
        """How many samples were drawn."""

    @property
    def skipped(self) -> int:
        """How many were skipped."""

    @property
    def disputed(self) -> int:
        """On how many people differ."""

    @property
    def strata(self) -> Sequence[MeasuredStratum]:
        """The same by pile."""


@dataclass(frozen=True, eq=False)
class Case:
    """All that a report tells beside the analysis.

    Attributes:
        settings: What somebody chose for it.
        scope: What was checked and what was not.
        day: When it is written; None to leave that out.
        health: What was found beside the labels; None where nobody looked.
        people: What people decided; None where nobody did.
        retraining: What training on cleaned data was worth; None where that is not known.
        audited: The share of wrong labels that people measured; None where they did not.
        changes: A row per change of a label: ``index``, ``id``, ``old_label``, ``new_label``,
            ``action``, ``who``, ``when``, ``why``; None where there is no such list.
        waiting: How many of these could be made in the data, and are not yet.
    """

    settings: ReportSettings
    scope: Scope
    day: date | None = None
    health: HealthFindings | None = None
    people: PeoplesDecisions | None = None
    retraining: Retraining | None = None
    audited: AuditedRate | None = None
    changes: pl.DataFrame | None = None
    waiting: int = 0


def case_of(analysis: Analysis, settings: ReportSettings | None = None) -> Case:
    """What a run folder tells beside its analysis.

    Args:
        analysis: What is reported; of arrays there is nothing beside it.
        settings: What somebody chose for the report; None for what is kept in the run folder,
            without runs to compare that are gone.

    Raises:
        RunError: If something in the run folder is damaged, or runs cannot be compared.
    """
    run, today = analysis.run, datetime.now().astimezone().date()
    if run is None or not (run.path / "run.json").is_file():
        return Case(settings or ReportSettings(), scope_of(analysis, None), today)
    settings = settings or _without_what_is_gone(read_settings(run))
    people = peoples_decisions(run, analysis)
    changes = None if people is None else changes_of_run(run)
    return Case(
        settings=settings,
        scope=scope_of(analysis, run),
        day=today,
        health=read_findings(run),
        people=people,
        retraining=retraining_of(run, settings.compared_with),
        audited=audited_error_rate(run),
        changes=changes,
        waiting=0 if changes is None else count_waiting(run, changes),
    )


def count_waiting(run: RunFolder, changes: pl.DataFrame) -> int:
    """How many changes are not in the data, where these are files that can be changed.

    Args:
        run: The run folder.
        changes: As of :func:`dataparams.cleaning.changes.changes_of_run`.
    """
    if local_path(str(run.description().get("source", {}).get("name") or "")) is None:
        return 0
    try:
        applied = applied_changes(run.applied_folder, run.path).samples
    except RunError:
        # A call was stopped; the next one goes on with all of them.
        return len(changes)
    made = applied.select("index", new_label="label")
    return len(changes.join(made, on=["index", "new_label"], how="anti", nulls_equal=True))


def _without_what_is_gone(settings: ReportSettings) -> ReportSettings:
    """Kept settings without the comparison, if a run is gone that nobody asks for now."""
    is_there = all((Path(path) / "run.json").is_file() for path in settings.compared_with)
    return settings if is_there else replace(settings, compared_with=())
