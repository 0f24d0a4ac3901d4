"""Samples as Arrow tables, with what they hold and with the features that Hugging Face declares."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from dataparams.export.content_columns import content_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from dataparams.export.content_columns import ContentColumns
    from dataparams.export.samples import LabeledSamples
    from dataparams.export.writing import Export

_CLASSES = ("label", "given_label", "suggested_label", "true_label")
_IMAGE = "image"
_SPLIT = "split"


class TableWriter(Protocol):
    """The protocol of Arrow's writers."""

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write the end of the file."""


@dataclass(frozen=True, eq=False)
class WrittenSplits:
    """A file of tables for each split, under temporary names.

    Attributes:
        files: The files, by the name of their split.
        features: The type of each column, as ``datasets.Features.to_dict`` writes it.
    """

    files: Mapping[str, Path]
    features: Mapping[str, Any]


def write_splits(
    export: Export, new_writer: Callable[[Path, pa.Schema], TableWriter]
) -> WrittenSplits:
    """Write a file of tables for each split: what samples hold first, then our columns.

    Args:
        export: What to write.
        new_writer: Opens a file of the wanted kind.
    """
    if export.samples.kind == "image":
        features = _features_with({_IMAGE: {"_type": "Image"}}, export.samples)
        schema = _arrow_schema({_IMAGE: _image_type()}, export.samples, features)
        tables = _tables_with_images(export, schema)
    else:
        columns = content_columns(export)
        export.notices += columns.notices
        held = {name: _value(kind) for name, kind in columns.schema.items()}
        features = _features_with(held, export.samples)
        schema = _arrow_schema(_arrow_types(columns.schema), export.samples, features)
        tables = _tables_with_columns(export, columns, schema)
    return WrittenSplits(_written(export, tables, schema, new_writer), features)


def _written(
    export: Export,
    tables: Iterator[tuple[Sequence[int], pa.Table]],
    schema: pa.Schema,
    new_writer: Callable[[Path, pa.Schema], TableWriter],
) -> dict[str, Path]:
    import pyarrow as pa

    files: dict[str, Path] = {}
    with ExitStack() as stack:
        writers: dict[str, TableWriter] = {}
        for rows, table in tables:
            splits = _splits_of(export.samples, rows)
            for split in splits.unique(maintain_order=True):
                if split not in writers:
                    files[split] = export.destination.temporary()
                    writers[split] = new_writer(files[split], schema)
                    stack.callback(writers[split].close)
                some = table.filter(pa.array((splits == split).to_list()))
                writers[split].write_table(some.cast(schema))
    return files


def _splits_of(samples: LabeledSamples, rows: Sequence[int]) -> pl.Series:
    if _SPLIT in samples.table.columns:
        return samples.table[_SPLIT][list(rows)]
    return pl.repeat("train", len(rows), eager=True)


def _tables_with_images(
    export: Export, schema: pa.Schema
) -> Iterator[tuple[Sequence[int], pa.Table]]:
    """All samples, a few at a time: rows of the table of samples, and an Arrow table."""
    import pyarrow as pa

    samples = export.samples
    for images in export.images():
        numbers = [image.row for image in images]
        rows = samples.table[numbers]
        cells = [
            {"bytes": image.data, "path": samples.file_name(samples.stem(sample), image)}
            for image, sample in zip(images, rows["id"], strict=True)
        ]
        held = pa.array(cells, schema.field(_IMAGE).type)
        yield numbers, pa.table([held, *_plain(rows).to_arrow().columns], schema.names)


def _tables_with_columns(
    export: Export, columns: ContentColumns, schema: pa.Schema
) -> Iterator[tuple[Sequence[int], pa.Table]]:
    import pyarrow as pa

    for numbers, cells in columns.pieces:
        rows = _plain(export.samples.table[list(numbers)])
        held = [*cells.to_arrow().columns, *rows.to_arrow().columns]
        yield numbers, pa.table(held, schema.names)
        if not columns.schema:
            export.count += len(numbers)


def _features_with(held: Mapping[str, Any], samples: LabeledSamples) -> dict[str, Any]:
    """The type of each column: of what samples hold, and of our columns."""
    names = list(samples.class_names)
    features = dict(held)
    for name, kind in _plain(samples.table.head(0)).schema.items():
        is_class = name in _CLASSES
        features[name] = {"names": names, "_type": "ClassLabel"} if is_class else _value(kind)
    return features


def _arrow_schema(
    held: Mapping[str, pa.DataType], samples: LabeledSamples, features: Mapping[str, Any]
) -> pa.Schema:
    """The schema of all tables of an export, with the declared features in its metadata."""
    import pyarrow as pa

    kinds = {**held, **_arrow_types(_plain(samples.table.head(0)).schema)}
    told = json.dumps({"info": {"features": features}})
    return pa.schema(list(kinds.items()), metadata={"huggingface": told})


def _arrow_types(schema: Mapping[str, pl.DataType]) -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {name: pa.type_for_alias(_dtype(kind)) for name, kind in schema.items()}


def _image_type() -> pa.DataType:
    import pyarrow as pa

    return pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def _value(kind: pl.DataType) -> dict[str, str]:
    return {"dtype": _dtype(kind), "_type": "Value"}


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop(_SPLIT, strict=False)


def _dtype(kind: pl.DataType) -> str:
    names = {pl.String: "string", pl.Boolean: "bool", pl.Float32: "float32", pl.Float64: "float64"}
    if kind.is_integer():
        return "int64"
    return names[type(kind)]
