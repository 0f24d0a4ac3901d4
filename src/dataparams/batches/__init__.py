"""Labeled images: where they come from, wrong labels on purpose, and batches on the device."""

from dataparams.batches.device_batches import (
    Augmentation,
    Batch,
    Batches,
    DeviceBatches,
    channel_statistics,
)
from dataparams.batches.indexed import IndexedDataset
from dataparams.batches.labeled_images import ImageDataset, LabeledImages, UnreadableSample
from dataparams.batches.streamed_batches import StreamedBatches
from dataparams.batches.streamed_images import AnyDataset, Split, StreamedDataset, StreamedImages
from dataparams.sources.loading import load_dataset
from dataparams.sources.noise import (
    CorruptedLabels,
    apply_noise,
    corrupt_labels,
    read_labels,
    require_noise,
)
from dataparams.sources.pictures import open_pictures
from dataparams.sources.streaming import stream_dataset

__all__ = [
    "AnyDataset",
    "Augmentation",
    "Batch",
    "Batches",
    "CorruptedLabels",
    "DeviceBatches",
    "ImageDataset",
    "IndexedDataset",
    "LabeledImages",
    "Split",
    "StreamedBatches",
    "StreamedDataset",
    "StreamedImages",
    "UnreadableSample",
    "apply_noise",
    "channel_statistics",
    "corrupt_labels",
    "load_dataset",
    "open_pictures",
    "read_labels",
    "require_noise",
    "stream_dataset",
]
