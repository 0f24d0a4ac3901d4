"""``dataparams apply``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dataparams.cli.analysis_of_run import RunArgument  # noqa: TC001 - tyro reads it
from dataparams.errors import UserError
from dataparams.terminal.flags import say

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.applying.planning import Plan
    from dataparams.cleaning.changes import Origin
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class ApplyConfig:
    """Write corrections where the data live, after a list of all of them; --undo takes them back.

    Files move to the folder of another class; of a table the column of the labels changes. What was
    discarded goes to a folder beside the data, or gets true in a column; nothing is removed.
    """

    run: RunArgument
    """The run folder."""
    from_: Annotated[Literal["decisions", "cleaned"], tyro.conf.arg(name="from")] = "decisions"
    """decisions: what people decided in review, without disputed samples; cleaned: all of the run's
    cleaned.parquet, also what no person has looked at."""
    dry_run: bool = False
    """Only list what would be changed."""
    yes: bool = False
    """Change the data without asking."""
    undo: bool = False
    """Take back the last call, whether it was finished or stopped: every byte is as before."""
    data: str | None = None
    """The path of the data, if they have moved since the run was made."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(ApplyConfig, args=words, prog=f"{program} apply")
    if config.undo and config.dry_run:
        raise UserError("--dry-run is given with --undo; expected one of them.")
    from dataparams.applying import apply
    from dataparams.applying.planning import plan
    from dataparams.applying.summary import applied_text
    from dataparams.run.folder import RunFolder

    run = RunFolder(config.run)
    run.description()
    if config.undo:
        say(applied_text(apply.undo(run, config.data), run.path))
        return 0
    if not config.dry_run:
        finished = apply.finish(run, config.data)
        if finished is not None:
            say(applied_text(finished, run.path))
            return 0
    planned = plan(run, config.from_, config.data)
    if not len(planned):
        say("\n".join([*planned.notes, f"Nothing to change: {_why_nothing(run, config.from_)}"]))
        return 0
    _say_plan(planned, is_decided=config.yes and not config.dry_run)
    if config.dry_run:
        say("Nothing was changed: this was a dry run.")
    elif config.yes or _agreed(planned):
        say(applied_text(apply.apply_plan(planned), run.path))
    else:
        say("Nothing was changed.")
    return 0


def _why_nothing(run: RunFolder, origin: Origin) -> str:
    from dataparams.cleaning.changes import decided_labels, wanted_labels

    if origin == "decisions" and not len(wanted_labels(run)) and len(decided_labels(run)):
        return "all that was decided is disputed."
    if origin == "cleaned" or len(wanted_labels(run)):
        return "the labels in the data are those that were decided."
    return f"nobody has decided anything yet. First: dataparams review {run.path}"


def _say_plan(planned: Plan, *, is_decided: bool) -> None:
    from dataparams.applying.planning import PLANNED
    from dataparams.applying.summary import MOST_SHOWN, plan_text
    from dataparams.cleaning.changes import CHANGES, changes_csv
    from dataparams.run.safe_files import write_whole

    file: Path | None = None
    if len(planned) > MOST_SHOWN:
        # What is made at once is in the list of what was made.
        file = planned.run.path / (CHANGES if is_decided else PLANNED)
        if not is_decided:
            write_whole(file, changes_csv(planned.changes))
    say(plan_text(planned, file))
    say("")


def _agreed(planned: Plan) -> bool:
    """Whether the user, asked in the terminal, says yes."""
    if not sys.stdin.isatty():
        raise UserError(
            "There is no terminal to ask in whether to change the data, and nothing was changed. "
            "Give --yes to change them, or --dry-run to see the list alone."
        )
    question = f"Change {planned.place}? [y/N] "
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
