"""Labeled images: where they come from, wrong labels on purpose, and batches on the device."""

from dataparams.data.batches import Augmentation, Batch, DeviceBatches, channel_statistics
from dataparams.data.images import ImageDataset, LabeledImages, UnreadableSample
from dataparams.data.indexed import IndexedDataset
from dataparams.data.noise import CorruptedLabels, apply_noise, corrupt_labels, read_labels
from dataparams.data.pictures import open_pictures
from dataparams.data.sources import load_dataset

__all__ = [
    "Augmentation",
    "Batch",
    "CorruptedLabels",
    "DeviceBatches",
    "ImageDataset",
    "IndexedDataset",
    "LabeledImages",
    "UnreadableSample",
    "apply_noise",
    "channel_statistics",
    "corrupt_labels",
    "load_dataset",
    "open_pictures",
    "read_labels",
]
