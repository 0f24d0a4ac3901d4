"""Labeled images: where they come from, wrong labels on purpose, and batches on the device."""

from dataparams.data.batches import (
    Augmentation,
    Batch,
    Batches,
    DeviceBatches,
    channel_statistics,
)
from dataparams.data.images import ImageDataset, LabeledImages, UnreadableSample
from dataparams.data.indexed import IndexedDataset
from dataparams.data.noise import (
    CorruptedLabels,
    apply_noise,
    corrupt_labels,
    read_labels,
    require_noise,
)
from dataparams.data.pictures import open_pictures
from dataparams.data.sources import load_dataset
from dataparams.data.streamed import AnyDataset, Split, StreamedDataset, StreamedImages
from dataparams.data.streamed_batches import StreamedBatches
from dataparams.data.streaming import stream_dataset

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
