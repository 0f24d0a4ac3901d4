"""``dataparams clean``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from dataparams.cli.analysis_of_run import RunArgument, current

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class CleanConfig:
    """Select the samples and labels to train on, by the analysis or by annotators' decisions."""

    run: RunArgument
    """The run folder."""
    strategy: Literal["easy", "likely", "relabel", "reviewed"] = "easy"
    """easy: keep the easy samples; likely: also the others whose label is likelier right than
    wrong; relabel: like likely, with the suggested label where its confidence suffices; reviewed:
    as annotators decided (see --undecided), without disputed samples."""
    confidence: float = 0.9
    """The lowest confidence of a suggested label that is used, 0 ... 1."""
    undecided: Literal["keep", "likely", "relabel", "drop"] = "keep"
    """With --strategy reviewed: whether hard and need-review samples that are undecided or skipped
    are kept as given, treated as by likely or relabel, or dropped. Easy ones are kept."""
    soft: bool = False
    """Weight each sample by the probability that its label is right, instead of by 1."""
    allow_empty_class: bool = False
    """Allow that a class is left with no sample, or with one."""
    out: Path | None = None
    """The file to write; by default cleaned.parquet in the run folder."""
    overwrite: bool = False
    """Replace a file that holds annotators' decisions, or was not written by this program. A file
    that clean wrote without decisions is replaced in any case."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(CleanConfig, args=words, prog=f"{program} clean")
    from dataparams.cleaning.selection import CleanSettings
    from dataparams.cleaning.summary import summary_text
    from dataparams.cleaning.writing import clean_run, require_replaceable
    from dataparams.decisions.audited_error_rate import audited_error_rate
    from dataparams.decisions.class_changes import class_names_of
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import progress_display

    settings = CleanSettings(
        strategy=config.strategy,
        confidence=config.confidence,
        undecided=config.undecided,
        soft=config.soft,
        allow_empty_class=config.allow_empty_class,
    )
    run = RunFolder(config.run)
    # Before the analysis, which takes longer.
    require_replaceable(run, config.out, overwrite=config.overwrite)
    with progress_display("analyzing") as display:
        analysis = current(run, display, pictures=False)
        for warning in analysis.warnings:
            display.line(warning)
        if run.review.exists() and config.strategy != "reviewed":
            display.line("Annotators' decisions are not used; --strategy reviewed applies them.")
        table = clean_run(run, analysis.frame, settings, out=config.out, overwrite=config.overwrite)
        file = config.out or run.cleaned
        display.line(summary_text(table, class_names_of(run), settings, file))
        rate = audited_error_rate(run)
        if rate is not None:
            display.line(rate.words())
        display.line(f"Wrote {file}.")
        display.line(f"Next: {_next(run, file)}")
    return 0


def _next(run: RunFolder, file: Path) -> str:
    """What to do with the file: train here on images, elsewhere on anything else."""
    from dataparams.run.source import is_kept

    if run.content_kind() == "image" and not is_kept(run.description()):
        return f"dataparams train --from-clean {file}"
    # Exports have the labels of the file in the run folder, and of no other.
    is_in_run = file.resolve() == run.cleaned.resolve()
    place = run.path if is_in_run else file
    in_loop = f'in a loop of your own, dataparams.cleaned("{place}") gives index, label and weight'
    return f"dataparams export {run.path} --to csv FOLDER; or {in_loop}" if is_in_run else in_loop
