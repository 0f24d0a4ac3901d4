"""``dataparams report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from dataparams.cli.current import DataFlags, current, pictures_expected
from dataparams.errors import UserError


@dataclass(frozen=True)
class ReportConfig(DataFlags):
    """Write a report that can be handed on: pages that open from disk in any browser."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    pile_limit: int = 2000
    """The most samples of a category that the page of a class shows."""
    pictures: bool = True
    """--no-pictures writes the report where the images are not at hand."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(ReportConfig, args=words, prog=f"{program} report")
    if config.pile_limit < 1:
        raise UserError(f"--pile-limit is {config.pile_limit}; expected a number, 1 or above.")
    from dataparams.figures import embed
    from dataparams.report import write_report
    from dataparams.run.folder import RunFolder
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    run = RunFolder(config.run)
    with token_file(config.hf_token_file), progress_display("writing the report") as display:
        analysis = current(run, display, data=config.data, pictures=config.pictures)
        with pictures_expected():
            index = write_report(
                analysis,
                run.report,
                embed=embed,
                on_progress=lambda done, total: display.step(done, total, ""),
                pile_limit=config.pile_limit,
            )
        display.line(f"Open {index} in a browser.")
    return 0
