"""Choosing which column of a table holds the images, and which the labels."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataparams.errors import DataError
from dataparams.sources.arrow_types import (
    describe_type,
    holds_pictures,
    is_counted,
    is_list,
    is_text,
    numpy_array,
    plain_values,
)
from dataparams.sources.folder import is_image_file
from dataparams.sources.labels import plain_labels
from dataparams.sources.split_names import split_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IMAGE_NAMES = (
    "image", "img", "images", "picture", "photo", "jpg", "jpeg", "png", "bytes", "content",
    "pixels", "pixel_values",
)  # fmt: skip
PATH_NAMES = ("image_path", "file_name", "filename", "file", "path", "filepath", "file_path")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "y")
"""What a column of labels is called, the surest first; also in a file of labels."""
_OTHER_LABEL_NAMES = (
    "fine_label", "class_name", "class_label", "label_name", "fine_labels", "digit", "cls",
    "classes", "categories", "targets", "category_name", "target_name", "label_text",
    "label_id", "class_id", "category_id", "target_id", "coarse_label", "coarse_labels",
)  # fmt: skip
_INDEX_NAMES = frozenset({"index", "id", "unnamed0", "indexlevel0", "idx", "rowid", "uuid", "guid"})
_SPLIT_NAMES = frozenset({"split", "subset", "partition", "set", "fold"})
_MOST_CLASSES = 1000
_LOOKED_AT = 1000
_SHOWN = 20


class TableColumns(NamedTuple):
    """A table's columns, described before any image is read.

    Attributes:
        schema: Names and Arrow types.
        read: Reads all values of a column, of the splits that are used one after the other, as an
            Arrow chunked array; it is called for no column of images.
        declared: Names of the classes by the columns that declare them.
        index_columns: Columns that were the index of a table of pandas.
    """

    schema: Any
    read: Callable[[str], Any]
    declared: Mapping[str, tuple[str, ...]]
    index_columns: frozenset[str] = frozenset()


class ChosenColumns(NamedTuple):
    """The chosen columns.

    Attributes:
        image: The images.
        label: The labels.
        class_names: What numbers in the column of labels are called, where another column says so.
        notes: Which columns might have been meant instead; sentences.
    """

    image: str
    label: str
    class_names: Mapping[int, str] | None
    notes: tuple[str, ...]


def choose_columns(
    table: TableColumns, image_column: str | None = None, label_column: str | None = None
) -> ChosenColumns:
    """Choose the columns of the images and of the labels; refuse to guess.

    Args:
        table: The columns.
        image_column: The one that the user names; None chooses.
        label_column: Likewise.

    Raises:
        DataError: If it is not clear which column is meant, or one that was named is not there.
    """
    image, image_notes = _choose_image(table, image_column)
    label, label_notes = _choose_label(table, image, label_column)
    if image == label:
        raise DataError(
            f"The column {image!r} cannot be both the images and the labels; give "
            "`image_column=NAME` or `label_column=NAME`."
        )
    named = _related(table, image, label)
    passed_over = [] if label_column is not None else _passed_over(table, label, named)
    return ChosenColumns(
        image,
        label,
        _names_of_numbers(table, label, named),
        (*image_notes, *label_notes, *passed_over),
    )


def choose_image_column(table: TableColumns, image_column: str | None = None) -> str:
    """Choose the column of the images alone; see :func:`choose_columns`."""
    return _choose_image(table, image_column)[0]


def declared_classes(features: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Find the columns that declare classes, in the description that Hugging Face writes.

    Example:
        >>> declared_classes({"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}})
        {'label': ('cat', 'dog')}
    """
    names = {
        column: feature.get("names")
        for column, feature in features.items()
        if isinstance(feature, dict)
    }
    return {
        column: tuple(map(str, known))
        for column, known in names.items()
        if isinstance(known, list) and known
    }


def index_columns(schema: Any) -> frozenset[str]:
    """Find the columns that were the index of a table of pandas, by the schema's metadata."""
    try:
        known = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, TypeError, ValueError):
        return frozenset()
    return frozenset(name for name in known if isinstance(name, str))


def _plain(name: str) -> str:
    """A column's name without case and separators."""
    return re.sub(r"[\W_]+", "", name.lower())


_PLAIN_IMAGES = tuple(map(_plain, IMAGE_NAMES))
_PLAIN_PATHS = tuple(map(_plain, PATH_NAMES))
_PLAIN_LABELS = tuple(map(_plain, (*LABEL_NAMES, *_OTHER_LABEL_NAMES)))


def _first_named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column with the best of some names."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(_plain(column), column)
    return next((by_name[name] for name in names if name in by_name), None)


def _require_column(table: TableColumns, name: str, argument: str) -> str:
    """Find a column that the user names."""
    columns = table.schema.names
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
        by_plain = _first_named(columns, (_plain(name),))
        nearest = by_plain or (near[0] if near else None)
        hint = "" if nearest is None else f" Did you mean {nearest!r}?"
        raise DataError(
            f"`{argument}` is {name!r}, and there is no such column.{hint} The columns are: "
            f"{', '.join(columns)}."
        )
    return _once(table, name)


def _once(table: TableColumns, name: str) -> str:
    count = table.schema.names.count(name)
    if count > 1:
        raise DataError(f"The table has {count} columns called {name!r}; expected one. Rename one.")
    return name


# --- images --------------------------------------------------------------------------------------


def _choose_image(table: TableColumns, given: str | None) -> tuple[str, list[str]]:
    kinds: dict[str, Any] = dict(zip(table.schema.names, table.schema.types, strict=True))
    if given is not None:
        _require_column(table, given, "image_column")
        if not (holds_pictures(kinds[given]) or is_text(kinds[given]) or is_list(kinds[given])):
            raise DataError(
                f"`image_column` is {given!r}, which holds {describe_type(kinds[given])}; expected "
                "encoded images, paths of image files, or lists of numbers."
            )
        return given, []
    pictures = [name for name, kind in kinds.items() if holds_pictures(kind)]
    lists = [name for name, kind in kinds.items() if is_list(kind)]
    texts = [name for name, kind in kinds.items() if is_text(kind)]
    chosen = _first_named([*pictures, *lists, *texts], _PLAIN_IMAGES)
    if chosen is None and len(pictures) == 1:
        chosen = pictures[0]
    if chosen is None:
        chosen = _first_named(pictures or texts, _PLAIN_PATHS)
    if chosen is None and not pictures:
        paths = [name for name in texts if _holds_paths(table, name)]
        chosen = paths[0] if len(paths) == 1 else None
    if chosen is None:
        raise DataError(_question("images", "image_column", pictures, table, set(pictures)))
    others = [name for name in pictures if name != chosen]
    note = (
        f"The images are those of the column {chosen!r}; {_list_names(others)} can be taken "
        "instead by `image_column`."
    )
    return _once(table, chosen), [note] if others else []


def _holds_paths(table: TableColumns, name: str) -> bool:
    """Whether a column of text names image files and nothing else, as far as was looked."""
    some = table.read(name)[:_LOOKED_AT].drop_null().to_pylist()
    return bool(some) and all(map(is_image_file, some))


# --- labels --------------------------------------------------------------------------------------


def _choose_label(table: TableColumns, image: str, given: str | None) -> tuple[str, list[str]]:
    if given is not None:
        return _require_column(table, given, "label_column"), []
    rest = [name for name in table.schema.names if name != image]
    chosen = _first_named([n for n in rest if n not in table.index_columns], _PLAIN_LABELS)
    if chosen is not None:
        return _once(table, chosen), []
    profiles = {name: _profile(table, name) for name in dict.fromkeys(rest)}
    possible = [name for name, profile in profiles.items() if profile.may_be_labels]
    if len(possible) != 1 or _is_of_ids(possible[0]):
        raise DataError(
            _question("labels", "label_column", possible, table, {image}, is_exact=True)
        )
    splits = [name for name, profile in profiles.items() if profile.tells_splits]
    return _once(table, possible[0]), [
        f"The column {name!r} tells of splits, and is not looked at; give each split a file of its "
        "own, such as train.parquet and val.parquet."
        for name in splits
    ]


class _Profile(NamedTuple):
    """Properties of a column's values."""

    may_be_labels: bool
    tells_splits: bool


def _profile(table: TableColumns, name: str) -> _Profile:
    kind = table.schema.field(name).type if table.schema.names.count(name) == 1 else pa.null()
    if name in table.index_columns or _plain(name) in _INDEX_NAMES or not is_counted(kind):
        return _Profile(may_be_labels=False, tells_splits=False)
    values = plain_labels(table.read(name))
    if isinstance(values, str):
        return _Profile(may_be_labels=False, tells_splits=False)
    distinct = pc.unique(values).drop_null()
    tells_splits = _tells_splits(name, distinct)
    is_few = 2 <= len(distinct) <= min(_MOST_CLASSES, max(2, len(values) // 2))
    may_be = (is_few or name in table.declared) and not tells_splits and not _counts_rows(values)
    return _Profile(may_be, tells_splits)


def _tells_splits(name: str, distinct: Any) -> bool:
    """Whether a column says which split each row is of."""
    if _plain(name) not in _SPLIT_NAMES or not pa.types.is_large_string(distinct.type):
        return False
    return all(split_word(value) for value in distinct.to_pylist())


def _counts_rows(values: Any) -> bool:
    """Whether the values are the rows' numbers."""
    if not pa.types.is_integer(values.type) or values.null_count or len(values) < 2:
        return False
    numbers = numpy_array(values)
    return bool((np.diff(numbers) == 1).all())


def _is_of_ids(name: str) -> bool:
    """Whether a name says that its values are numbers of something else, such as ``patient_id``."""
    return re.search(r"(?:[\W_]id|Id|ID)$", name) is not None


# --- several columns of labels -------------------------------------------------------------------


def _related(table: TableColumns, image: str, label: str) -> dict[str, Any]:
    """The other columns with usual names of labels, in the form in which they are compared."""
    names = [
        name
        for name in dict.fromkeys(table.schema.names)
        if name not in (image, label, *table.index_columns)
        and _plain(name) in _PLAIN_LABELS
        and table.schema.names.count(name) == 1
        and is_counted(table.schema.field(name).type)
    ]
    plain = {name: plain_labels(table.read(name)) for name in names}
    return {name: values for name, values in plain.items() if not isinstance(values, str)}


def _passed_over(table: TableColumns, label: str, others: Mapping[str, Any]) -> list[str]:
    """Say which columns of labels were not taken, unless they name the same classes."""
    if not others:
        return []
    taken = plain_labels(table.read(label))
    return [
        f"The labels are those of the column {label!r}; {name!r} "
        f"({len(pc.unique(values).drop_null())} values) was passed over. Give "
        f"`label_column={name}` to take it."
        for name, values in others.items()
        if isinstance(taken, str) or _pairs(taken, values) is None
    ]


def _names_of_numbers(
    table: TableColumns, label: str, others: Mapping[str, Any]
) -> dict[int, str] | None:
    """The names of the classes that are numbers, from a column that names the same classes."""
    texts = [values for values in others.values() if pa.types.is_large_string(values.type)]
    if not texts or label in table.declared:
        return None
    taken = plain_labels(table.read(label))
    if isinstance(taken, str) or not pa.types.is_integer(taken.type):
        return None
    return next((pairs for pairs in (_pairs(taken, text) for text in texts) if pairs), None)


def _pairs(first: Any, second: Any) -> dict[Any, Any] | None:
    """The pairs of values of two columns; None unless each value has one partner."""
    both = pa.table({"first": first, "second": second}).drop_null()
    pairs = both.group_by(["first", "second"]).aggregate([])
    found = dict(zip(pairs["first"].to_pylist(), pairs["second"].to_pylist(), strict=True))
    is_one_to_one = len(found) == len(pairs) == len(set(found.values()))
    is_complete = len(found) == len(pc.unique(first).drop_null())
    return found if found and is_one_to_one and is_complete else None


# --- what is asked -------------------------------------------------------------------------------


def _question(
    purpose: str,
    argument: str,
    possible: Sequence[str],
    table: TableColumns,
    uncounted: set[str],
    *,
    is_exact: bool = False,
) -> str:
    """The error message that asks for a column and lists them."""
    if not possible:
        found = f"no column has values that can be {purpose}"
    elif len(possible) == 1 and is_exact:
        found = f"{possible[0]!r} could be it, and could be something else"
    else:
        found = f"{_list_names(possible)} could all be it"
    described = [
        _describe(table, place, name, with_count=name not in uncounted)
        for place, name in enumerate(table.schema.names[:_SHOWN])
    ]
    more = len(table.schema.names) - _SHOWN
    if more > 0:
        described.append(f"and {more} more")
    return (
        f"Which column holds the {purpose}? It is not clear: {found}. Give `{argument}=NAME`. "
        f"The columns are: {', '.join(described)}."
    )


def _describe(table: TableColumns, place: int, name: str, *, with_count: bool) -> str:
    kind = table.schema.field(place).type
    words = "images" if holds_pictures(kind) else describe_type(kind)
    if with_count and is_counted(kind) and table.schema.names.count(name) == 1:
        count = len(pc.unique(plain_values(table.read(name))).drop_null())
        words += f", {count} {'value' if count == 1 else 'values'}"
    return f"{name} ({words})"


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
