"""Parquet files as the Hugging Face hub has them: what samples hold, and labels with names.

Images have their bytes and a path, see
https://huggingface.co/docs/hub/datasets-image#parquet-format; texts are in a column ``text``, rows
in columns of their own. ``dataparams``, ``datasets`` and everything that reads Parquet read them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dataparams.export.arrow import write_splits

if TYPE_CHECKING:
    from dataparams.export.writing import Export


def write_parquet(export: Export) -> None:
    """Write ``train.parquet``, and ``val.parquet`` where a data set has both splits.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    from pyarrow import parquet

    # Compressed images do not become smaller.
    compression = "none" if export.samples.kind == "image" else "zstd"
    written = write_splits(export, partial(parquet.ParquetWriter, compression=compression))
    for split, file in written.files.items():
        export.destination.place(file, f"{split}.parquet")
