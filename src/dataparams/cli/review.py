"""``dataparams review``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import tyro

from dataparams.cli.analysis_of_run import RunArgument, check, current
from dataparams.errors import UserError
from dataparams.terminal.flags import say

if TYPE_CHECKING:
    from dataparams.review.run_in_review import RunInReview
    from dataparams.run.folder import RunFolder

_LAST_PORT = 65535
_LONGEST_NAME = 60


@dataclass(frozen=True)
class ReviewConfig:
    """Look at the suspicious samples and decide about them, in a browser."""

    run: RunArgument
    """The run folder."""
    host: str = "127.0.0.1"
    """The address to listen on; any but this machine's own (127.0.0.1) requires a token."""
    port: int | None = None
    """The port; by default the first free one from 8471 on."""
    open: bool = True
    """--no-open does not open the page in a browser."""
    annotator: str | None = None
    """The annotator's name; by default the page asks for it."""
    pictures: bool = True
    """--no-pictures reviews without the images, where they are not available."""
    data: str | None = None
    """The path of the data, if they have moved since the training."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(ReviewConfig, args=words, prog=f"{program} review")
    if config.port is not None and not 0 <= config.port <= _LAST_PORT:
        raise UserError(f"--port is {config.port}; expected a number, 0 ... {_LAST_PORT}.")
    if config.annotator is not None and not 0 < len(config.annotator.strip()) <= _LONGEST_NAME:
        raise UserError(
            f"--annotator is {config.annotator!r}; expected a name of at most {_LONGEST_NAME} "
            "letters."
        )
    from dataparams.review import serve
    from dataparams.review.preparing import is_large, prepare
    from dataparams.run.folder import RunFolder

    run = RunFolder(config.run)

    def opened() -> RunInReview:
        if is_large(run):
            prepare(run, data=config.data)
        return _opened_review(run, config)

    serve(
        opened(),
        host=config.host,
        port=config.port,
        opens_page=config.open,
        on_line=say,
        reopen=opened,
    )
    say(f"Stopped. The decisions are in {run.review}.")
    return 0


def _opened_review(run: RunFolder, config: ReviewConfig) -> RunInReview:
    """The review that the server serves; the analysis itself is not kept in memory."""
    from dataparams.review.preparing import load_prepared, prepared_of
    from dataparams.review.run_in_review import open_review
    from dataparams.terminal.progress import progress_display

    prepared = load_prepared(run, data=config.data)
    with progress_display("analyzing") as display:
        if prepared is None:
            analysis = current(run, display, data=config.data, pictures=config.pictures)
            prepared = prepared_of(analysis)
        elif config.pictures:
            check(prepared.contents, prepared.facts.ids, display)
    if not config.pictures:
        prepared = replace(prepared, contents=None)
    return open_review(run, prepared, config.annotator and config.annotator.strip())
