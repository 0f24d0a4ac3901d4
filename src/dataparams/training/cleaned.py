"""Training on the samples and labels of a ``cleaned.parquet``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from dataparams.errors import RunError, UserError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.sources.noise import CorruptedLabels
from dataparams.sources.text_column import TextColumn
from dataparams.training.config import RECIPES, TrainConfig, require_valid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.batches import AnyDataset, Split
    from dataparams.run.cleaned_samples import CleanedSamples

_OF_DATA = (
    *("dataset", "data", "data_dir", "image_column", "label_column", "loader", "cache", "val_frac"),
    *("image_size", "rand_fraction", "noise", "seed", "output_dir"),
)
"""The settings that stay the source run's where another recipe is asked for."""
_FIXED = ("val_frac", "rand_fraction", "noise")
"""The settings that cannot differ from the source run's."""


@dataclass(frozen=True, eq=False)
class CleanedTraining:
    """What is trained on.

    Attributes:
        whole: The whole training split, with the labels that were decided.
        train: Of it the samples that are kept; they keep their index.
        val: The validation split: of an audit, which judges all samples, those that are kept, with
            the labels that were decided; otherwise as it is.
        truth: The labels and the truth, in the order of the whole training split, where the truth
            is known; a sample that is not kept counts as right.
        weights: What each sample's loss is multiplied by, (num_instances,), float32, 1 on the
            average of those that are kept; None where all count alike.
    """

    whole: Split
    train: Split
    val: Split
    truth: CorruptedLabels | None
    weights: Tensor | None


def config_from_clean(file: Path, recipe: str | None = None) -> TrainConfig:
    """The configuration of the run that a ``cleaned.parquet`` was made from, for training again.

    Args:
        file: The file.
        recipe: Another recipe to take the model and its training from; None for the run's own.

    Returns:
        The configuration, with ``from_clean`` set and a run folder of its own, beside the run's.

    Raises:
        RunError: If the file cannot be used.
        UserError: If there is no such recipe.
    """
    made = read_cleaned(file).made
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
            raise UserError(f"--recipe is {recipe!r}; expected one of {', '.join(RECIPES)}.")
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


def config_of_source(config: TrainConfig, cleaned: CleanedSamples | None) -> TrainConfig:
    """The configuration by which the data source is read and split as the source run did.

    Raises:
        UserError: If a setting that must not differ from the source run's does.
    """
    if cleaned is None:
        return config
    before = {**{name: getattr(TrainConfig(), name) for name in _FIXED}, **cleaned.made["config"]}
    for name in _FIXED:
        if getattr(config, name) != before[name]:
            flag = name.replace("_", "-")
            raise UserError(
                f"--{flag} is {getattr(config, name)}, but {config.from_clean} was made from a run "
                f"with --{flag} {before[name]}; expected the same, so that the validation split "
                "and what is known of the truth stay the same."
            )
    return replace(config, seed=int(cleaned.made["source"].get("seed", config.seed)))


def select_cleaned(
    config: TrainConfig, dataset: AnyDataset, cleaned: CleanedSamples
) -> CleanedTraining:
    """Take the samples that are kept, with the labels that were decided.

    Raises:
        UserError: If the file was made from another data set.
    """
    _require_same_data(config, dataset, cleaned)
    samples, val = cleaned.samples, dataset.val
    if cleaned.made.get("audit"):
        is_val = TextColumn(val.ids).find(samples["id"].to_list()) >= 0
        # Labels that were made wrong on purpose are wrong in no validation sample.
        if not _has_noise(config):
            val = _decided_validation(dataset.val, samples.filter(pl.Series(is_val)))
        samples = samples.filter(pl.Series(~is_val))
    positions = torch.from_numpy(_positions(config, dataset.train, samples))
    decided = dataset.train.labels.clone()
    decided[positions] = torch.from_numpy(samples["label"].to_numpy().copy())
    whole, truth = dataset.train.with_labels(decided), None
    if _has_noise(config):
        true_labels = dataset.train.labels
        truth = CorruptedLabels(decided, true_labels.clone(), decided != true_labels)
    weights = None
    if samples["weight"].n_unique() > 1:
        weights = torch.zeros(dataset.train.num_instances)
        shares = samples["weight"].to_numpy()
        weights[dataset.train.index[positions]] = torch.from_numpy(
            (shares / shares.mean()).astype(np.float32)
        )
    return CleanedTraining(whole, whole.select(positions), val, truth, weights)


def _has_noise(config: TrainConfig) -> bool:
    return config.rand_fraction > 0 or config.noise.startswith("file:")


def _decided_validation(val: Split, samples: pl.DataFrame) -> Split:
    positions = torch.from_numpy(TextColumn(val.ids).find(samples["id"].to_list()))
    decided = val.labels.clone()
    decided[positions] = torch.from_numpy(samples["label"].to_numpy().copy())
    return val.with_labels(decided).select(positions.sort().values)


def digest_of(cleaned: CleanedSamples) -> str:
    """What tells these samples, labels and weights from others, in hex."""
    digest = hashlib.sha256()
    for name in ("index", "label", "weight"):
        digest.update(np.ascontiguousarray(cleaned.samples[name].to_numpy()).data)
    return digest.hexdigest()


def _require_same_data(config: TrainConfig, dataset: AnyDataset, cleaned: CleanedSamples) -> None:
    fingerprint = dataset.fingerprint
    if cleaned.made.get("audit") and dataset.source is not None:
        fingerprint = dataset.source.fingerprint()
    misfit = cleaned.misfit(dataset.class_names, fingerprint, config.image_size)
    if misfit is not None:
        raise UserError(
            f"{config.from_clean} was made from another data set than {dataset.name} ({misfit}); "
            "expected the same images and labels."
        )


def _positions(config: TrainConfig, train: Split, samples: pl.DataFrame) -> NDArray[np.int64]:
    """Where in the training split the samples are."""
    wanted = samples["id"]
    positions = TextColumn(train.ids).find(wanted.to_list())
    missing = wanted.filter(pl.Series(positions < 0))
    if len(missing):
        raise UserError(
            f"{len(missing)} of {len(wanted)} samples of {config.from_clean} are not in the data "
            f"set, such as {missing[0]}; expected the same data set, with all images readable."
        )
    return positions
