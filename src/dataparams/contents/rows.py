"""Rows of a table as contents."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from dataparams.contents.content import View, digest_of
from dataparams.contents.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.contents.content import ContentKind

Cell: TypeAlias = "str | bool | int | float | None"
"""A value in a row: dates and times as ISO 8601 texts; None where it is missing."""


_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,2})?", re.ASCII)
_EXACT = 2.0**53
"""Below it a number with a fraction of zero is a whole one, exactly."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table without its label.

    Attributes:
        columns: Names of the columns, in the order of the table.
        cells: As many values.

    Example:
        >>> row = Row(("carat", "color"), (0.23, None))
        >>> row.items()
        [('carat', 0.23), ('color', None)]
        >>> row.views([100])[0].data
        b'[["carat", 0.23], ["color", null]]'
    """

    kind: ClassVar[ContentKind] = "row"
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]

    def items(self) -> list[tuple[str, Cell]]:
        """The columns' names, each with its value."""
        return list(zip(self.columns, self.cells, strict=True))

    def loaded(self) -> Row:
        """The same row."""
        return self

    def size(self) -> int:
        """Bytes of it, as JSON."""
        return len(self._encoded(self.items()))

    def digest(self) -> str:
        """The hash of names and values; see :class:`dataparams.contents.content.Content`.

        A number has the same hash whole or not, and as a text: which of them it is may depend on
        other rows of its file.
        """
        written = [(name, _written(cell)) for name, cell in self.items()]
        return digest_of([self._encoded(written)])

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """Pairs of name and value as JSON; see :class:`dataparams.contents.content.Content`.

        Texts in cells are cut to as many letters; every column is there.
        """
        return [
            View("application/json", self._encoded(self._cut(letters))) for letters in longest_sides
        ]

    def _cut(self, letters: int) -> list[tuple[str, Cell]]:
        return [
            (name, Text(cell).excerpt(letters) if isinstance(cell, str) else cell)
            for name, cell in self.items()
        ]

    def _encoded(self, items: Sequence[tuple[str, Cell]]) -> bytes:
        # JSON has no NaN and no infinity; as texts they stay apart from what is missing.
        plain = [(name, _finite(cell)) for name, cell in items]
        return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")


def _written(cell: Cell) -> str | None:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if isinstance(cell, str) and _NUMBER.fullmatch(cell):
        return _written(float(cell))
    return None if cell is None else str(cell)


def _finite(cell: Cell) -> Cell:
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell
