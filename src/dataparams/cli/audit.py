"""``dataparams audit``: one command from a folder to a verdict."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from dataparams.cli.analysis_of_run import SHOWN, current
from dataparams.errors import DataError, LostProcessError, RunError, Stopped, UserError
from dataparams.sources.split_names import ALL_SPLITS
from dataparams.training.audit_config import AuditConfig
from dataparams.training.launched import launched_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.launched import LaunchedPlace

_NETWORK_ALONE = ("encoder", "weights", "features", "labels", "out")
_TEXTS_AND_ROWS = ("text_column", "row_columns")


@dataclass(frozen=True)
class AuditArguments(AuditConfig):
    """What ``dataparams audit`` takes."""

    recipe: Literal["heads", "finetune", "scratch"] = "heads"
    """heads: small heads on the features of a pretrained network, in a minute; finetune: that
    network trained further; scratch: a small network from nothing. The last two train as long as
    dataparams train does."""
    open: bool = False
    """Open the report in a browser."""
    worst: int = SHOWN
    """How many of the most suspicious samples to print."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    place = launched_place()
    arguments = tyro.cli(
        AuditArguments,
        args=words,
        prog=f"{program} audit",
        description="Find out which labels are wrong: every sample is judged by classifiers that "
        "never saw it. Nothing leaves this machine.",
        console_outputs=place.is_main_process,
    )
    if arguments.recipe != "heads":
        _require_valid(arguments)
        _audit_by_training(arguments, place)
        return 0
    try:
        _require_valid(arguments)
        _audit(arguments, place)
    except (UserError, Stopped) as error:
        if place.num_processes > 1:
            # A launcher ends all as soon as one has ended; all have an exit code of their own.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if place.is_main_process:
            raise
        # All processes end with the same error, and the first one says it.
        return error.exit_code
    except LostProcessError as lost:
        raise RunError(
            f"Another of {place.num_processes} processes has died, so this one ends as well; what "
            "it said is above. Features that were computed are kept: give the same command again."
        ) from lost
    return 0


def _require_valid(arguments: AuditArguments) -> None:
    if arguments.worst < 0:
        raise UserError(f"--worst is {arguments.worst}; expected a whole number, 0 or above.")


def _audit(arguments: AuditArguments, place: LaunchedPlace) -> None:
    from dataparams.health.picture_measuring import PictureMeasuring
    from dataparams.making_runs import carry_decisions_along
    from dataparams.training.audit import audit
    from dataparams.training.processes import joined_processes

    started = time.monotonic()
    named = {field.name: getattr(arguments, field.name) for field in fields(AuditConfig)}
    with _display(place) as display, joined_processes(place) as processes:
        audited = audit(
            AuditConfig(**named),
            display=display,
            processes=processes,
            measuring=PictureMeasuring(),
        )

        def finish() -> None:
            carry_decisions_along(audited, display)
            _finish(audited.run, arguments, display, started)

        processes.on_main(finish)


def _audit_by_training(arguments: AuditArguments, place: LaunchedPlace) -> None:
    """The run of a training from end to end, in place of heads on features."""
    started = time.monotonic()
    with _display(place) as display:
        run = _trained(arguments, display)
        if place.is_main_process:
            _finish(run, arguments, display, started)


@contextmanager
def _display(place: LaunchedPlace) -> Iterator[ProgressDisplay]:
    """Where progress is shown: in the first process alone."""
    from dataparams.terminal.progress import SilentProgress, progress_display

    if not place.is_main_process:
        yield SilentProgress()
        return
    with progress_display("audit") as display:
        yield display


def _finish(
    run: RunFolder, arguments: AuditArguments, display: ProgressDisplay, started: float
) -> None:
    """Analyze the run, check its health, write the report and tell the verdict."""
    from dataparams.health.findings_text import findings_line
    from dataparams.health.health_of_run import MOST_DECODED_BESIDE, kept_or_new_findings

    analysis = current(run, display, pictures=True)
    findings = kept_or_new_findings(
        run, display, analysis=analysis, most_decoded=MOST_DECODED_BESIDE
    )
    index = _report(run, analysis, display)
    seconds = time.monotonic() - started
    beside = findings_line(findings)
    for line in _closing_lines(run, analysis, beside, index, arguments.worst, seconds):
        display.line(line)
    if arguments.open:
        import webbrowser

        webbrowser.open(index.absolute().as_uri())


def _trained(arguments: AuditArguments, display: ProgressDisplay) -> RunFolder:
    for name in _TEXTS_AND_ROWS:
        if getattr(arguments, name):
            raise UserError(
                f"--{name.replace('_', '-')} is given with --recipe {arguments.recipe}, which "
                "trains a network on images; texts and rows are judged by --recipe heads."
            )
    for name in _NETWORK_ALONE:
        if getattr(arguments, name) is not None:
            raise UserError(
                f"--{name} is given with --recipe {arguments.recipe}, which trains the whole "
                "network; expected --recipe heads, or dataparams train with its own flags."
            )
    if arguments.split != ALL_SPLITS:
        raise UserError(
            f"--split is given with --recipe {arguments.recipe}, which trains a network on the "
            "training split; expected --recipe heads."
        )
    dataset = arguments.dataset
    if dataset is None:
        raise UserError(f"--recipe {arguments.recipe} needs the PATH of images; none is given.")
    from dataparams.run.folder import RunFolder
    from dataparams.training.audited_samples import require_here
    from dataparams.training.config import RECIPES
    from dataparams.training.engine import train
    from dataparams.training.processes import process_group_left

    if arguments.offline:
        require_here(dataset)
    recipe = RECIPES["finetune" if arguments.recipe == "finetune" else "quick"]
    config = replace(
        recipe,
        dataset=dataset,
        exp_prefix=f"audit-{arguments.recipe}",
        # The same audit again opens what was trained, or goes on with it.
        resume=True,
        image_column=arguments.image_column,
        label_column=arguments.label_column,
        data_dir=arguments.data_dir,
        hf_token_file=arguments.hf_token_file,
        rand_fraction=arguments.rand_fraction,
        noise=arguments.noise,
        seed=arguments.seed,
    )
    with process_group_left():
        return RunFolder(train(config, display=display).path)


def _report(run: RunFolder, analysis: Analysis, display: ProgressDisplay) -> Path:
    """The report, written where it is not there already."""
    index = run.report / "index.html"
    if index.is_file() and index.stat().st_mtime_ns > _analyzed_at(run):
        return index
    from dataparams.figures import report_map
    from dataparams.report import write_report

    return write_report(
        analysis,
        run.report,
        embed=report_map(analysis),
        on_progress=lambda done, total: display.stage("writing the report", done, total),
    )


def _analyzed_at(run: RunFolder) -> int:
    return (run.path / "analysis.parquet").stat().st_mtime_ns


def _closing_lines(
    run: RunFolder, analysis: Analysis, beside: str, index: Path, worst: int, seconds: float
) -> list[str]:
    from dataparams.analysis.excerpts import excerpts_of_run
    from dataparams.analysis.verdict_text import verdict_text

    return [
        "",
        verdict_text(analysis, worst, excerpts_of_run(run)),
        beside,
        f"Report: {index}",
        f"Run folder: {run.path} ({seconds:.0f} seconds)",
        "",
        "Next:",
        f"  dataparams review {run.path}    look at the doubtful ones and decide, in a browser",
        f"  dataparams health {run.path}    list what was found beside the labels",
        f"  dataparams clean {run.path}     keep what is likely right, for training",
        *_apply_line(run),
    ]


def _apply_line(run: RunFolder) -> list[str]:
    """How decisions go where the data lie; nothing where they cannot."""
    from dataparams.applying.planning import place_of_data

    try:
        place_of_data(run)
    except (DataError, RunError):
        return []
    return [f"  dataparams apply {run.path}     write what was decided where the data lie"]
