"""The health of data that no run folder knows yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataparams.batches.labeled_images import UnreadableSample
from dataparams.health.checked_samples import samples_of_data
from dataparams.health.checking import check
from dataparams.health.picture_measuring import PictureMeasuring
from dataparams.training.audit_config import require_valid
from dataparams.training.audited_samples import read_samples
from dataparams.training.launched import LaunchedPlace
from dataparams.training.processes import Processes
from dataparams.training.signals import StopSignals

if TYPE_CHECKING:
    from dataparams.health.findings import HealthFindings
    from dataparams.sources.source import Source
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.audit_config import AuditConfig


@dataclass(frozen=True, eq=False)
class FindingsOfData:
    """What was found in data, and the source that they come from."""

    findings: HealthFindings
    source: Source


def findings_of_data(config: AuditConfig, display: ProgressDisplay) -> FindingsOfData:
    """Look for what is wrong beside the labels in data.

    Args:
        config: Where the data are, and what makes their features.
        display: Where progress is shown.

    Raises:
        UserError: If the data cannot be used.
        Stopped: If a signal asked for it; features that were computed are kept.
    """
    require_valid(config)
    processes = Processes(LaunchedPlace())
    samples = read_samples(config, display, processes, measuring=PictureMeasuring())
    source = samples.source
    unreadable = tuple(
        UnreadableSample(row, source.ids[row], reason)
        for row, reason in sorted(samples.features.unreadable.items())
    )
    with StopSignals() as signals:
        checked = samples_of_data(
            samples,
            unreadable,
            on_progress=lambda done, total: display.stage("reading for health", done, total),
            should_stop=lambda: signals.received,
        )
    return FindingsOfData(check(checked), source)
