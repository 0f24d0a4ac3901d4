"""Parquet files as the Hugging Face hub has them: images with their bytes, labels with names.

See https://huggingface.co/docs/hub/datasets-image#parquet-format; ``dataparams train --dataset``,
``datasets`` and everything that reads Parquet read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.export.arrow import arrow_schema, arrow_tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyarrow import parquet

    from dataparams.export.writing import Export


def write_parquet(export: Export) -> None:
    """Write ``train.parquet``, and ``val.parquet`` where a data set has both splits.

    Args:
        export: What and where to.

    Raises:
        RunError: If another file lies where one is to be written.
    """
    from pyarrow import parquet

    schema = arrow_schema(export.samples)
    writers: dict[str, tuple[Path, parquet.ParquetWriter]] = {}
    try:
        for split, table in arrow_tables(export, schema):
            if split not in writers:
                temporary = export.destination.temporary()
                # Compressed images do not become smaller.
                writer = parquet.ParquetWriter(temporary, schema, compression="none")
                writers[split] = temporary, writer
            writers[split][1].write_table(table)
    finally:
        for _, writer in writers.values():
            writer.close()
    for split, (temporary, _) in writers.items():
        export.destination.place(temporary, f"{split}.parquet")
