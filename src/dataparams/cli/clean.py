"""``dataparams clean``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from dataparams.cli.current import current


@dataclass(frozen=True)
class CleanConfig:
    """Decide which samples to train on, and with which labels: by the analysis, or by people."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    strategy: Literal["easy", "likely", "relabel", "reviewed"] = "easy"
    """easy: keep the easy samples; likely: also the others whose label is likelier right than
    wrong; relabel: the same, but where the suggested label is confident enough, with that label;
    reviewed: what people decided (see --undecided), without samples of which they want different
    things."""
    confidence: float = 0.9
    """How confident a suggested label must be to be taken."""
    undecided: Literal["keep", "likely", "relabel", "drop"] = "keep"
    """With 'reviewed', what becomes of hard and need-review samples that nobody decided about or
    that were skipped: keep them as given, do as likely or relabel would, or drop them. Easy ones
    are kept."""
    soft: bool = False
    """Give samples weights below 1: how likely their label is right."""
    allow_empty_class: bool = False
    """Let a class lose all of its samples, or all but one."""
    out: Path | None = None
    """Where to; by default cleaned.parquet in the run folder."""
    overwrite: bool = False
    """Replace a file that holds what people decided, or is not of this program; what clean made
    by itself is replaced without it."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(CleanConfig, args=words, prog=f"{program} clean")
    from dataparams.cleaning.selection import CleanSettings
    from dataparams.cleaning.summary import summary_text
    from dataparams.cleaning.writing import clean_run, require_replaceable
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
    # Before the analysis: what is in the way is told at once.
    require_replaceable(run, config.out, overwrite=config.overwrite)
    with progress_display("analyzing") as display:
        analysis = current(run, display, pictures=False)
        for warning in analysis.warnings:
            display.line(warning)
        if run.review.exists() and config.strategy != "reviewed":
            display.line("What people decided is not used; --strategy reviewed applies it.")
        table = clean_run(run, analysis.frame, settings, out=config.out, overwrite=config.overwrite)
        file = config.out or run.cleaned
        display.line(summary_text(table, run.class_names(), settings, file))
        display.line(f"Wrote {file}.")
        display.line(f"Next: dataparams train --from-clean {file}")
    return 0
