"""``dataparams decisions``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dataparams.cli.analysis_of_run import RunArgument  # noqa: TC001 - tyro reads it
from dataparams.errors import RunError, UserError
from dataparams.terminal.flags import say


@dataclass(frozen=True)
class DecisionsConfig:
    """List the decisions of annotators about a run's samples; write them to a file, import them."""

    run: RunArgument
    """The run folder."""
    history: bool = False
    """All decisions and undos, instead of the decisions in force."""
    limit: int = 20
    """How many rows to print."""
    out: Path | None = None
    """Write all of them to this CSV file, safe for spreadsheets: a cell that would be run as a
    formula gets an apostrophe in front, which --import removes."""
    import_: Annotated[Path | None, tyro.conf.arg(name="import")] = None
    """Import decisions from this file, all or none. CSV: index or id, action (keep, relabel,
    discard, skip), new_label_name (name or number), annotator. JSON: Label Studio's export, as JSON
    or JSON-MIN, of the tasks that export --to label-studio wrote."""
    annotator: str | None = None
    """The annotator's name, where the file of --import has none (Label Studio's has one, perhaps a
    number)."""
    overwrite: bool = False
    """Replace the file of --out; let imported decisions replace different ones of the same
    annotator."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(DecisionsConfig, args=words, prog=f"{program} decisions")
    if config.annotator is not None and config.import_ is None:
        raise UserError("--annotator is given without --import; expected a file to import.")
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")
    from dataparams.decisions import tables
    from dataparams.decisions.importing import import_decisions
    from dataparams.run.folder import RunFolder
    from dataparams.run.safe_files import write_whole

    # Before an import, which writes.
    tables.require_limit(config.limit)
    run = RunFolder(config.run)
    if config.import_ is not None:
        done = import_decisions(
            run, config.import_, annotator=config.annotator, overwrite=config.overwrite
        )
        say(
            f"Imported {done.added} decisions; {done.unchanged} were there already, "
            f"{done.same_label} relabel a sample with the label it has and count as keep."
        )
        if done.replaced:
            say(f"{done.replaced} annotations were replaced by later ones of the same annotator.")
        say("")
    run.description()
    text = tables.decisions_text(run, config.limit, history=config.history)
    if config.out is not None:
        table = tables.decisions_table(run, history=config.history)
        write_whole(config.out, tables.csv_of(table))
        text += f"Wrote {len(table)} rows to {config.out}.\n"
    say(text.removesuffix("\n"))
    return 0
