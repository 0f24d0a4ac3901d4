"""Changing values in files of JSON objects where they stand, every other letter kept."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataparams.applying.edits import TableEdits, spelled_classes
from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SPACE = re.compile(r"[ \t\r\n]*")
_KEY = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_DECODER = json.JSONDecoder()


@dataclass
class _Object:
    """Where an object stands in a text.

    Attributes:
        values: Beginning and end of the value of each name.
        end: Where its last value ends, or, without any, its bracket.
        space: What stands after a colon.
    """

    values: dict[str, tuple[int, int]] = field(default_factory=dict)
    end: int = 0
    space: str = ""


def edited_json(path: Path, data: bytes, edits: TableEdits) -> bytes:
    r"""The bytes of a file of JSON objects, one per line or in a list, with some values changed.

    Args:
        path: The file, for messages.
        data: All of it, decompressed.
        edits: What changes; a mark that is not there goes to the end of its object.

    Raises:
        DataError: If it is not such a file, or a class cannot be written.

    Example:
        >>> from pathlib import Path
        >>> data = b'{"text": "a", "label": "cat"}\n{"text": "b", "label": "dog"}\n'
        >>> edits = TableEdits(("label",), ["cat", "dog"], {0: "dog"}, {})
        >>> edited_json(Path("a.jsonl"), data, edits).splitlines()[0]
        b'{"text": "a", "label": "dog"}'
    """
    text = data.decode()
    try:
        objects = list(_objects(text))
    except (ValueError, IndexError) as error:
        raise DataError(
            f"{path} cannot be read value by value ({error}); nothing was changed."
        ) from error
    if len(objects) != len(edits.classes):
        raise DataError(
            f"{path} has {len(objects):,} objects, and {len(edits.classes):,} rows were read; "
            "nothing was changed."
        )
    pieces: list[tuple[int, int, str]] = []
    for column in edits.columns:
        spans = [one.values.get(column) for one in objects]
        cells = spelled_classes(
            path,
            column,
            edits,
            [None if span is None else text[slice(*span)] for span in spans],
            lambda value: json.dumps(value, ensure_ascii=data.isascii()),
        )
        for row, name in edits.labels.items():
            span = spans[row]
            if span is None:
                raise DataError(f"Row {row} of {path} has no {column!r}; nothing was changed.")
            pieces.append((*span, cells[name]))
    for row, is_discarded in edits.discarded.items():
        one, word = objects[row], "true" if is_discarded else "false"
        if edits.mark in one.values:
            pieces.append((*one.values[edits.mark], word))
        else:
            new = f",{one.space}{json.dumps(edits.mark)}:{one.space}{word}"
            pieces.append((one.end, one.end, new))
    return _replaced(text, pieces).encode()


def _replaced(text: str, pieces: list[tuple[int, int, str]]) -> str:
    parts, position = [], 0
    for start, end, new in sorted(pieces):
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])


def _objects(text: str) -> Iterator[_Object]:
    """The objects of a text, whether in a list or not."""
    position = _after_space(text, 1 if text.startswith("\ufeff") else 0)
    if text[position : position + 1] == "[":
        position += 1
    while True:
        position = _end(_BETWEEN, text, position)
        if position >= len(text) or text[position] == "]":
            return
        one, position = _object(text, position)
        yield one


def _object(text: str, position: int) -> tuple[_Object, int]:
    """The object that begins at a place, and where it ends."""
    if text[position] != "{":
        raise ValueError(f"no object at letter {position:,}")
    one = _Object(end=position + 1)
    position = _after_space(text, position + 1)
    while text[position] != "}":
        key = _KEY.match(text, position)
        if key is None:
            raise ValueError(f"no name at letter {position:,}")
        colon = _after_space(text, key.end())
        if text[colon] != ":":
            raise ValueError(f"no colon at letter {colon:,}")
        start = _after_space(text, colon + 1)
        _, end = _DECODER.raw_decode(text, start)
        name = str(json.loads(key[0]))
        if name in one.values:
            raise ValueError(f"the name {name!r} twice in one object")
        one.values[name], one.end, one.space = (start, end), end, text[colon + 1 : start]
        position = _after_space(text, end)
        if text[position] == ",":
            position = _after_space(text, position + 1)
    return one, position + 1


def _after_space(text: str, position: int) -> int:
    return _end(_SPACE, text, position)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return position if found is None else found.end()
