"""``dataparams compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from dataparams.errors import RunError, UserError
from dataparams.terminal.flags import say
from dataparams.terminal.words import MOST_CLASSES


@dataclass(frozen=True)
class CompareConfig:
    """Compare runs on one validation split: accuracies, classes, training samples."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Two or more run folders."""
    out: Path | None = None
    """Write the figures to this file, .csv or .json."""
    figure: Path | None = None
    """The image to draw; by default figures/comparison.png in the first run folder."""
    overwrite: bool = False
    """Replace these files if they exist."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(CompareConfig, args=words, prog=f"{program} compare")
    if config.out is not None and config.out.suffix not in (".csv", ".json"):
        raise UserError(f"--out is {config.out}; expected a file named .csv or .json.")
    _require_absent(config.out, config.figure, overwrite=config.overwrite)
    from dataparams.analysis import comparison as comparing
    from dataparams.figures.comparison import draw_comparison
    from dataparams.run.folder import RunFolder
    from dataparams.run.safe_files import write_whole

    runs = [RunFolder(path) for path in config.runs]
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
    return 0


def _require_absent(*files: Path | None, overwrite: bool) -> None:
    for file in files:
        if file is not None and file.exists() and not overwrite:
            raise RunError(f"{file} exists already. Choose another, or give --overwrite.")
