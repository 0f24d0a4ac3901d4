"""``dataparams report``."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from dataparams.cli.analysis_of_run import DataFlags, RunArgument, current, pictures_expected
from dataparams.errors import UserError


@dataclass(frozen=True)
class ReportConfig(DataFlags):
    """Write a report to hand on: pages that open from disk in any browser."""

    run: RunArgument
    """The run folder."""
    pile_limit: int | None = None
    """The largest number of samples of a category on the page of a class: 2000, unless there are
    more than 50,000 samples. With a number of your own every class has its map."""
    pictures: bool = True
    """--no-pictures writes the report without the images, where they are not available."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(ReportConfig, args=words, prog=f"{program} report")
    if config.pile_limit is not None and config.pile_limit < 1:
        raise UserError(f"--pile-limit is {config.pile_limit}; expected a number, 1 or above.")
    from dataparams.figures import report_map
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
                embed=report_map(analysis),
                on_progress=lambda done, total: display.step(done, total, ""),
                pile_limit=config.pile_limit,
            )
        display.line(f"Open {index} in a browser.")
    return 0
