"""From a configuration to the samples that a run trains on, and their table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from dataparams.batches import (
    ImageDataset,
    StreamedDataset,
    load_images,
    open_streamed,
    stream_images,
)
from dataparams.batches.loading import require_arguments
from dataparams.contents.images import require_image
from dataparams.errors import RunError, UserError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.run.epoch_record import read_epoch_record
from dataparams.run.folder import RunFolder
from dataparams.sources.arrays import ArrayContents
from dataparams.sources.cache import CacheContents
from dataparams.sources.identity import identity_of, size_words
from dataparams.sources.noise import corrupt_source, require_noise
from dataparams.sources.opening import open_source
from dataparams.sources.source import Source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn
from dataparams.sources.understanding import understand
from dataparams.terminal.words import counted
from dataparams.training.cleaned import config_of_source, select_cleaned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from dataparams.batches import (
        AnyDataset,
        LabeledImages,
        Split,
        UnreadableSample,
    )
    from dataparams.run.cleaned_samples import CleanedSamples
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.identity import Identity
    from dataparams.sources.noise import CorruptedLabels
    from dataparams.sources.understanding import Understanding
    from dataparams.training.config import TrainConfig


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a run trains on.

    Attributes:
        dataset: The data set as it was loaded.
        train: The samples trained on: labels perhaps made wrong, perhaps a selection.
        truth: The labels before and after, if some were made wrong; in the order of
            ``dataset.train``, never used in training.
        samples: The table of all samples of both splits, as ``samples.parquet`` has it; of the
            training split those that are kept where ``cleaned`` says which.
        identity: By what samples are told from others.
        understanding: What was understood of the source; None for one made in Python.
        cleaned: What was decided about the samples, where that is trained on.
        weights: What each sample's loss is multiplied by, (num_instances,), float32; None where
            all count alike.
        notice: A sentence for the user about how the samples were selected, if there is one.
    """

    dataset: AnyDataset
    train: Split
    truth: CorruptedLabels | None
    samples: pl.DataFrame
    identity: Identity
    understanding: Understanding | None = None
    cleaned: CleanedSamples | None = None
    weights: Tensor | None = None
    notice: str | None = None

    @property
    def unreadable(self) -> tuple[UnreadableSample, ...]:
        """The samples of both splits whose image is known to be damaged."""
        return (*self.dataset.train.unreadable, *self.dataset.val.unreadable)


def prepare_data(
    config: TrainConfig,
    dataset: AnyDataset | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_fetch: FetchProgress | None = None,
    on_line: Callable[[str], None] | None = None,
) -> TrainingData:
    """Load the data set, make labels wrong where asked to, and select samples where asked to.

    Args:
        config: The configuration.
        dataset: A data set that is open already, in place of ``config.dataset``.
        on_progress: Called with the number of images decoded and of all images.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.
        on_line: Told what was understood of the data, before they are decoded.

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
    understanding = None
    if dataset is None:
        dataset, understanding = _open(
            config_of_source(config, cleaned), on_progress, on_fetch, on_line
        )
    elif isinstance(dataset, ImageDataset):
        # Whoever hands over a data set may have changed what came from its source.
        dataset = replace(dataset, source=None)
    chosen = None if cleaned is None else select_cleaned(config, dataset, cleaned)
    if chosen is not None:
        dataset = replace(dataset, val=chosen.val)  # type: ignore[arg-type]
    words = _content_words(dataset)
    if config.is_pretrained and isinstance(dataset, ImageDataset):
        dataset = _in_color(dataset)
    identity = identity_of(pl.concat(words))
    if cleaned is not None and chosen is not None:
        samples = _samples_table(dataset, chosen.whole.labels, chosen.truth, words)
        is_kept = samples["id"].is_in(cleaned.samples["id"].implode())
        kept = samples.filter(is_kept | (samples["split"] == "val"))
        return TrainingData(
            dataset,
            chosen.train,
            chosen.truth,
            kept,
            identity,
            understanding,
            cleaned,
            chosen.weights,
        )
    train: Split = dataset.train
    truth = None
    if config.rand_fraction > 0 or config.noise.startswith("file:"):
        truth = _corrupted(dataset, config, on_line)
        train = train.with_labels(truth.labels)
    samples = _samples_table(dataset, train.labels, truth, words)
    notice = None
    if checkpoint is not None:
        of_train = samples.filter(samples["split"] == "train")
        train = _selected(train, of_train, record, checkpoint, config.subset_frac)
        notice = _unchecked_labels(checkpoint, config)
    return TrainingData(dataset, train, truth, samples, identity, understanding, notice=notice)


def _open(
    config: TrainConfig,
    on_progress: Callable[[int, int], None] | None,
    on_fetch: FetchProgress | None,
    on_line: Callable[[str], None] | None,
) -> tuple[AnyDataset, Understanding]:
    """Open the data, say what was understood of them, and decode them where they are kept."""
    require_arguments(config.val_frac, config.image_size)
    columns: dict[str, Any] = {
        "image_column": config.image_column,
        "label_column": config.label_column,
    }
    prepared = None
    if config.loader == "memory":
        source = open_source(
            config.location, data_dir=Path(config.data_dir), **columns, on_fetch=on_fetch
        )
    else:
        cache = None if config.cache is None else Path(config.cache).expanduser()
        source, prepared = open_streamed(config.location, **columns, cache=cache, on_fetch=on_fetch)
    splits = split_rows(source, config.val_frac, seed=config.seed)
    understanding = understand(source, splits, config.val_frac)
    if on_line is not None:
        for line in understanding.lines():
            on_line(line)
    how: dict[str, Any] = {
        "val_frac": config.val_frac,
        "seed": config.seed,
        "image_size": config.image_size,
    }
    if config.loader == "memory":
        return load_images(source, **how, on_progress=on_progress), understanding
    return stream_images(source, prepared, **how), understanding


def _in_color(dataset: ImageDataset) -> ImageDataset:
    """Networks that others have trained take color."""
    if dataset.train.image_shape[0] == 3:
        return dataset
    return replace(dataset, train=dataset.train.in_color(), val=dataset.val.in_color())


def _content_words(dataset: AnyDataset) -> tuple[pl.Series, pl.Series]:
    """What tells the contents of the samples of both splits from others.

    Digests where all contents were read, sizes where they are read one by one; nothing of images
    that a cache has made smaller.
    """
    if isinstance(dataset, StreamedDataset):
        sizes = dataset.source.contents.sizes()
        if isinstance(dataset.source.contents, CacheContents):
            sizes = np.full_like(sizes, -1)
        return (
            size_words(sizes[dataset.train.index.numpy()]),
            size_words(sizes[dataset.val.index.numpy()]),
        )
    return _digests(dataset.train), _digests(dataset.val)


def _corrupted(
    dataset: AnyDataset, config: TrainConfig, on_line: Callable[[str], None] | None
) -> CorruptedLabels:
    """The labels of the training split, some of them made wrong."""
    train = dataset.train
    source = dataset.source or _source_of(dataset)
    noisy = corrupt_source(
        source, train.index, config.noise, config.rand_fraction, seed=config.seed
    )
    if on_line is not None and config.noise.startswith("file:"):
        wrong = int(noisy.is_corrupted.sum())
        verb = "is" if wrong == 1 else "are"
        on_line(
            f"By {config.noise.removeprefix('file:')}, {wrong:,} of "
            f"{counted(len(noisy.labels), 'label')} to train on {verb} not as in the data."
        )
    if noisy.unused and on_line is not None:
        on_line(
            f"{config.noise.removeprefix('file:')} has {noisy.unused:,} "
            f"label{'s' if noisy.unused > 1 else ''} for samples that are not trained on; "
            f"{'they are' if noisy.unused > 1 else 'it is'} not used."
        )
    return noisy


def _source_of(dataset: AnyDataset) -> Source:
    """The samples of a data set that was made in Python, as a source."""
    count = dataset.train.num_instances
    ids, labels = [""] * count, torch.zeros(count, dtype=torch.int64)
    # Training last, and no more rows than it has: validation may be of another source.
    for split in (dataset.val, dataset.train):
        is_inside = split.index < count
        labels[split.index[is_inside]] = split.labels[is_inside]
        for row, sample in zip(split.index.tolist(), split.ids, strict=True):
            if row < count:
                ids[row] = sample
    return Source(
        kind="data set in memory",
        place=dataset.name,
        name=dataset.name,
        class_names=dataset.class_names,
        ids=TextColumn(ids),
        labels=labels,
        train_rows=None,
        contents=ArrayContents([]),
    )


def _digests(split: LabeledImages) -> pl.Series:
    if split.digests:
        return pl.Series(split.digests, dtype=pl.String)
    # These were never encoded, and are as large as they were: their pixels are their contents.
    contents = ArrayContents([split.images]).read(range(len(split)))
    return pl.Series([require_image(one).digest() for one in contents], dtype=pl.String)


def _samples_table(
    dataset: AnyDataset,
    labels: Tensor,
    truth: CorruptedLabels | None,
    words: tuple[pl.Series, pl.Series],
) -> pl.DataFrame:
    """The rows of both splits; the labels of the training split may have been changed."""
    tables = []
    for split, name, given, contents in (
        (dataset.train, "train", labels, words[0]),
        (dataset.val, "val", dataset.val.labels, words[1]),
    ):
        columns: dict[str, object] = {
            "index": split.index.numpy(),
            "id": _texts(split.ids),
            "label": given.numpy(),
        }
        if truth is not None:
            is_train = name == "train"
            wrong = truth.is_corrupted if is_train else torch.zeros(len(split), dtype=torch.bool)
            columns["true_label"] = (truth.true_labels if is_train else given).numpy()
            columns["is_corrupted"] = wrong.numpy()
        columns["content"] = contents
        tables.append(pl.DataFrame(columns).with_columns(split=pl.lit(name)))
    return pl.concat(tables)


def _texts(texts: Sequence[str]) -> pl.Series:
    # Of a million samples no object is made for each.
    if isinstance(texts, TextColumn):
        return pl.Series(pl.from_arrow(texts.arrow))
    return pl.Series(texts, dtype=pl.String)


def _record_with_instances(file: Path) -> EpochRecord:
    record = read_epoch_record(file)
    if not record.instance_log_temperature.numel():
        raise UserError(
            f"{file} has no instance parameters; expected the checkpoint of a run that learned "
            "them."
        )
    if not record.instance_log_temperature.isfinite().all():
        raise RunError(f"{file} is damaged: it has instance parameters that are no finite numbers.")
    return record


def _selected(
    train: Split, samples: pl.DataFrame, record: EpochRecord, file: Path, share: float
) -> Split:
    """The share of the samples whose instance parameters are lowest; they keep their index."""
    values = record.instance_log_temperature
    # The first implementation, and older runs, number the samples of the training split alone.
    missing = torch.tensor([sample.index for sample in train.unreadable], dtype=torch.int64)
    of_split = torch.cat((train.index, missing)).sort().values
    if len(values) == train.num_instances:
        values = values[train.index]
    elif len(values) == len(of_split):
        values = values[torch.searchsorted(of_split, train.index)]
    else:
        raise UserError(
            f"{file} has {len(values)} instance parameters, but the data set has "
            f"{train.num_instances} samples, {len(of_split)} of them to train on; expected a run "
            "on the same data set."
        )
    _require_same_labels(samples, file)
    order = values.argsort(stable=True)
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
