"""From a configuration to the samples that a run trains on, and their table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import torch

from dataparams.batches import apply_noise, load_dataset, require_noise, stream_dataset
from dataparams.errors import RunError, UserError
from dataparams.runs import RunFolder, read_cleaned, read_epoch_record
from dataparams.training.cleaned import config_of_source, select_cleaned

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from dataparams.batches import AnyDataset, CorruptedLabels, Split
    from dataparams.runs import CleanedSamples, EpochRecord
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.training.config import TrainConfig


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a run trains on.

    Attributes:
        dataset: The data set as it was loaded.
        train: The samples trained on: labels perhaps made wrong, perhaps a selection.
        truth: The labels before and after, if some were made wrong; in the order of
            ``dataset.train``, never used in training.
        samples: The table of all training samples, as ``samples.parquet`` has it; of those that
            are kept where ``cleaned`` says which.
        cleaned: What was decided about the samples, where that is trained on.
        weights: What each sample's loss is multiplied by, (num_instances,), float32; None where
            all count alike.
        notice: A sentence for the user about how the samples were selected, if there is one.
    """

    dataset: AnyDataset
    train: Split
    truth: CorruptedLabels | None
    samples: pl.DataFrame
    cleaned: CleanedSamples | None = None
    weights: Tensor | None = None
    notice: str | None = None


def prepare_data(
    config: TrainConfig,
    dataset: AnyDataset | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_fetch: FetchProgress | None = None,
) -> TrainingData:
    """Load the data set, make labels wrong where asked to, and select samples where asked to.

    Args:
        config: The configuration.
        dataset: A data set that is open already, in place of ``config.dataset``.
        on_progress: Called with the number of images decoded and of all images.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.

    Raises:
        UserError: If data, noise or selection cannot be used.
    """
    # Before the data: a wrong noise or path is told at once, not after a download.
    require_noise(config.noise, config.rand_fraction)
    checkpoint = None
    if config.dataset_subset_ckpt is not None:
        checkpoint = Path(config.dataset_subset_ckpt)
        record = _record_with_instances(checkpoint)
    cleaned = None if config.from_clean is None else read_cleaned(Path(config.from_clean))
    loading = config_of_source(config, cleaned)
    if dataset is None:
        dataset = _open(loading, on_progress, on_fetch)
    if cleaned is not None:
        chosen = select_cleaned(config, dataset, cleaned)
        samples = _samples_table(chosen.whole, chosen.truth)
        kept = samples.filter(samples["index"].is_in(cleaned.samples["index"].to_list()))
        return TrainingData(dataset, chosen.train, chosen.truth, kept, cleaned, chosen.weights)
    train: Split = dataset.train
    truth = None
    if config.rand_fraction > 0 or config.noise.startswith("file:"):
        train, truth = apply_noise(
            train,
            config.noise,
            config.rand_fraction,
            seed=config.seed,
            class_names=dataset.class_names,
        )
    samples = _samples_table(train, truth)
    notice = None
    if checkpoint is not None:
        train = _selected(train, samples, record, checkpoint, config.subset_frac)
        notice = _unchecked_labels(checkpoint, config)
    return TrainingData(dataset, train, truth, samples, notice=notice)


def _open(
    config: TrainConfig,
    on_progress: Callable[[int, int], None] | None,
    on_fetch: FetchProgress | None,
) -> AnyDataset:
    if config.loader == "memory":
        return load_dataset(
            config.location,
            data_dir=Path(config.data_dir),
            val_frac=config.val_frac,
            seed=config.seed,
            image_size=config.image_size,
            on_progress=on_progress,
            on_fetch=on_fetch,
        )
    return stream_dataset(
        config.location,
        val_frac=config.val_frac,
        seed=config.seed,
        image_size=config.image_size,
        cache=None if config.cache is None else Path(config.cache).expanduser(),
        on_fetch=on_fetch,
    )


def _samples_table(train: Split, truth: CorruptedLabels | None) -> pl.DataFrame:
    columns: dict[str, object] = {
        "index": train.index.numpy(),
        "id": list(train.ids),
        "label": train.labels.numpy(),
    }
    if truth is not None:
        columns["true_label"] = truth.true_labels.numpy()
        columns["is_corrupted"] = truth.is_corrupted.numpy()
    return pl.DataFrame(columns)


def _record_with_instances(file: Path) -> EpochRecord:
    record = read_epoch_record(file)
    if not record.inst_parameters.numel():
        raise UserError(
            f"{file} has no instance parameters; expected the checkpoint of a run that learned "
            "them."
        )
    if not record.inst_parameters.isfinite().all():
        raise RunError(f"{file} is damaged: it has instance parameters that are no finite numbers.")
    return record


def _selected(
    train: Split, samples: pl.DataFrame, record: EpochRecord, file: Path, share: float
) -> Split:
    """The share of the samples whose instance parameters are lowest; they keep their index."""
    if len(record.inst_parameters) != train.num_instances:
        raise UserError(
            f"{file} has {len(record.inst_parameters)} instance parameters, but the data set has "
            f"{train.num_instances} samples; expected a run on the same data set."
        )
    _require_same_labels(samples, file)
    order = record.inst_parameters[train.index].argsort(stable=True)
    kept = order[: max(1, round(share * len(train)))]
    return train.select(kept.sort().values)


def _require_same_labels(samples: pl.DataFrame, file: Path) -> None:
    """A selection makes sense only where the checkpoint's run saw the same labels."""
    theirs = _samples_of_its_run(file)
    if theirs is None:
        return
    if theirs["id"].to_list() != samples["id"].to_list():
        raise UserError(f"{file} is of a run on other samples; expected the same data set.")
    different = int((theirs["label"] != samples["label"]).sum())
    if different:
        raise UserError(
            f"{file} is of a run in which {different} of {len(samples)} samples had another label; "
            "expected the same --rand-fraction, --noise and --seed as in that run."
        )


def _unchecked_labels(file: Path, config: TrainConfig) -> str | None:
    """What to say where a checkpoint alone is there, such as the first implementation's."""
    if _samples_of_its_run(file) is not None:
        return None
    notice = (
        f"{file} does not say which samples and labels its run saw: its values are taken in the "
        "order of this data set."
    )
    if config.rand_fraction > 0 and not config.noise.startswith("file:"):
        notice += (
            " Where that run made labels wrong too, it chose other samples than --rand-fraction "
            "does here, and the selection means nothing."
        )
    return notice


def _samples_of_its_run(file: Path) -> pl.DataFrame | None:
    try:
        return RunFolder(file.parent).samples()
    except RunError:
        return None


def stays_on_cpu() -> bool:
    """Whether there is no accelerator to train on."""
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())
