"""The command line: one sub-command per verb, thin."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from dataparams import __version__
from dataparams.errors import Stopped, UserError
from dataparams.extras import missing_packages_named
from dataparams.terminal.flags import with_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataparams.training.config import Recipe

_INTERRUPTED = 130
_OUTPUT_CLOSED = 141
COMMANDS = {
    "audit": "find wrong labels, from a folder to a verdict, by a pretrained network; start here",
    "demo": "find swapped labels in images that come with the installation, in under a minute",
    "train": "train once with data parameters; everything goes to a run folder",
    "cache": "prepare a data set that does not fit into memory, for faster training",
    "rank": "sort a run's samples by temperature, the highest first",
    "analyze": "sort them into easy, hard and need review; score them; suggest labels",
    "health": "find what is wrong beside the labels: duplicates, leakage, damaged and odd samples",
    "figures": "draw each class: representative samples, its map, trajectories",
    "report": "write pages to hand on: what is wrong with the data, class by class",
    "review": "decide about the suspicious samples, in a browser",
    "decisions": "list what annotators decided; export and import it",
    "clean": "select the samples and labels to train on, for train --from-clean or a loop of yours",
    "apply": "write the corrections where the data live: move files, change labels; with --undo",
    "compare": "put runs side by side: what retraining was worth",
    "export": "write samples, labels and analysis for another tool to read",
}
"""The commands, each a module beside this one, with a line of help.

The module's ``run(words, program)`` gets the words after the command's name and the program's name,
for messages, and returns the exit code.
"""


def main(arguments: Sequence[str] | None = None, program: str = "dataparams") -> int:
    """Run the command line.

    Args:
        arguments: The words after the program's name; None takes the process's own.
        program: The program's name, for its messages.

    Returns:
        The exit code: 0 done, 2 wrong use, 3 unusable data, 4 unusable run folder, 130 interrupted,
        143 terminated.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return _ended(lambda: _dispatch(words, program), program)


def main_of_script(recipe: Recipe, arguments: Sequence[str] | None = None) -> int:
    """Run a published script: ``dataparams train`` by a recipe, with the script's own defaults.

    Args:
        recipe: What the script trains by.
        arguments: As of :func:`main`, as is what is returned.
    """
    words = ["--recipe", recipe, *(sys.argv[1:] if arguments is None else arguments)]
    from dataparams.cli import train

    return _ended(lambda: train.run(words, "dataparams", is_script=True), "dataparams")


def _ended(action: Callable[[], int], program: str) -> int:
    """The exit code of a command, whose errors are printed without a traceback."""
    _print_any_letter()
    try:
        with missing_packages_named():
            return action()
    except UserError as error:
        sys.stderr.write(f"{program}: {with_flags(str(error))}\n")
        return error.exit_code
    except Stopped as stopped:
        sys.stderr.write(f"{program}: {with_flags(str(stopped))}\n")
        return stopped.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            f"{program}: interrupted; train --resume goes on from the last checkpoint, and the "
            "same audit or export with what is there.\n"
        )
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has closed it; the interpreter's last flush must not fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _OUTPUT_CLOSED


def _print_any_letter() -> None:
    """Have letters that the output's encoding lacks written by their number, not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _dispatch(words: list[str], program: str) -> int:
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0 if words else UserError.exit_code
    if words[0] == "--version":
        sys.stdout.write(f"dataparams {__version__}\n")
        return 0
    if words[0] not in COMMANDS:
        raise UserError(
            f"There is no command {words[0]!r}; expected one of {', '.join(COMMANDS)}. "
            "dataparams --help says what they do."
        )
    command = import_module(f"dataparams.cli.{words[0]}")
    return int(command.run(words[1:], program))


def _overview() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name.ljust(width)} {line}" for name, line in COMMANDS.items())
    return f"""\
usage: dataparams COMMAND [--help] [flags]

{commands}

dataparams COMMAND --help lists the flags. Exit codes: 0 done, 2 wrong use, 3 unusable data,
4 unusable run folder, 130 interrupted, 143 terminated.
"""
