"""Edits of a file of a table: which cells of which rows change, and to which class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_Cell = TypeVar("_Cell")


@dataclass(frozen=True)
class TableEdits:
    """What changes in a file of a table.

    Attributes:
        columns: The column of the labels, and others that name the same classes.
        classes: The name of the class of each row as it is, None for a row without one.
        labels: The name of the new class by row; rows are counted from 0.
        discarded: Whether a row is marked as discarded from now on, by row.
        values: How a class without a row in this file is written in each column, by column and
            class; a class may be missing.
        mark: The column of the marks.
    """

    columns: tuple[str, ...]
    classes: Sequence[str | None]
    labels: Mapping[int, str]
    discarded: Mapping[int, bool]
    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    mark: str = ""

    @property
    def new_classes(self) -> tuple[str, ...]:
        """The classes that some row becomes of, each once."""
        return tuple(dict.fromkeys(self.labels.values()))


def spelled_classes(
    path: Path,
    column: str,
    edits: TableEdits,
    cells: Sequence[_Cell | None],
    write: Callable[[object], _Cell],
) -> dict[str, _Cell]:
    """How each new class is written in a column: as most of its rows in the file have it.

    Args:
        path: The file, for messages.
        column: The column.
        edits: What changes.
        cells: What is written in each row, None where nothing is.
        write: Writes a value as the file writes such.

    Raises:
        DataError: If nothing says how a class is written there.
    """
    wanted = set(edits.new_classes)
    counts: dict[str, Counter[_Cell]] = {name: Counter() for name in wanted}
    for name, cell in zip(edits.classes, cells, strict=True):
        if name in wanted and cell is not None:
            counts[name][cell] += 1
    spelled = {}
    for name, found in counts.items():
        known = edits.values.get(column, {})
        if found:
            spelled[name] = found.most_common(1)[0][0]
        elif name in known:
            spelled[name] = write(known[name])
        else:
            raise DataError(
                f"{path} has no row of the class {name!r}, so it cannot be told how the column "
                f"{column!r} writes it. Give one row that label by hand, then audit again."
            )
    return spelled
