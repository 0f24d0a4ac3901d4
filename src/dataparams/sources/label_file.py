"""Labels from a file: matching its rows with samples and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dataparams.errors import DataError
from dataparams.sources.encodings import TEXT_FAILURES, opened_as_utf8
from dataparams.sources.file_rows import (
    NamedColumn,
    find_rows,
    nearest_name,
    require_no_other_order,
    require_once,
    row_of,
    whole_number,
)
from dataparams.sources.label_choice import LABEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl
    from torch import Tensor

    from dataparams.sources.source import Source

KEEP = -1
"""What stands for a sample that a file does not name: its label is to stay."""

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_SHOWN = 3


def read_labels(path: Path, source: Source) -> Tensor:
    r"""Labels of the samples of a source, as a file gives them.

    Args:
        path: ``.npy`` with integers, the numbers of the classes; or ``.csv``, ``.tsv`` or
            ``.parquet`` with a column of labels, named as one of ``LABEL_NAMES``. There a label is
            the name of a class or its number; where classes are named by numbers, it is a name.
            Samples are told by their id, in a column ``id``, ``path`` or alike, or by ``index``,
            the row in the source; without such columns by position, a row for each sample of the
            source or of its training split.
        source: The samples.

    Returns:
        Class of each sample, (N,), int64; -1 where the file does not name the sample.

    Raises:
        DataError: If the file cannot be read, contradicts itself, or names a sample or class that
            the source has not; with the row.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from dataparams.sources.opening import open_source
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels.csv")
        ...     _ = path.write_text("id,label\ndigits/2,7\n")
        ...     read_labels(path, open_source("digits"))[:4].tolist()
        [-1, -1, 7, -1]
    """
    if not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        raise DataError(f"The file of labels {path} {found}.")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _by_position(path, _read_npy(path, len(source.class_names)), source)
    if suffix in _SEPARATORS:
        columns = _read_text(path, _SEPARATORS[suffix])
    elif suffix == ".parquet":
        columns = _read_parquet(path)
    else:
        raise DataError(
            f"The file of labels {path} ends in {suffix!r}; expected .npy, .csv, .tsv or .parquet."
        )
    return _from_table(path, columns, source)


# --- reading -------------------------------------------------------------------------------------


def _read_npy(path: Path, num_classes: int) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a NumPy file: {error}") from error
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.integer):
        found = getattr(array, "dtype", "several arrays")
        raise DataError(f"{path} holds {found}; expected one array of integers.")
    if array.ndim != 1:
        raise DataError(f"{path} has shape {array.shape}; expected one label for each sample.")
    is_outside = (array < 0) | (array >= num_classes)
    if is_outside.any():
        row = int(is_outside.argmax())
        raise DataError(
            f"{row_of(row, path)} has the label {array[row]}; expected 0 ... {num_classes - 1}."
        )
    return torch.from_numpy(array.astype(np.int64))


def _read_text(path: Path, separator: str) -> list[NamedColumn]:
    import polars as pl

    try:
        with opened_as_utf8(path) as stream:
            text = stream.read()
        # As a row like the others: Polars renames columns of which there are two.
        table = pl.read_csv(text, separator=separator, has_header=False, infer_schema=False)
    except (pl.exceptions.PolarsError, *TEXT_FAILURES) as error:
        raise _unreadable(path, "text in UTF-8 with columns", error) from error
    if not table.height:
        raise DataError(f"{path} is empty; expected a line of column names, and a row per sample.")
    names = [(name or "").removeprefix("\ufeff") for name in table.row(0)]
    table = table[1:]
    return [
        NamedColumn(name, _as_text(column))
        for name, column in zip(names, table.iter_columns(), strict=True)
    ]


def _read_parquet(path: Path) -> list[NamedColumn]:
    import polars as pl

    try:
        schema = pl.read_parquet_schema(path)
        kinds = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)
        plain = [name for name, kind in schema.items() if kind.is_numeric() or kind in kinds]
        table = pl.read_parquet(path, columns=plain)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, "Parquet", error) from error
    return [NamedColumn(column.name, _as_text(column)) for column in table.iter_columns()]


def _unreadable(path: Path, kind: str, error: Exception) -> DataError:
    first_line = str(error).partition("\n")[0]
    return DataError(f"{path} cannot be read as {kind}: {first_line}")


def _as_text(column: pl.Series) -> list[str]:
    import polars as pl

    texts: list[str] = column.cast(pl.String).fill_null("").to_list()
    return texts


# --- labels --------------------------------------------------------------------------------------


def _from_table(path: Path, columns: Sequence[NamedColumn], source: Source) -> Tensor:
    given = _label_column(path, columns)
    if not given.values:
        raise DataError(f"{path} has no rows; expected one for each sample that it labels.")
    labels = torch.tensor(_parse_labels(path, given.values, source.class_names))
    rows = find_rows(path, columns, source)
    if rows is None:
        require_no_other_order(path, [one for one in columns if one is not given], source)
        return _by_position(path, labels, source)
    require_once(path, rows, given.values, source)
    every = torch.full((len(source),), KEEP, dtype=torch.int64)
    every[torch.from_numpy(rows)] = labels
    return every


def _label_column(path: Path, columns: Sequence[NamedColumn]) -> NamedColumn:
    found = [column for column in columns if column.plain_name in LABEL_NAMES]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{path} has several columns of labels: {_listed(found)}; expected one. Leave only the "
            "one that is meant."
        )
    raise DataError(
        f"{path} has the columns {_listed(columns)}; expected one named "
        f"{', '.join(LABEL_NAMES[:-1])} or {LABEL_NAMES[-1]}."
    )


def _listed(columns: Sequence[NamedColumn]) -> str:
    return ", ".join(repr(column.name) for column in columns)


def _parse_labels(path: Path, given: Sequence[str], class_names: Sequence[str]) -> list[int]:
    class_of = _class_finder(class_names)
    known: dict[str, int | None] = {}
    labels = []
    for row, text in enumerate(given):
        if text not in known:
            known[text] = class_of(text)
        label = known[text]
        if label is None:
            raise DataError(f"{row_of(row, path)} {_no_class(text, class_names)}")
        labels.append(label)
    return labels


def _class_finder(class_names: Sequence[str]) -> Callable[[str], int | None]:
    """A function that finds the class of a text, by name or else by number."""
    exact = {name: number for number, name in enumerate(class_names)}
    trimmed = _unambiguous([name.strip() for name in class_names])
    values = [whole_number(name) for name in class_names]
    named_numbers = _unambiguous(values)

    def class_of(text: str) -> int | None:
        if text in exact:
            return exact[text]
        if text.strip() in trimmed:
            return trimmed[text.strip()]
        number = whole_number(text)
        if number is None:
            return None
        # Taken for a class's number beside names that are numbers, 0 would mean the class "1".
        if any(value is not None for value in values):
            return named_numbers.get(number)
        return number if 0 <= number < len(class_names) else None

    return class_of


def _unambiguous(keys: Sequence[str | int | None]) -> dict[str | int | None, int]:
    """The place of each key that occurs once."""
    places: dict[str | int | None, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return {key: found[0] for key, found in places.items() if len(found) == 1 and key is not None}


def _no_class(text: str, class_names: Sequence[str]) -> str:
    if not text.strip():
        return "has no label; expected one. Leave out the row to keep the label of its sample."
    if any(whole_number(name) is not None for name in class_names):
        shown = ", ".join(map(repr, class_names[:_SHOWN]))
        more = ", ..." if len(class_names) > _SHOWN else ""
        expected = f"the name of a class ({shown}{more}), since classes are named by numbers here"
    else:
        expected = f"the name of a class or a number 0 ... {len(class_names) - 1}"
    nearest = None if whole_number(text) is not None else nearest_name(text, class_names)
    hint = "" if nearest is None else f" Did you mean {nearest!r}?"
    return f"has the label {text!r}; expected {expected}.{hint}"


def _by_position(path: Path, labels: Tensor, source: Source) -> Tensor:
    count = len(source)
    if len(labels) not in (count, source.train_rows):
        expected = f"{count:,}, one for each sample of {source.place}"
        if source.train_rows not in (None, count):
            expected += f", or {source.train_rows:,}, one for each of its training split"
        hint = "" if path.suffix.lower() == ".npy" else " To name some only, add a column 'id'."
        raise DataError(f"{path} has {len(labels):,} labels; expected {expected}.{hint}")
    every = torch.full((count,), KEEP, dtype=torch.int64)
    every[: len(labels)] = labels
    return every
