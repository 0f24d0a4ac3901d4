"""Samples with their images as Arrow tables, with the features that Hugging Face declares."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from dataparams.export.samples import extension_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from dataparams.export.samples import ExportedImage, LabeledSamples
    from dataparams.export.writing import Export

_CLASSES = ("label", "given_label", "suggested_label", "true_label")
_SPLIT = "split"


class TableWriter(Protocol):
    """The protocol of Arrow's writers."""

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write the end of the file."""


def declared_features(samples: LabeledSamples) -> dict[str, Any]:
    """The type of each column, as ``datasets.Features.to_dict`` writes it."""
    names = list(samples.class_names)
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    for name, kind in _plain(samples.table.head(0)).schema.items():
        if name in _CLASSES:
            features[name] = {"names": names, "_type": "ClassLabel"}
        else:
            features[name] = {"dtype": _dtype(kind), "_type": "Value"}
    return features


def _arrow_schema(samples: LabeledSamples) -> pa.Schema:
    """The schema of all tables of an export, with the declared features in its metadata."""
    import pyarrow as pa

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {"image": pa.field("image", image)}
    for name, kind in _plain(samples.table.head(0)).schema.items():
        kinds[name] = pa.field(name, pa.type_for_alias(_dtype(kind)))
    told = json.dumps({"info": {"features": declared_features(samples)}})
    return pa.schema(list(kinds.values()), metadata={"huggingface": told})


def write_splits(
    export: Export, new_writer: Callable[[Path, pa.Schema], TableWriter]
) -> dict[str, Path]:
    """Write a file of tables for each split.

    Args:
        export: What to write.
        new_writer: Opens a file of the wanted kind.

    Returns:
        The files, under temporary names, by the name of their split.
    """
    schema = _arrow_schema(export.samples)
    files: dict[str, Path] = {}
    with ExitStack() as stack:
        writers: dict[str, TableWriter] = {}
        for split, table in _tables(export, schema):
            if split not in writers:
                files[split] = export.destination.temporary()
                writers[split] = new_writer(files[split], schema)
                stack.callback(writers[split].close)
            writers[split].write_table(table)
    return files


def _tables(export: Export, schema: pa.Schema) -> Iterator[tuple[str, pa.Table]]:
    """All samples, a few at a time: name of the split, and rows."""
    import pyarrow as pa

    for images in export.images():
        rows = export.samples.table[[image.row for image in images]]
        cells = [
            {"bytes": image.data, "path": _file_name(export.samples, sample, image)}
            for image, sample in zip(images, rows["id"], strict=True)
        ]
        splits = (
            rows[_SPLIT] if _SPLIT in rows.columns else pl.repeat("train", len(rows), eager=True)
        )
        plain = _plain(rows).to_arrow()
        table = pa.table(
            [pa.array(cells, schema.field("image").type), *plain.columns], schema.names
        )
        for split in splits.unique(maintain_order=True):
            yield split, table.filter(pa.array((splits == split).to_list())).cast(schema)


def _file_name(samples: LabeledSamples, sample: str, image: ExportedImage) -> str:
    stem = samples.stem(sample)
    return stem if samples.has_files else stem + extension_of(image)


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop(_SPLIT, strict=False)


def _dtype(kind: pl.DataType) -> str:
    names = {pl.String: "string", pl.Boolean: "bool", pl.Float32: "float32", pl.Float64: "float64"}
    if kind.is_integer():
        return "int64"
    return names[type(kind)]
