"""Labels that are no classes: several in a cell, boxes and masks, numbers to predict, texts."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from dataparams.sources.arrow_types import is_list, is_text, plain_values
from dataparams.sources.folder import is_image_file

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEPARATORS = (";", "|", ",")
_SEPARATORS_OF_NAMES = ("/", "+")
"""What also stands within the name of one class."""
_SHARED = 0.8
_FEWEST_COMBINED = 2
_MOST_LOOKED_AT = 20_000
_BOX = 4
_MOST_SHOWN = 40
_MOST_CLASSES = 1000
_SAMPLES_OF_A_CLASS = 10
_FEWEST_NUMBERS, _FEWEST_TEXTS = 20, 100
_MOSTLY = 0.8
_STRUCTURE = re.compile(r"\s*[\[{(].*[\]})]\s*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_NUMBERS = re.compile(r"[-+\d.,;\s]+")


def why_no_classes(column: Any) -> str | None:
    """Why values are more than the class of a sample, in words that go on after "it holds".

    Args:
        column: A column of labels, an Arrow chunked array of any type.

    Returns:
        The words; None where each cell may be a class.

    Example:
        >>> why_no_classes(pa.chunked_array([["cat;dog", "dog", "cat", "dog;emu", "emu;cat"]]))
        "several labels in a cell, such as 'cat;dog'"
        >>> why_no_classes(pa.chunked_array([["cat", "dog"]]))
    """
    column = plain_values(column)
    kind = column.type
    if is_list(kind):
        return _of_lists(column)
    if pa.types.is_struct(kind):
        names = {field.name for field in kind}
        return "structs that are images, such as masks" if "bytes" in names else "structs"
    return _of_texts(column) if is_text(kind) else None


def _of_lists(column: Any) -> str:
    first: list[Any] = next((cell for cell in column.drop_null()[:_BOX].to_pylist() if cell), [])
    inner = first[0] if first else None
    if isinstance(inner, list | dict) or (
        len(first) == _BOX and all(isinstance(each, float) for each in first)
    ):
        return "lists, of boxes or masks as it seems"
    return "lists, of several labels in a cell as it seems"


def _of_texts(column: Any) -> str | None:
    values = [value for value in pc.unique(column)[:_MOST_LOOKED_AT].to_pylist() if value]
    structures = [value for value in values if _STRUCTURE.fullmatch(value)]
    if values and len(structures) == len(values) and not _are_plain(structures):
        shown = f"such as {_shorten(structures[0])!r}"
        if any(len(_NUMBER.findall(value)) >= _BOX for value in structures[:_BOX]):
            return f"lists of numbers, boxes or masks as it seems, {shown}"
        return f"several labels in a cell, {shown}"
    if values and all(map(_is_list_of_numbers, values)):
        return f"lists of numbers, boxes or masks as it seems, such as {_shorten(values[0])!r}"
    if values and all(map(is_image_file, values)):
        return f"names of image files, masks as it seems, such as {_shorten(values[0])!r}"
    found = [
        *(_combined(values, separator) for separator in _SEPARATORS),
        *(_combined(values, one, has_alone=True) for one in _SEPARATORS_OF_NAMES),
    ]
    return next(filter(None, found), None)


def _is_list_of_numbers(value: str) -> bool:
    """Whether it is four numbers or more and nothing else, as of a box or a mask."""
    is_plain = _NUMBERS.fullmatch(value) is not None
    return is_plain and len(re.split(r"[,;\s]+", value.strip(" ,;"))) >= _BOX


def _are_plain(structures: Sequence[str]) -> bool:
    """Whether brackets are round ones around a word, as of a name."""
    return all(value.lstrip().startswith("(") and "," not in value for value in structures)


def _combined(values: Sequence[str], separator: str, *, has_alone: bool = False) -> str | None:
    """Whether values are put together from few parts, each of which is in several of them.

    With ``has_alone`` some of the parts must be values by themselves as well: classes that are
    named by two properties have both in each name.
    """
    parts = {value: [part.strip() for part in value.split(separator)] for value in values}
    combined = [value for value, some in parts.items() if len(some) > 1]
    if len(combined) < _FEWEST_COMBINED:
        return None
    counts = Counter(part for some in parts.values() for part in set(some))
    of_combined = {part for value in combined for part in parts[value] if part}
    if has_alone and not of_combined & {value.strip() for value in values}:
        return None
    shared = sum(counts[part] > 1 for part in of_combined)
    if not of_combined or shared < _SHARED * len(of_combined):
        return None
    return f"several labels in a cell, such as {_shorten(combined[0])!r}"


def why_too_many(values: Any) -> str | None:
    """Why values are no classes since there are so many of them, in words after "it holds".

    Args:
        values: Labels as of :func:`dataparams.sources.labels.plain_labels`.

    Example:
        >>> why_too_many(pa.chunked_array([[17 * row for row in range(100)]]))
        '100 different numbers in 100 rows, to be predicted as it seems (regression)'
    """
    labels = values.drop_null()
    distinct, count = pc.unique(labels), len(labels)
    if pa.types.is_integer(values.type):
        if _are_counted_up(distinct) or count < _FEWEST_NUMBERS:
            return None
        is_many = len(distinct) > _MOST_CLASSES and len(distinct) * _SAMPLES_OF_A_CLASS > count
        if is_many or 2 * len(distinct) > count:
            return (
                f"{len(distinct):,} different numbers in {count:,} rows, to be predicted as it "
                "seems (regression)"
            )
    elif is_text(values.type) and count >= _FEWEST_TEXTS and len(distinct) > _MOSTLY * count:
        return f"{len(distinct):,} different texts in {count:,} rows"
    return None


def _are_counted_up(distinct: Any) -> bool:
    """Whether numbers are those of classes: all from 0 or 1 on."""
    if not len(distinct):
        return True
    bounds = pc.min_max(distinct).as_py()
    return bounds["min"] in (-1, 0, 1) and bounds["max"] - bounds["min"] + 1 == len(distinct)


def _shorten(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
