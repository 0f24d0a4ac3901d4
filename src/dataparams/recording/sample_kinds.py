"""What somebody gave as samples: a table, texts, paths of images, or a data set of pictures."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import date, time
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.errors import ArgumentError
from dataparams.sources.file_kinds import extension, readable_extensions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time)


def frame_of(samples: Any) -> pl.DataFrame | None:
    """The table that samples are: of Polars, pandas, Arrow, a Hugging Face ``Dataset`` or dicts.

    Returns:
        The table; None where it is none, or one of pictures.

    Example:
        >>> frame_of([{"carat": 0.2}, {"carat": 0.3}]).shape, frame_of(["a text"])
        ((2, 1), None)
    """
    if isinstance(samples, pl.DataFrame):
        return samples
    if isinstance(samples, pl.LazyFrame):
        return samples.collect()
    if _is_hugging_face(samples):
        if any(type(kind).__name__ in ("Image", "Video") for kind in samples.features.values()):
            return None
        return pl.DataFrame(samples.with_format("arrow")[:])
    if type(samples).__name__ == "DataFrame" and hasattr(samples, "columns"):
        return _of_pandas(samples)
    # Polars' and Arrow's series have this method as well, and one dimension.
    if hasattr(samples, "__arrow_c_stream__") and hasattr(samples, "column_names"):
        return pl.DataFrame(samples)
    if isinstance(samples, list | tuple) and samples and _is_row(samples[0]):
        return _of_rows(samples)
    if isinstance(samples, Mapping):
        raise ArgumentError(
            f"`samples` is a {type(samples).__name__} of {len(samples)} names; expected a table, "
            "such as polars.DataFrame(samples), or a list with an item for each sample."
        )
    return None


def files_of(samples: Any) -> list[str] | None:
    """The paths of the image files that samples are, or None.

    They are paths by their type or, where they are texts, by their endings and because the first of
    them is there; or what an image folder of torchvision lists, also a subset of one.

    Example:
        >>> files_of([Path("cats/1.jpg")]), files_of(["Where is my card?"])
        (['cats/1.jpg'], None)
    """
    inner = getattr(samples, "dataset", None)
    if inner is not None and hasattr(samples, "indices"):
        files = files_of(inner)
        return None if files is None else [files[place] for place in samples.indices]
    if inner is not None and type(samples).__name__ == "IndexedDataset":
        return files_of(inner)
    listed = getattr(samples, "samples", None)
    if isinstance(listed, list) and listed and isinstance(listed[0], tuple):
        paths = [one[0] for one in listed]
    elif isinstance(samples, list | tuple | np.ndarray | pl.Series) or _is_series(samples):
        paths = list(samples)
    else:
        return None
    if paths and all(isinstance(path, os.PathLike) for path in paths):
        return [os.fspath(path) for path in paths]
    return list(map(str, paths)) if _are_paths(paths) else None


def texts_of(samples: Any) -> pl.Series | None:
    """The texts that samples are, (n,), null where one is missing; or None.

    Raises:
        ArgumentError: If some are texts, and others something else.

    Example:
        >>> texts_of(["Where is my card?", None]).to_list()
        ['Where is my card?', None]
    """
    is_sequence = isinstance(samples, list | tuple | np.ndarray | pl.Series)
    if not (is_sequence or _is_series(samples)):
        return None
    listed = samples.to_pylist() if hasattr(samples, "to_pylist") else samples
    texts = [None if _is_missing(one) else one for one in listed]
    are_texts = [one is None or isinstance(one, str) for one in texts]
    if not any(isinstance(one, str) for one in texts):
        return None
    if not all(are_texts):
        place = are_texts.index(False)
        raise ArgumentError(
            f"`samples` has {texts[place]!r} at {place}, and texts elsewhere; expected texts alone."
        )
    # Half a pair of surrogates has no bytes of its own.
    plain = [None if one is None else _storable(str(one)) for one in texts]
    return pl.Series("text", plain, dtype=pl.String)


def plain_columns(table: pl.DataFrame) -> pl.DataFrame:
    """A table whose values are texts, numbers, truths, dates and times; others become texts.

    Example:
        >>> plain_columns(pl.DataFrame({"tags": [["a", "b"], None]}))["tags"].to_list()
        ['["a", "b"]', None]
    """
    return pl.DataFrame([_plain_column(column) for column in table.iter_columns()])


def is_label_column(
    column: pl.Series, numbers: NDArray[np.int64], class_names: Sequence[str]
) -> bool:
    """Whether a column of a table has just the labels, as numbers or by name.

    Example:
        >>> is_label_column(pl.Series(["cat", "dog"]), np.array([0, 1]), ["cat", "dog"])
        True
    """
    if column.null_count() or len(column) != len(numbers):
        return False
    if column.dtype.is_integer():
        return bool((column.to_numpy() == numbers).all())
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return False
    return bool((column.cast(pl.String) == pl.Series(list(class_names))[numbers]).all())


def _is_row(sample: Any) -> bool:
    """Whether it is a mapping of plain values: pictures and tensors are none."""
    if not isinstance(sample, Mapping):
        return False
    plain = (str, int, float, bytes, list, dict, date, time, np.generic)
    return all(value is None or isinstance(value, plain) for value in sample.values())


def _of_rows(samples: Sequence[Any]) -> pl.DataFrame:
    """A table of mappings, one for each sample."""
    for place, one in enumerate(samples):
        if one is not None and not isinstance(one, Mapping):
            raise ArgumentError(
                f"`samples` has {one!r} at {place}, and rows elsewhere; expected a dict for each."
            )
    try:
        rows = [{} if one is None else one for one in samples]
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)
    except (pl.exceptions.PolarsError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ArgumentError(
            f"`samples` cannot be taken for a table: {reason}. Expected a dict for each sample, "
            "with values of one kind under each name."
        ) from error


def _is_hugging_face(samples: Any) -> bool:
    return hasattr(samples, "features") and hasattr(samples, "with_format")


def _is_series(samples: Any) -> bool:
    """Whether it is a column of pandas, Arrow or a Hugging Face data set."""
    kinds = ("Series", "Column", "ChunkedArray", "StringArray", "LargeStringArray")
    return type(samples).__name__ in kinds


def _of_pandas(frame: Any) -> pl.DataFrame:
    """A table of pandas, column by column: to convert it whole takes a further package."""
    columns: list[pl.Series] = []
    for place, label in enumerate(frame.columns):
        values = frame.iloc[:, place]
        name = _unlike(str(label), {column.name for column in columns})
        if values.dtype.kind in "biuf":
            column = pl.Series(name, np.asarray(values), nan_to_null=True)
        else:
            cells = [None if _is_missing(one) else one for one in values.tolist()]
            column = pl.Series(name, cells, strict=False)
        columns.append(column)
    return pl.DataFrame(columns)


def _unlike(name: str, others: Collection[str]) -> str:
    """A name that no other column has: numbered where one has it, as readers of files do."""
    numbered = (f"{name}_{number}" for number in count(1))
    return next(one for one in chain([name], numbered) if one not in others)


def _is_missing(value: Any) -> bool:
    """None, a float that is not a number, and what pandas has in their place."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def are_names_of_images(texts: Sequence[Any]) -> bool:
    """Whether all of some texts end as names of image files do.

    Example:
        >>> are_names_of_images(["cats/1.jpg", "2.png"]), are_names_of_images(["a text"])
        (True, False)
    """
    readable = readable_extensions()
    return bool(texts) and all(
        isinstance(text, str) and extension(text) in readable for text in texts
    )


def _are_paths(texts: list[Any]) -> bool:
    return are_names_of_images(texts) and Path(texts[0]).expanduser().is_file()


def _plain_column(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype.is_integer() or dtype.is_float() or dtype in _PLAIN:
        return column
    if dtype in (pl.Categorical, pl.Enum):
        return pl.Series(column.cast(pl.String))
    if dtype.is_decimal():
        return pl.Series(column.cast(pl.Float64))
    texts = [None if cell is None else _as_text(cell) for cell in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def _as_text(cell: Any) -> str:
    if isinstance(cell, bytes):
        return f"{len(cell)} bytes"
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
