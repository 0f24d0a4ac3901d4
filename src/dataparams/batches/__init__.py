"""Batches of labeled images, from memory or from a stream. Knows sources, and no training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.batches.device_batches import (
        Augmentation,
        Batch,
        Batches,
        DeviceBatches,
        channel_statistics,
    )
    from dataparams.batches.indexed import IndexedDataset
    from dataparams.batches.labeled_images import ImageDataset, LabeledImages, UnreadableSample
    from dataparams.batches.loading import load_dataset, load_images, load_rows
    from dataparams.batches.streamed_batches import StreamedBatches
    from dataparams.batches.streamed_images import (
        AnyDataset,
        Split,
        StreamedDataset,
        StreamedImages,
        open_streamed,
        stream_dataset,
        stream_images,
    )

__all__ = [
    "AnyDataset",
    "Augmentation",
    "Batch",
    "Batches",
    "DeviceBatches",
    "ImageDataset",
    "IndexedDataset",
    "LabeledImages",
    "Split",
    "StreamedBatches",
    "StreamedDataset",
    "StreamedImages",
    "UnreadableSample",
    "channel_statistics",
    "load_dataset",
    "load_images",
    "load_rows",
    "open_streamed",
    "stream_dataset",
    "stream_images",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(
            ("Augmentation", "Batch", "Batches", "DeviceBatches", "channel_statistics"),
            "dataparams.batches.device_batches",
        ),
        "IndexedDataset": "dataparams.batches.indexed",
        **dict.fromkeys(
            ("ImageDataset", "LabeledImages", "UnreadableSample"),
            "dataparams.batches.labeled_images",
        ),
        **dict.fromkeys(("load_dataset", "load_images", "load_rows"), "dataparams.batches.loading"),
        "StreamedBatches": "dataparams.batches.streamed_batches",
        **dict.fromkeys(
            (
                "AnyDataset",
                "Split",
                "StreamedDataset",
                "StreamedImages",
                "open_streamed",
                "stream_dataset",
                "stream_images",
            ),
            "dataparams.batches.streamed_images",
        ),
    },
)
