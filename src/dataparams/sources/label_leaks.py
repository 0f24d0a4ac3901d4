"""Columns of a table that give the label away: copies of it, and numbers sorted by class."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.sources.label_choice import may_name_labels, pairs_of
from dataparams.sources.labels import plain_labels

_FEWEST_ROWS = 20
_ROWS_PER_VALUE = 5
_MOST_SHARED = 0.9


def why_it_tells(name: str, values: Any, labels: Any) -> str | None:
    """Why a column gives the label away, in words that go on after its name; or None.

    A label that is wrong contradicts what describes the sample. What follows the label also there
    was made from it: a copy or another name of it, what belongs to one class alone wherever it
    occurs, or a number or a time that goes up class by class.

    Args:
        name: The column's name.
        values: Its values, an Arrow chunked array, (n,).
        labels: The labels as of ``plain_labels``, (n,); or, in words, why they are none.

    Example:
        >>> labels = pa.chunked_array([["cat", "dog"] * 10])
        >>> why_it_tells("code", pa.chunked_array([[3, 7] * 10]), labels)
        'is another name of the label'
    """
    if isinstance(labels, str):
        return None
    if pa.types.is_temporal(values.type):
        is_sorted = len(labels) >= _FEWEST_ROWS and _is_sorted_by_class(values, labels)
        return "is sorted by class" if is_sorted else None
    plain = plain_labels(values)
    if isinstance(plain, str):
        return None
    is_alike = len(pc.unique(plain).drop_null()) == len(pc.unique(labels).drop_null())
    if is_alike and pairs_of(plain, labels) is not None:
        is_copy = plain.type == labels.type and plain.equals(labels)
        return "is a copy of the label" if is_copy else "is another name of the label"
    if may_name_labels(name) and _shares_names(plain, labels):
        return "has the names of the classes, as the label has"
    if len(labels) < _FEWEST_ROWS:
        return None
    if pa.types.is_integer(plain.type):
        return "is sorted by class" if _is_sorted_by_class(plain, labels) else None
    return "belongs to one class wherever it occurs" if _determines(plain, labels) else None


def _shares_names(values: Any, labels: Any) -> bool:
    """Whether the values of a column are those of the labels, nearly all of them."""
    if values.type != labels.type:
        return False
    distinct, classes = pc.unique(values).drop_null(), pc.unique(labels).drop_null()
    shared = pc.sum(pc.is_in(distinct, value_set=classes)).as_py() or 0
    return bool(shared >= _MOST_SHARED * max(len(distinct), len(classes)))


def _is_sorted_by_class(values: Any, labels: Any) -> bool:
    """Whether distinct numbers, brought in order, come class by class."""
    both = pl.DataFrame({"value": pl.from_arrow(values), "label": pl.from_arrow(labels)})
    both = both.drop_nulls()
    if len(both) < _FEWEST_ROWS or both["value"].n_unique() < len(both):
        return False
    classes = both["label"].n_unique()
    runs = both.sort("value")["label"].rle_id().max()
    return classes > 1 and isinstance(runs, int) and runs + 1 == classes


def _determines(values: Any, labels: Any) -> bool:
    """Whether each of few values occurs with one label alone."""
    both = pl.DataFrame({"value": pl.from_arrow(values), "label": pl.from_arrow(labels)})
    both = both.drop_nulls()
    pairs = both.n_unique()
    distinct, classes = both["value"].n_unique(), both["label"].n_unique()
    is_few = distinct * _ROWS_PER_VALUE <= len(both)
    return classes > 1 and is_few and pairs == distinct
