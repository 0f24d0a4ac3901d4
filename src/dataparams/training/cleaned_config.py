"""The configuration of the run that a ``cleaned.parquet`` was made from, for training again."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from dataparams.errors import ArgumentError, RunError, UserError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.training.config import RECIPES, TrainConfig, require_valid

_OF_DATA = (
    *("dataset", "data", "data_dir", "image_column", "label_column", "loader", "cache", "val_frac"),
    *("image_size", "rand_fraction", "noise", "seed", "output_dir"),
)
"""The settings that stay the source run's where another recipe is asked for."""


def config_from_clean(file: str | Path, recipe: str | None = None) -> TrainConfig:
    """The configuration of the run that a ``cleaned.parquet`` was made from, for training again.

    Args:
        file: The file.
        recipe: Another recipe to take the model and its training from; None for the run's own.

    Returns:
        The configuration, with ``from_clean`` set and a run folder of its own, beside the run's.

    Raises:
        RunError: If the file cannot be used.
        UserError: If there is no such recipe, or the run is of samples that ``train`` cannot learn
            from: of texts, rows, or what a loop of somebody's own was given.
    """
    file = Path(file)
    made = read_cleaned(file).made
    _require_trainable(file, made["source"])
    known = {field.name for field in fields(TrainConfig)}
    given = {name: value for name, value in made["config"].items() if name in known}
    try:
        before = TrainConfig(**{name: _plain(name, value) for name, value in given.items()})
        before = _found_again(before, made["source"])
        require_valid(replace(before, restart=False, resume=False))
    except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
        raise RunError(f"{file} is damaged: its configuration cannot be used ({error}).") from error
    chosen = before
    if recipe is not None and recipe != before.recipe:
        if recipe not in RECIPES:
            raise ArgumentError(f"`recipe` is {recipe!r}; expected one of {', '.join(RECIPES)}.")
        kept = {name: getattr(before, name) for name in _OF_DATA}
        chosen = replace(RECIPES[recipe], **kept)
    return replace(
        chosen,
        from_clean=str(file),
        exp_prefix=f"{before.exp_prefix}-{file.stem}",
        dataset_subset_ckpt=None,
        subset_frac=1.0,
        restart=False,
        resume=False,
    )


def _require_trainable(file: Path, source: dict[str, Any]) -> None:
    kind = source.get("content", "image")
    if source.get("is_kept"):
        why = (
            "samples that are not here to train on, since a loop of somebody's own was given them, "
            "or predictions and features spoke for them"
        )
    elif kind != "image":
        why = f"{'texts' if kind == 'text' else 'rows of a table'}, and trainings are of images"
    else:
        return
    raise UserError(
        f"{file} is of {why}. A loop of your own gets index, label and weight of each sample by "
        f"dataparams.cleaned({str(file)!r})."
    )


def _found_again(before: TrainConfig, source: dict[str, Any]) -> TrainConfig:
    """The same from any working folder: where the data came from, as ``run.json`` has it."""
    name = str(source["name"])
    before = replace(before, data_dir=str(source["data_dir"]), cache=source.get("cache"))
    if before.data is None:
        return replace(before, dataset=name)
    return replace(before, data=name)


def _plain(name: str, value: Any) -> Any:
    """A setting as JSON has it, checked against what the setting is by default."""
    default = getattr(TrainConfig(), name)
    if isinstance(default, tuple):
        return tuple(value)
    kinds: tuple[type, ...] = (type(default),)
    if isinstance(default, float) or name == "lr_inst_param":
        kinds = (float, int, str) if name == "lr_inst_param" else (float, int)
    is_known = default is None or isinstance(value, kinds)
    if not is_known or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{name} is {value!r}")
    return value
