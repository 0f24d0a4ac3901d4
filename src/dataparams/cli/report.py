"""``dataparams report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from dataparams.cli.analysis_of_run import DataFlags, RunArgument, current, pictures_expected
from dataparams.errors import UserError

if TYPE_CHECKING:
    from dataparams.report.settings import ReportSettings
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class ReportConfig(DataFlags):
    """Write a report to hand on: pages that open from disk in any browser.

    Title, client, note, language and the runs that are compared are kept in the run folder: the
    next report has them too, unless others are given. "" as title, client or note takes it away.
    """

    run: RunArgument
    """The run folder."""
    title: str | None = None
    """What the report is called; the name of the data by default."""
    client: str | None = None
    """Who it is for."""
    note: str | None = None
    """A sentence or two that stand below the title."""
    language: Literal["en", "de"] | None = None
    """The language of the pages: English, or German."""
    compared_with: tuple[Path, ...] | None = None
    """A training to compare this one with, to say what training on cleaned data was worth; two of
    them, before and after, for the report of an audit. By default the run that this one's samples
    were cleaned from."""
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
    from dataparams.report.case import case_of
    from dataparams.report.settings import write_settings
    from dataparams.run.folder import RunFolder
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    run = RunFolder(config.run)
    settings = _settings(run, config)
    with token_file(config.hf_token_file), progress_display("writing the report") as display:
        analysis = current(run, display, data=config.data, pictures=config.pictures)
        case = case_of(analysis, settings)
        write_settings(run, settings)
        with pictures_expected():
            index = write_report(
                analysis,
                run.report,
                embed=report_map(analysis),
                on_progress=lambda done, total: display.step(done, total, ""),
                pile_limit=config.pile_limit,
                case=case,
            )
        display.line(f"Open {index} in a browser.")
    return 0


def _settings(run: RunFolder, config: ReportConfig) -> ReportSettings:
    """What the last report was written with, and what is given now in its place."""
    from dataparams.report.settings import read_settings, with_given

    compared = config.compared_with
    paths = None if compared is None else tuple(str(path.resolve()) for path in compared)
    return with_given(read_settings(run), {**vars(config), "compared_with": paths})
