"""``dataparams compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from dataparams.cli.analysis_of_run import current
from dataparams.errors import RunError, UserError
from dataparams.terminal.flags import say
from dataparams.terminal.words import MOST_CLASSES

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class CompareConfig:
    """Put runs side by side.

    Of trainings on one validation split: accuracies, classes, what they trained on. Where one run
    has no validation samples, as an audit: which labels each takes for wrong.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Two or more run folders."""
    out: Path | None = None
    """Write the figures to this file, .csv or .json; where labels are compared, .csv has a row per
    sample."""
    figure: Path | None = None
    """Where to draw accuracies; by default figures/comparison.png in the first run folder."""
    overwrite: bool = False
    """Replace these files if they exist."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(CompareConfig, args=words, prog=f"{program} compare")
    if config.out is not None and config.out.suffix not in (".csv", ".json"):
        raise UserError(f"--out is {config.out}; expected a file named .csv or .json.")
    _require_absent(config.out, config.figure, overwrite=config.overwrite)
    from dataparams.analysis.comparison import is_validated
    from dataparams.run.folder import RunFolder

    runs = [RunFolder(path) for path in config.runs]
    if not all(map(is_validated, runs)):
        _compare_verdicts(config, runs)
    else:
        _compare_accuracies(config, runs)
    return 0


def _compare_verdicts(config: CompareConfig, runs: list[RunFolder]) -> None:
    """Compare which labels the runs take for wrong."""
    if config.figure is not None:
        raise UserError(
            f"--figure {config.figure} is given with a run that has no accuracy over epochs to "
            "draw, as an audit has none; leave it out, or give --out."
        )
    from dataparams.analysis import verdict_comparison as comparing
    from dataparams.analysis.comparison import require_several
    from dataparams.run.safe_files import write_whole
    from dataparams.terminal.progress import progress_display

    require_several(runs)
    with progress_display("analyzing") as display:
        analyses = [current(run, display, pictures=False) for run in runs]
    comparison = comparing.compare_verdicts(runs, analyses)
    if config.out is not None:
        is_table = config.out.suffix == ".csv"
        contents = comparing.verdicts_csv if is_table else comparing.verdicts_json
        write_whole(config.out, contents(comparison))
    say(comparing.verdicts_text(comparison).removesuffix("\n"))
    if config.out is not None:
        say(f"Wrote {config.out}.")


def _compare_accuracies(config: CompareConfig, runs: list[RunFolder]) -> None:
    """Compare the runs of trainings on their validation split."""
    from dataparams.analysis import comparison as comparing
    from dataparams.figures.comparison import draw_comparison
    from dataparams.run.safe_files import write_whole

    comparison = comparing.compare(runs)
    figure = config.figure or runs[0].figures / "comparison.png"
    classes = config.out or figure.with_name(f"{figure.stem}_classes.csv")
    written = {figure: draw_comparison(comparison).png(150)}
    if config.out is not None:
        is_table = config.out.suffix == ".csv"
        contents = comparing.comparison_csv if is_table else comparing.comparison_json
        written[config.out] = contents(comparison)
    elif len(comparison.classes) > MOST_CLASSES:
        if config.figure is not None:
            _require_absent(classes, overwrite=config.overwrite)
        written[classes] = comparing.classes_csv(comparison)
    for file, contents_of_file in written.items():
        write_whole(file, contents_of_file)
    say(comparing.comparison_text(comparison, classes).removesuffix("\n"))
    for file in written:
        say(f"Wrote {file}.")


def _require_absent(*files: Path | None, overwrite: bool) -> None:
    for file in files:
        if file is not None and file.exists() and not overwrite:
            raise RunError(f"{file} exists already. Choose another, or give --overwrite.")
