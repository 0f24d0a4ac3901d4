"""Training on the samples and labels of a ``cleaned.parquet``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from dataparams.errors import ArgumentError, UserError
from dataparams.sources.noise import CorruptedLabels
from dataparams.sources.splits import TRAINING
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from dataparams.batches import AnyDataset, Split
    from dataparams.run.cleaned_samples import CleanedSamples
    from dataparams.training.source_settings import SourceSettings

_DEFAULTS: dict[str, Any] = {"val_frac": 0.1, "rand_fraction": 0.0, "noise": "swap"}
"""The settings that cannot differ from the source run's, as older runs had them."""


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


def settings_of_source_run(
    settings: SourceSettings,
    cleaned: CleanedSamples,
    *,
    file: str,
    noise: str,
    rand_fraction: float,
) -> SourceSettings:
    """The settings by which a data source is read and split as the source run did.

    Args:
        settings: The settings of the new run.
        cleaned: What was decided about the samples of the source run.
        file: Where that is from.
        noise: Which labels the new run makes wrong.
        rand_fraction: How many of them.

    Raises:
        ArgumentError: If a setting differs from the source run's that must not.
    """
    before = {**_DEFAULTS, **cleaned.made["config"]}
    now = {"val_frac": settings.val_frac, "rand_fraction": rand_fraction, "noise": noise}
    for name, value in now.items():
        if value != before[name]:
            raise ArgumentError(
                f"`{name}` is {value}, but {file} was made from a run with "
                f"`{name}={before[name]}`; expected the same, so that the validation split and "
                "what is known of the truth stay the same."
            )
    source = cleaned.made["source"]
    return replace(
        settings,
        seed=int(source.get("seed", settings.seed)),
        all_splits=bool(source.get("all_splits")),
    )


def select_cleaned(
    dataset: AnyDataset,
    cleaned: CleanedSamples,
    *,
    file: str,
    image_size: int | None,
    has_noise: bool,
) -> CleanedTraining:
    """Take the samples that are kept, with the labels that were decided.

    Args:
        dataset: The data set that the source run was trained on.
        cleaned: What was decided about its samples.
        file: Where that is from.
        image_size: To which images were resized; None for what the images suggested.
        has_noise: Whether labels of the source run were made wrong on purpose, so that those of the
            data set are the truth.

    Raises:
        UserError: If the file was made from another data set.
    """
    _require_same_data(dataset, cleaned, file, image_size)
    samples, val = cleaned.samples, dataset.val
    if cleaned.made.get("audit"):
        is_val = pl.Series(TextColumn(val.ids).find(samples["id"].to_list()) >= 0)
        # Labels that were made wrong on purpose are wrong in no validation sample.
        if not has_noise:
            val = _decided_validation(dataset.val, samples.filter(is_val))
        samples = samples.filter(~is_val)
    samples = samples.filter(pl.col("split") == TRAINING)
    positions = torch.from_numpy(_positions(dataset.train, samples, file))
    decided = dataset.train.labels.clone()
    decided[positions] = torch.from_numpy(samples["label"].to_numpy().copy())
    whole, truth = dataset.train.with_labels(decided), None
    if has_noise:
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


def _decided_validation(val: Split, samples: pl.DataFrame) -> Split:
    positions = torch.from_numpy(TextColumn(val.ids).find(samples["id"].to_list()))
    decided = val.labels.clone()
    decided[positions] = torch.from_numpy(samples["label"].to_numpy().copy())
    return val.with_labels(decided).select(positions.sort().values)


def digest_of_cleaned(cleaned: CleanedSamples) -> str:
    """What tells these samples, labels and weights from others, in hex."""
    digest = hashlib.sha256()
    for name in ("index", "label", "weight"):
        digest.update(np.ascontiguousarray(cleaned.samples[name].to_numpy()).data)
    return digest.hexdigest()


def _require_same_data(
    dataset: AnyDataset, cleaned: CleanedSamples, file: str, image_size: int | None
) -> None:
    fingerprint = dataset.fingerprint
    if cleaned.made.get("audit") and dataset.source is not None:
        fingerprint = dataset.source.fingerprint()
    misfit = cleaned.misfit(dataset.class_names, fingerprint, image_size)
    if misfit is not None:
        raise UserError(
            f"{file} was made from another data set than {dataset.name} ({misfit}); "
            "expected the same images and labels."
        )


def _positions(train: Split, samples: pl.DataFrame, file: str) -> NDArray[np.int64]:
    """Where in the training split the samples are."""
    wanted = samples["id"]
    positions = TextColumn(train.ids).find(wanted.to_list())
    missing = wanted.filter(pl.Series(positions < 0))
    if len(missing):
        raise UserError(
            f"{len(missing)} of {len(wanted)} samples of {file} are not in the data "
            f"set, such as {missing[0]}; expected the same data set, with all images readable."
        )
    return positions
