"""From a source and its noise to the samples that a run trains on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import torch

from dataparams.batches import (
    ImageDataset,
    LabeledImages,
    load_images,
    open_streamed,
    stream_images,
)
from dataparams.batches.loading import require_arguments
from dataparams.errors import DataError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.sources.arrays import ArrayContents
from dataparams.sources.identity import identity_of
from dataparams.sources.noise import corrupt_source, require_noise
from dataparams.sources.opening import open_source
from dataparams.sources.source import Source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn
from dataparams.sources.understanding import understand
from dataparams.terminal.words import counted
from dataparams.training.cleaned import select_cleaned, settings_of_source_run
from dataparams.training.samples_table import samples_table, words_of_dataset
from dataparams.training.subset import (
    record_with_instances,
    subset_of_lowest,
    unchecked_labels_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from dataparams.batches import AnyDataset, Split, UnreadableSample
    from dataparams.batches.decoding import Progress
    from dataparams.run.cleaned_samples import CleanedSamples
    from dataparams.sources.hub.download import FetchProgress
    from dataparams.sources.identity import Identity
    from dataparams.sources.noise import CorruptedLabels
    from dataparams.sources.understanding import Understanding
    from dataparams.training.source_settings import SourceSettings


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
        source: How the data set was found, read and split.
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
    source: SourceSettings
    understanding: Understanding | None = None
    cleaned: CleanedSamples | None = None
    weights: Tensor | None = None
    notice: str | None = None

    @property
    def unreadable(self) -> tuple[UnreadableSample, ...]:
        """The samples of both splits whose image is known to be damaged."""
        return (*self.dataset.train.unreadable, *self.dataset.val.unreadable)

    @cached_property
    def is_corrupted(self) -> Tensor | None:
        """Which samples trained on have a wrong label, (n,), bool, where the truth is known."""
        if self.truth is None:
            return None
        everywhere = torch.zeros(self.train.num_instances, dtype=torch.bool)
        everywhere[self.dataset.train.index] = self.truth.is_corrupted
        return everywhere[self.train.index]


@dataclass(frozen=True)
class PreparationProgress:
    """What is told while data are prepared; each None where nothing is to be told.

    Attributes:
        on_decoded: Called with the number of images decoded and of all images.
        on_fetch: Called with what is done to data of the hub, bytes done and all bytes.
        on_line: Called with what was understood of the data, before they are decoded.
    """

    on_decoded: Progress | None = None
    on_fetch: FetchProgress | None = None
    on_line: Callable[[str], None] | None = None


def prepare_data(
    source: SourceSettings,
    dataset: AnyDataset | None = None,
    *,
    noise: str = "swap",
    rand_fraction: float = 0.0,
    dataset_subset_ckpt: str | None = None,
    subset_frac: float = 1.0,
    from_clean: str | None = None,
    in_color: bool = False,
    progress: PreparationProgress | None = None,
) -> TrainingData:
    """Load a data set, make labels wrong where asked to, and select samples where asked to.

    Args:
        source: How the data set is found, read and split; its seed is that of the noise, too.
        dataset: A data set that is open already, in place of the one of ``source``.
        noise: ``swap``, ``symmetric``, ``pairflip``, or ``file:PATH`` with the labels.
        rand_fraction: Share of the training samples whose labels are made wrong, 0 ... 1.
        dataset_subset_ckpt: An ``epoch_<N>.pth.tar`` whose instance parameters choose the samples
            to train on; None for all.
        subset_frac: Share of the samples that it keeps.
        from_clean: A ``cleaned.parquet`` with samples and labels to train on; None for the source's
            own.
        in_color: Whether gray images in memory get three channels.
        progress: What is told meanwhile.

    Raises:
        UserError: If data, noise or selection cannot be used.
    """
    # Before the data: a wrong noise or path is told at once, not after a download.
    require_noise(noise, rand_fraction)
    checkpoint = None if dataset_subset_ckpt is None else Path(dataset_subset_ckpt)
    record = None if checkpoint is None else record_with_instances(checkpoint)
    cleaned = None if from_clean is None else read_cleaned(Path(from_clean))
    progress = progress or PreparationProgress()
    opened = source
    if cleaned is not None:
        opened = settings_of_source_run(
            source, cleaned, file=str(from_clean), noise=noise, rand_fraction=rand_fraction
        )
    understanding = None
    if dataset is None:
        dataset, understanding = _open(opened, progress)
    elif isinstance(dataset, ImageDataset):
        # A data set that is handed over may have been changed since it came from its source.
        dataset = replace(dataset, source=None)
    has_noise = rand_fraction > 0 or noise.startswith("file:")
    if cleaned is not None:
        return _cleaned_data(
            dataset,
            cleaned,
            file=str(from_clean),
            has_noise=has_noise,
            in_color=in_color,
            source=opened,
            understanding=understanding,
        )
    words = words_of_dataset(dataset)
    dataset = _in_color(dataset) if in_color else dataset
    train: Split = dataset.train
    truth = None
    if has_noise:
        truth = _corrupted(dataset, noise, rand_fraction, source.seed, progress.on_line)
        train = train.with_labels(truth.labels)
    samples = samples_table(dataset, train.labels, truth, words)
    notice = None
    if checkpoint is not None and record is not None:
        of_train = samples.filter(samples["split"] == "train")
        train = subset_of_lowest(train, of_train, record, checkpoint, subset_frac)
        is_random = rand_fraction > 0 and not noise.startswith("file:")
        notice = unchecked_labels_text(checkpoint, are_made_wrong=is_random)
    return TrainingData(
        dataset=dataset,
        train=train,
        truth=truth,
        samples=samples,
        identity=identity_of(pl.concat(words)),
        source=opened,
        understanding=understanding,
        notice=notice,
    )


def _cleaned_data(
    dataset: AnyDataset,
    cleaned: CleanedSamples,
    *,
    file: str,
    has_noise: bool,
    in_color: bool,
    source: SourceSettings,
    understanding: Understanding | None,
) -> TrainingData:
    """The samples that are kept, with the labels that were decided."""
    chosen = select_cleaned(
        dataset, cleaned, file=file, image_size=source.image_size, has_noise=has_noise
    )
    class_names = tuple(cleaned.made["class_names"])
    dataset = replace(dataset, val=chosen.val, class_names=class_names)  # type: ignore[arg-type]
    words = words_of_dataset(dataset)
    train = chosen.train
    if in_color and isinstance(train, LabeledImages) and train.image_shape[0] == 1:
        train = train.in_color()
    dataset = _in_color(dataset) if in_color else dataset
    samples = samples_table(dataset, chosen.whole.labels, chosen.truth, words)
    is_kept = samples["id"].is_in(cleaned.samples["id"].implode())
    return TrainingData(
        dataset=dataset,
        train=train,
        truth=chosen.truth,
        samples=samples.filter(is_kept | (samples["split"] == "val")),
        identity=identity_of(pl.concat(words)),
        source=source,
        understanding=understanding,
        cleaned=cleaned,
        weights=chosen.weights,
    )


def _open(
    settings: SourceSettings, progress: PreparationProgress
) -> tuple[AnyDataset, Understanding]:
    """Open the data, say what was understood of them, and decode them where they are kept."""
    require_arguments(settings.val_frac, settings.image_size)
    how: dict[str, Any] = {
        "image_column": settings.image_column,
        "label_column": settings.label_column,
        "on_fetch": progress.on_fetch,
    }
    prepared = None
    if settings.loader == "memory":
        source = open_source(
            settings.location,
            data_dir=Path(settings.data_dir),
            all_splits=settings.all_splits,
            **how,
        )
    else:
        cache = None if settings.cache is None else Path(settings.cache).expanduser()
        source, prepared = open_streamed(settings.location, **how, cache=cache)
    _require_images(source)
    splits = split_rows(source, settings.val_frac, seed=settings.seed)
    understanding = understand(source, splits, settings.val_frac)
    if progress.on_line is not None:
        for line in understanding.lines():
            progress.on_line(line)
    split: dict[str, Any] = {
        "val_frac": settings.val_frac,
        "seed": settings.seed,
        "image_size": settings.image_size,
    }
    if settings.loader == "memory":
        return load_images(source, **split, on_progress=progress.on_decoded), understanding
    return stream_images(source, prepared, **split), understanding


def _require_images(source: Source) -> None:
    """Networks that are trained here take images; texts and rows have judges of their own."""
    if source.contents.kind != "image":
        held = {"text": "texts", "row": "rows of a table"}.get(str(source.contents.kind), "labels")
        raise DataError(
            f"{source.place} holds {held}, and networks are trained on images alone. Judge these "
            "by `dataparams audit`, which needs no training of a network; or record a training "
            "loop of your own."
        )


def _in_color(dataset: AnyDataset) -> AnyDataset:
    """The same in three channels, which networks take that others have trained."""
    if not isinstance(dataset, ImageDataset) or dataset.train.image_shape[0] == 3:
        return dataset
    return replace(dataset, train=dataset.train.in_color(), val=dataset.val.in_color())


def _corrupted(
    dataset: AnyDataset,
    noise: str,
    rand_fraction: float,
    seed: int,
    on_line: Callable[[str], None] | None,
) -> CorruptedLabels:
    """The labels of the training split, some of them made wrong."""
    train = dataset.train
    source = dataset.source or _source_of(dataset)
    noisy = corrupt_source(source, train.index, noise, rand_fraction, seed=seed)
    if on_line is not None and noise.startswith("file:"):
        wrong = int(noisy.is_corrupted.sum())
        verb = "is" if wrong == 1 else "are"
        on_line(
            f"By {noise.removeprefix('file:')}, {wrong:,} of "
            f"{counted(len(noisy.labels), 'label')} to train on {verb} not as in the data."
        )
    if noisy.unused and on_line is not None:
        on_line(
            f"{noise.removeprefix('file:')} has {noisy.unused:,} "
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
