"""``dataparams review``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import tyro

from dataparams.cli.analysis_of_run import RunArgument, check, current
from dataparams.errors import UserError
from dataparams.terminal.flags import say

if TYPE_CHECKING:
    from dataparams.review.preparing import Prepared
    from dataparams.review.run_in_review import RunInReview
    from dataparams.run.folder import RunFolder

_LAST_PORT = 65535
_LONGEST_NAME = 60
_NOBODY = "nobody"


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
    audit: int | None = None
    """Put a random sample of all samples, easy ones too, into the queue, to be judged blind; the
    same number again goes on, a larger one extends it. What people decide gives the share of wrong
    labels with an interval."""
    audit_seed: int = 0
    """The seed that the audit is drawn with, the first time."""
    adjudicator: tuple[str, ...] = ()
    """Names whose decisions settle disputes, from now on; they see others' decisions at once."""
    no_adjudicator: tuple[str, ...] = ()
    """Names that settle disputes no longer."""
    assign: tuple[str, ...] = ()
    """Who decides about which samples, in place of what was assigned before: NAME=CLASS,CLASS for
    whole classes, NAME=30% for a share of the others. --assign nobody assigns nothing."""


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
    if config.audit is not None and config.audit < 1:
        raise UserError(f"--audit is {config.audit}; expected how many samples to judge, from 1.")
    from dataparams.review import serve
    from dataparams.review.preparing import is_large, prepare
    from dataparams.run.folder import RunFolder

    run = RunFolder(config.run)

    _agree_on_team(run, config)

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
    return open_review(
        run,
        prepared,
        config.annotator and config.annotator.strip(),
        is_auditing=_drawn_audit(run, prepared, config),
    )


def _agree_on_team(run: RunFolder, config: ReviewConfig) -> None:
    """Keep who settles disputes and who does what; before anything that takes long."""
    if not (config.adjudicator or config.no_adjudicator or config.assign):
        return
    from contextlib import closing

    from dataparams.decisions.adjudicators import set_adjudicator
    from dataparams.decisions.assignments import assign, parsed_assignments
    from dataparams.decisions.class_changes import class_names_of
    from dataparams.decisions.database import DecisionDatabase

    for name in (*config.adjudicator, *config.no_adjudicator):
        if not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise UserError(
                f"--adjudicator is {name!r}; expected a name of at most {_LONGEST_NAME} letters."
            )
    words = () if config.assign == (_NOBODY,) else config.assign
    assignments = parsed_assignments(words, class_names_of(run))
    with closing(DecisionDatabase(run.review)) as database:
        for name in config.adjudicator:
            set_adjudicator(database, name)
        for name in config.no_adjudicator:
            set_adjudicator(database, name, is_one=False)
        if config.assign:
            assign(database, assignments)


def _drawn_audit(run: RunFolder, prepared: Prepared, config: ReviewConfig) -> bool:
    """Whether an audit goes on, after what is still to be drawn for it was."""
    if config.audit is None:
        return False
    from contextlib import closing

    from dataparams.decisions.audit_sample import draw_audit
    from dataparams.decisions.database import DecisionDatabase
    from dataparams.review.preparing import piles_of

    with closing(DecisionDatabase(run.review)) as database:
        judged = piles_of(prepared.facts)
        drawn = draw_audit(database, judged, config.audit, seed=config.audit_seed)
    say(
        f"Audit: {len(drawn.samples):,} samples of {sum(drawn.sizes.values()):,}, drawn at random "
        "from every pile, are judged blind."
    )
    return True
