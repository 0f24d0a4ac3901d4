"""``dataparams train``, and the published scripts, which are the same with their own defaults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from dataparams.errors import UserError

if TYPE_CHECKING:
    from dataparams.training.config import TrainConfig


def run(words: list[str], program: str, *, is_script: bool = False) -> int:
    """Run the command.

    Args:
        words: What follows its name.
        program: The program's name, for its messages.
        is_script: Whether a published script runs it, with its own defaults.

    Returns:
        The exit code.
    """
    config = _train_config(words, program, is_script=is_script)
    from dataparams.terminal.progress import progress_display
    from dataparams.training.engine import train
    from dataparams.training.processes import process_group_left

    with progress_display() as display, process_group_left():
        trained = train(config, display=display)
        display.line(f"Next: dataparams analyze {trained.path}")
        display.line(f"Curves: tensorboard --logdir {trained.tensorboard}")
    return 0


def _train_config(words: list[str], program: str, *, is_script: bool) -> TrainConfig:
    from dataparams.training.config import RECIPES, TrainArguments, config_of, published

    recipe = _last_value(words, "--recipe")
    from_clean = _last_value(words, "--from-clean") or _last_value(words, "--from_clean")
    default = next((c for name, c in RECIPES.items() if name == (recipe or "quick")), None)
    if from_clean is not None:
        from dataparams.training.cleaned import config_from_clean

        default = config_from_clean(Path(from_clean), recipe)
    elif is_script and default is not None:
        default = published(default)
    if default is None:
        raise UserError(f"--recipe is {recipe!r}; expected one of {', '.join(RECIPES)}.")
    arguments = tyro.cli(
        TrainArguments,
        default=TrainArguments(**vars(default)),
        args=words,
        prog=f"{program} train",
        description="Train once with data parameters; everything goes to a run folder.",
    )
    given = {flag: _last_value(words, flag) for flag in ("--dataset", "--data")}
    return config_of(arguments, **{flag[2:]: value for flag, value in given.items()})


def _last_value(words: list[str], flag: str) -> str | None:
    """The value that a flag is given last, before the words are parsed for good."""
    value = None
    for position, word in enumerate(words):
        if word == flag and position + 1 < len(words):
            value = words[position + 1]
        elif word.startswith(f"{flag}="):
            value = word.partition("=")[2]
    return value
