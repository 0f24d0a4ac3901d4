"""From the splits of a table, wherever they are kept, to a source of images, texts or rows."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import torch

from dataparams.errors import DataError
from dataparams.sources.discarded import DISCARDED, WHY
from dataparams.sources.labels import number_labels
from dataparams.sources.source import Contents, JoinedContents, LeftOut, SelectedContents, Source
from dataparams.sources.split_column import split_of_rows
from dataparams.sources.splits import split_numbers
from dataparams.sources.table_contents import RowContents, TextContents
from dataparams.sources.table_ids import row_ids
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dataparams.sources.columns import ChosenColumns, ChosenContents
    from dataparams.sources.labels import TableLabels
    from dataparams.sources.table_columns import TableColumns


_SHOWN_LETTERS = 40


class TableSplit(Protocol):
    """A split of a table."""

    def read(self, column: str) -> Any:
        """Read a column that is none of images, as an Arrow chunked array."""

    def open_images(self, column: str) -> Contents:
        """Open a column of images, of which none is read."""


def table_source(
    *,
    kind: str,
    place: str,
    name: str,
    table: TableColumns,
    columns: ChosenColumns,
    splits: Mapping[str, TableSplit],
    left_out: Sequence[LeftOut],
    notes: Sequence[str] = (),
    split_column: str | None = None,
    marked: Mapping[str, NDArray[np.bool_] | None] = MappingProxyType({}),
) -> Source:
    """Make a source of the labeled rows of a table.

    Args:
        kind: What it is, in words.
        place: Where it is.
        name: Short name.
        table: All columns.
        columns: Which columns were taken for what.
        splits: The splits, training first.
        left_out: What is there beside the splits.
        notes: Whatever else was understood.
        split_column: Which column says of which split each row is, where there is one table.
        marked: Which rows of each split are marked as discarded, (n,) each; None for none.

    Raises:
        DataError: If the labels are not usable, or no text is there.
    """
    labels = number_labels(
        {split: each.read(columns.label) for split, each in splits.items()},
        column=columns.label,
        declared=table.declared.get(columns.label),
        names=columns.class_names,
    )
    labels = without_discarded(labels, marked)
    contents = {split: open_contents_of(splits[split], columns.contents) for split in labels.labels}
    labels = _without_empty_texts(labels, contents, columns.contents)
    joined = JoinedContents(list(contents.values()))
    starts = np.cumsum([0, *map(len, contents.values())])[:-1]
    chosen = np.concatenate(
        [rows + start for rows, start in zip(labels.rows.values(), starts, strict=True)]
    )
    sizes = [len(some) for some in labels.labels.values()]
    names, numbers = tuple(labels.labels), split_numbers(sizes)
    if split_column is not None and len(names) == 1:
        values = splits[names[0]].read(split_column)
        names, numbers = split_of_rows(values, labels.rows[names[0]])
    return Source(
        kind=kind,
        place=place,
        name=name,
        class_names=labels.class_names,
        ids=TextColumn(pa.chunked_array(itertools.starmap(row_ids, labels.rows.items()))),
        labels=torch.cat(list(labels.labels.values())),
        train_rows=None if len(sizes) == 1 else sizes[0],
        contents=joined if len(chosen) == len(joined) else SelectedContents(joined, chosen),
        split_names=names,
        split_numbers=numbers,
        columns=columns.named() | ({} if split_column is None else {"split": split_column}),
        row_columns=columns.contents.columns if columns.contents.kind == "row" else (),
        left_out=(*labels.left_out, *left_out),
        notes=(*columns.notes, *labels.notes, *notes),
    )


def open_contents_of(split: TableSplit, chosen: ChosenContents) -> Contents:
    """Open the contents of all rows of a split: images unread, texts and rows in memory."""
    if chosen.kind == "image":
        return split.open_images(chosen.columns[0])
    series = [_series(split.read(name)).alias(name) for name in chosen.columns]
    return RowContents(pl.DataFrame(series)) if chosen.kind == "row" else _texts(series)


def _texts(columns: Sequence[pl.Series]) -> TextContents:
    """The texts of one column as they are; of several one after the other, without blank ones."""
    texts = pl.DataFrame([column.cast(pl.String) for column in columns])
    if texts.width == 1:
        return TextContents(texts.to_series())
    parts = [pl.when(pl.col(name).str.contains(r"\S")).then(name) for name in texts.columns]
    joined = texts.select(text=pl.concat_str(parts, separator="\n", ignore_nulls=True))
    return TextContents(joined.to_series())


def _series(column: Any) -> pl.Series:
    series = pl.Series(pl.from_arrow(column))
    is_named = series.dtype in (pl.Categorical, pl.Enum)
    return series.cast(pl.String) if is_named else series


def without_discarded(
    labels: TableLabels, marked: Mapping[str, NDArray[np.bool_] | None]
) -> TableLabels:
    """The labels of the rows that are not marked as discarded, and the others counted.

    Args:
        labels: The labels of all rows.
        marked: Which rows of each split are marked, (n,) each; None for none.

    Raises:
        DataError: If all rows of a split are marked.
    """
    rows, numbers, left_out = dict(labels.rows), dict(labels.labels), list(labels.left_out)
    for split, is_discarded in marked.items():
        if is_discarded is None or split not in rows:
            continue
        is_left = ~is_discarded[rows[split]]
        if not is_left.any():
            raise DataError(
                f"All {len(is_left):,} labeled rows of the split {split!r} are marked as discarded "
                f"in the column {DISCARDED!r}; expected some that are not."
            )
        ids = TextColumn(row_ids(split, rows[split][~is_left]))
        left_out.append(LeftOut(WHY, ids, len(ids)))
        rows[split] = rows[split][is_left]
        numbers[split] = numbers[split][torch.from_numpy(is_left)]
    return labels._replace(rows=rows, labels=numbers, left_out=tuple(left_out))


def _without_empty_texts(
    labels: TableLabels, contents: Mapping[str, Contents], chosen: ChosenContents
) -> TableLabels:
    """The labels of the rows that have a text, and the others counted.

    Raises:
        DataError: If a split has no text, or one text alone.
    """
    rows, numbers, left_out = dict(labels.rows), dict(labels.labels), list(labels.left_out)
    for split, each in contents.items():
        if not isinstance(each, TextContents):
            continue
        is_there = ~each.are_blank()[rows[split]]
        if not is_there.any():
            raise DataError(
                f"The column {','.join(chosen.columns)!r} has no text in any of the "
                f"{len(is_there)} labeled rows of the split {split!r}. Name that of the texts: "
                "`text_column=NAME`."
            )
        if not is_there.all():
            ids = TextColumn(row_ids(split, rows[split][~is_there]))
            left_out.append(LeftOut("empty text", ids, len(ids)))
            rows[split] = rows[split][is_there]
            numbers[split] = numbers[split][torch.from_numpy(is_there)]
        _require_texts_differ(each, rows[split], ",".join(chosen.columns))
    return labels._replace(rows=rows, labels=numbers, left_out=tuple(left_out))


def _require_texts_differ(contents: TextContents, rows: NDArray[np.int64], column: str) -> None:
    first = contents.texts[int(rows[0])]
    if len(rows) > 1 and (contents.texts == first).to_numpy()[rows].all():
        shown = first if len(first) <= _SHOWN_LETTERS else f"{first[: _SHOWN_LETTERS - 1]}…"
        raise DataError(
            f"The column {column!r} has the same text in all {len(rows):,} labeled rows "
            f"({shown!r}); expected texts that differ. Name that of the texts: `text_column=NAME`."
        )
