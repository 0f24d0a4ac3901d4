"""``dataparams train``, and the published scripts, which are the same with their own defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional, arg

from dataparams.errors import UserError
from dataparams.training.config import RECIPES, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class TrainArguments(TrainConfig):
    """What ``dataparams train`` takes: a configuration, and the data set as its first word."""

    # The texts of these flags are those of the configuration.
    exp_prefix: Annotated[str, arg(aliases=["--job-name"])] = TrainConfig.exp_prefix
    workers: Annotated[int | None, arg(aliases=["-j"])] = TrainConfig.workers
    arch: Annotated[str, arg(aliases=["-a"])] = TrainConfig.arch
    batch_size: Annotated[int, arg(aliases=["-b"])] = TrainConfig.batch_size
    lr: Annotated[float, arg(aliases=["--learning-rate"])] = TrainConfig.lr
    wd: Annotated[float, arg(aliases=["--weight-decay"])] = TrainConfig.wd
    print_freq: Annotated[int, arg(aliases=["-p"])] = TrainConfig.print_freq
    path: Annotated[Positional[str | None], arg(metavar="[PATH]")] = None
    """The data set: another way of saying --dataset."""


def run(words: list[str], program: str, *, is_script: bool = False) -> int:
    """Run the command.

    Args:
        words: What follows its name.
        program: The program's name, for its messages.
        is_script: Whether a published script runs it, with its own defaults.

    Returns:
        The exit code.
    """
    config = train_config(words, program, is_script=is_script)
    from dataparams.terminal.progress import progress_display
    from dataparams.training.engine import train
    from dataparams.training.processes import process_group_left

    with progress_display() as display, process_group_left():
        trained = train(config, display=display)
        display.line(f"Next: dataparams analyze {trained.path}")
        display.line(f"Curves: tensorboard --logdir {trained.tensorboard}")
    return 0


def train_config(
    words: Sequence[str], program: str = "dataparams", *, is_script: bool = False
) -> TrainConfig:
    """The configuration that the words of a command ask for.

    Args:
        words: What follows the command's name.
        program: The program's name, for its messages.
        is_script: Whether a published script asks, which learns what its flags name alone.

    Raises:
        UserError: If the data set is named in two ways, or there is no such recipe.
        RunError: If the file of ``--from-clean`` cannot be used.

    Example:
        >>> train_config(["photos", "--epochs", "3"]).dataset
        'photos'
        >>> train_config(["--recipe", "cifar"], is_script=True).learn_inst_parameters
        False
    """
    default = _defaults(words, is_script=is_script)
    arguments = tyro.cli(
        TrainArguments,
        default=TrainArguments(**vars(default)),
        args=words,
        prog=f"{program} train",
        description="Train once with data parameters; everything goes to a run folder.",
    )
    dataset, data = (_last_value(words, flag) for flag in ("--dataset", "--data"))
    _require_one_data_set(arguments.path, dataset, data)
    settings = {field.name: getattr(arguments, field.name) for field in fields(TrainConfig)}
    if arguments.path is not None or dataset is not None:
        settings |= {"dataset": arguments.path or dataset, "data": None}
    elif data is not None:
        settings["dataset"] = RECIPES[arguments.recipe].dataset
    return TrainConfig(**settings)


def _defaults(words: Sequence[str], *, is_script: bool) -> TrainConfig:
    """The recipe that is named, or the settings of the run that a cleaned file is of."""
    recipe = _last_value(words, "--recipe")
    from_clean = _last_value(words, "--from-clean") or _last_value(words, "--from_clean")
    if from_clean is not None:
        from dataparams.training.cleaned_config import config_from_clean

        return config_from_clean(Path(from_clean), recipe)
    default = next((c for name, c in RECIPES.items() if name == (recipe or "quick")), None)
    if default is None:
        raise UserError(f"--recipe is {recipe!r}; expected one of {', '.join(RECIPES)}.")
    return replace(default, learn_inst_parameters=False) if is_script else default


def _require_one_data_set(path: str | None, dataset: str | None, data: str | None) -> None:
    ways = {"PATH": path, "--dataset": dataset, "--data": data}
    given = [f"{way} {value}" for way, value in ways.items() if value is not None]
    if len(given) > 1:
        how_many = "both" if len(given) == 2 else "all"
        raise UserError(f"{' and '.join(given)} are {how_many} given; expected one of them.")


def _last_value(words: Sequence[str], flag: str) -> str | None:
    """The value that a flag is given last, before the words are parsed for good."""
    value = None
    for position, word in enumerate(words):
        if word == flag and position + 1 < len(words):
            value = words[position + 1]
        elif word.startswith(f"{flag}="):
            value = word.partition("=")[2]
    return value
