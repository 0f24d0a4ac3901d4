"""Data for an upload to Cleanlab Studio: ``<class>/<image>``, and a ZIP file with ``metadata.csv``.

The format is that of https://help.cleanlab.ai/studio/concepts/datasets/: a *Simple ZIP* is a folder
per class; a *Metadata ZIP* has images in any layout and ``metadata.csv`` at the top of the zipped
folder, whose column ``filename`` is relative to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.cleaning.changes import CHANGES
from dataparams.export.archive import open_archive
from dataparams.export.names import portable_name
from dataparams.export.writing import LEFT_OUT, append_rows

if TYPE_CHECKING:
    from dataparams.export.writing import Export

METADATA = "metadata.csv"


def write_cleanlab_studio(export: Export) -> None:
    """Write class folders with ``metadata.csv`` beside them, or one ZIP file with the same.

    ``metadata.csv`` has ``id``, ``label`` (the name of the class), ``filename``, then the columns
    of the analysis. Class names and ids are there as they are; folders and files may be named
    otherwise where a system would not take a name.

    Args:
        export: What, where to, and in which form.

    Raises:
        RunError: If another file lies where one is to be written, or the disk is full.
    """
    name = portable_name(export.samples.name)
    archive_name = f"{name}.zip"
    metadata = export.destination.temporary()
    archive = open_archive(export.destination, archive_name) if export.form != "folder" else None
    written = export.written_images(
        reserved=(METADATA, LEFT_OUT, CHANGES, archive_name),
        write=export.form != "zip",
        # What it takes is <class>/<image>; the split is in the table.
        by_split=False,
    )
    for piece in written:
        if not piece:
            continue
        rows = export.samples.named([image.row for image, _ in piece])
        filename = pl.Series("filename", [path for _, path in piece], dtype=pl.String)
        rows = rows.select("id", "label", filename, pl.exclude("id", "label"))
        append_rows(metadata, rows)
        if archive is not None:
            for image, path in piece:
                archive.add(f"{name}/{path}", image.data)
    if not metadata.exists():
        return
    if archive is not None:
        archive.add_file(f"{name}/{METADATA}", metadata)
        archive.finish()
    if export.form != "zip":
        export.destination.place(metadata, METADATA)
    export.tell_of_formulas(METADATA)
