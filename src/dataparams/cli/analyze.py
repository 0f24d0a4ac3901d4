"""``dataparams analyze``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import tyro

from dataparams.cli.analysis_of_run import LOOKING, SHOWN, DataFlags, RunArgument
from dataparams.errors import UserError
from dataparams.terminal.words import MOST_CLASSES


@dataclass(frozen=True)
class AnalyzeConfig(DataFlags):
    """Sort a run's samples into easy, hard and need review; score them; suggest labels."""

    run: RunArgument
    """The run folder; training may still be going on."""
    review_budget: str | None = None
    """The largest share of all samples that may need review, such as 5%; by default no limit."""
    model: bool = True
    """Show the samples to the trained model as well; --no-model looks at the trajectories alone."""
    top: int = SHOWN
    """How many of the most suspicious samples to print."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(AnalyzeConfig, args=words, prog=f"{program} analyze")
    if config.top < 0:
        raise UserError(f"--top is {config.top}; expected a whole number, 0 or above.")
    budget = None if config.review_budget is None else _share(config.review_budget)
    from dataparams.analysis import analyze, write_analysis
    from dataparams.analysis.excerpts import excerpts_of_run
    from dataparams.analysis.summary_text import classes_csv, summary_text
    from dataparams.health.findings_text import findings_line, not_checked_words
    from dataparams.health.health_of_run import kept_or_new_findings
    from dataparams.run.folder import RunFolder
    from dataparams.run.safe_files import write_whole
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    with token_file(config.hf_token_file), progress_display("analyzing") as display:
        run = RunFolder(config.run)
        analysis = analyze(
            run,
            review_budget=budget,
            use_model=config.model,
            data=config.data,
            on_progress=lambda done, total: display.step(done, total, LOOKING),
            on_notice=display.line,
        )
        write_analysis(run, analysis)
        if len(analysis.classes) > MOST_CLASSES:
            write_whole(run.analysis_classes, classes_csv(analysis.classes))
        excerpts_of = excerpts_of_run(run, config.data, display.line)
        display.line(summary_text(analysis, config.top, run.analysis_classes, excerpts_of))
        display.line(f"Wrote {config.run / 'analysis.parquet'}, a row per sample.")
        # No picture is decoded for it; health decodes them.
        findings = kept_or_new_findings(
            run, display, analysis=analysis, data=config.data, most_decoded=0
        )
        for line in filter(None, (findings_line(findings), not_checked_words(findings))):
            display.line(line)
        display.line(f"Next: dataparams report {config.run}")
    return 0


def _share(words: str) -> float:
    """A share such as 5% or 0.05."""
    try:
        share = float(words.rstrip("%")) / (100 if words.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise UserError(f"--review-budget is {words}; expected a share such as 5% or 0.05.")
    return share
