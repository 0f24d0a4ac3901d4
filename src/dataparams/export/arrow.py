"""Samples with their images as Arrow tables, with the features that Hugging Face declares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export

_CLASSES = ("label", "given_label", "suggested_label", "true_label")
_SPLIT = "split"


def declared_features(samples: LabeledSamples) -> dict[str, Any]:
    """What each column is, in the words of ``datasets.Features.to_dict``."""
    names = list(samples.class_names)
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    for name, kind in _plain(samples.table.head(0)).schema.items():
        if name in _CLASSES:
            features[name] = {"names": names, "_type": "ClassLabel"}
        else:
            features[name] = {"dtype": _dtype(kind), "_type": "Value"}
    return features


def arrow_schema(samples: LabeledSamples) -> pa.Schema:
    """The schema of all tables of an export, with the declared features in its metadata."""
    import pyarrow as pa

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {name: pa.field(name, image) for name in ("image",)}
    for name, kind in _plain(samples.table.head(0)).schema.items():
        kinds[name] = pa.field(name, pa.type_for_alias(_dtype(kind)))
    told = json.dumps({"info": {"features": declared_features(samples)}})
    return pa.schema(list(kinds.values()), metadata={"huggingface": told})


def arrow_tables(export: Export, schema: pa.Schema) -> Iterator[tuple[str, pa.Table]]:
    """All samples, a few at a time: name of the split, and rows."""
    import pyarrow as pa

    from dataparams.export.samples import FileNames

    names = FileNames(export.samples)
    for images in export.images():
        rows = export.samples.table[[image.row for image in images]]
        files = [path.rpartition("/")[2] for path in names.paths(images)]
        cells = [
            {"bytes": image.data, "path": file} for image, file in zip(images, files, strict=True)
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


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop(_SPLIT, strict=False)


def _dtype(kind: pl.DataType) -> str:
    names = {pl.String: "string", pl.Boolean: "bool", pl.Float32: "float32", pl.Float64: "float64"}
    if kind.is_integer():
        return "int64"
    return names[type(kind)]
