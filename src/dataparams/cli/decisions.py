"""``dataparams decisions``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dataparams.errors import RunError, UserError


@dataclass(frozen=True)
class DecisionsConfig:
    """List what people decided about a run's samples; write it to a file, or take it from one."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    history: bool = False
    """Everything that was ever decided or taken back, not only what counts now."""
    limit: int = 20
    """How many rows to print."""
    out: Path | None = None
    """Write all of them to this CSV file, for people: what a spreadsheet would run as a formula
    gets an apostrophe in front, which --import takes away."""
    import_: Annotated[Path | None, tyro.conf.arg(name="import")] = None
    """Take decisions from this file, all or none. CSV: index or id, action (keep, relabel, discard,
    skip), new_label_name (name or number), annotator. JSON: Label Studio's export, as JSON or
    JSON-MIN, of what export --to label-studio wrote."""
    annotator: str | None = None
    """Who decided, where --import does not say it (Label Studio says it, if only by a number)."""
    overwrite: bool = False
    """Replace --out where it exists; let --import count instead of what the same annotator decided
    otherwise."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(DecisionsConfig, args=words, prog=f"{program} decisions")
    if config.limit < 0:
        raise UserError(f"--limit is {config.limit}; expected a whole number, 0 or above.")
    if config.annotator is not None and config.import_ is None:
        raise UserError("--annotator is given without --import; expected a file to take.")
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")
    from dataparams.decisions import tables
    from dataparams.decisions.importing import import_decisions
    from dataparams.run.folder import RunFolder
    from dataparams.run.safe_files import write_whole

    run = RunFolder(config.run)
    if config.import_ is not None:
        done = import_decisions(
            run, config.import_, annotator=config.annotator, overwrite=config.overwrite
        )
        sys.stdout.write(
            f"Imported {done.added} decisions; {done.unchanged} were there already, "
            f"{done.same_label} relabel a sample as what it is and count as keep.\n"
        )
        if done.replaced:
            sys.stdout.write(
                f"{done.replaced} annotations do not count: the same annotator decided again "
                "later.\n"
            )
        sys.stdout.write("\n")
    run.description()
    text = tables.decisions_text(run, config.limit, history=config.history)
    if config.out is not None:
        table = tables.decisions_table(run, history=config.history)
        write_whole(config.out, tables.csv_of(table))
        text += f"Wrote {len(table)} rows to {config.out}.\n"
    sys.stdout.write(text)
    return 0
