"""Contents that lie in a table in memory: texts in one column, or whole rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.sources.source import Contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.contents.content import Content, ContentKind
    from dataparams.contents.rows import Cell

_ROWS_AT_ONCE = 256
_NO_TEXT = UnreadableContentError("there is no text")
_LETTERS_OF_NUMBERS = frozenset("0123456789+-.:,_ ainfetruls")
"""All letters of numbers, dates, infinity and truths in small letters."""


class TextContents(Contents):
    """Texts in a column.

    Args:
        texts: The column, (n,); null where there is no text.

    Example:
        >>> contents = TextContents(pl.Series(["Where is my card?", None]))
        >>> text, missing = contents.read([0, 1])
        >>> text.text, str(missing), contents.sizes().tolist()
        ('Where is my card?', 'there is no text', [17, -1])
    """

    kind: ContentKind | None = "text"
    rows_at_once = _ROWS_AT_ONCE

    def __init__(self, texts: pl.Series) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Look up some texts."""
        found = self.texts.gather(list(rows)).to_list()
        return [_NO_TEXT if text is None else Text(text) for text in found]

    def are_blank(self) -> NDArray[np.bool_]:
        """Whether there is no letter in a text, or no text, (n,)."""
        blank = self.texts.str.contains(r"\S").fill_null(value=False).not_()
        return np.asarray(blank.to_numpy(), dtype=bool)

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each text in UTF-8, (n,); -1 where there is none."""
        sizes = self.texts.str.len_bytes().cast(pl.Int64).fill_null(-1)
        return np.asarray(sizes.to_numpy(), dtype=np.int64)

    def containing(self, words: str) -> NDArray[np.bool_]:
        """Which texts contain some words, in large or small letters, (n,)."""
        return _containing(self.texts, words)


class RowContents(Contents):
    """Rows of a table.

    Args:
        table: The columns that belong to a sample, (n, columns); its label is none of them.

    Example:
        >>> contents = RowContents(pl.DataFrame({"carat": [0.23, 0.3], "color": ["E", None]}))
        >>> contents.read([1])[0].items()
        [('carat', 0.3), ('color', None)]
    """

    kind: ContentKind | None = "row"
    rows_at_once = _ROWS_AT_ONCE

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def read(self, rows: Sequence[int]) -> list[Content | UnreadableContentError]:
        """Look up some rows."""
        columns = tuple(self.table.columns)
        found = self.table[np.asarray(rows, dtype=np.int64)].rows()
        return [Row(columns, tuple(map(_cell, row))) for row in found]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each row as JSON, (n,)."""
        contents = self.read(range(len(self)))
        sizes = [-1 if isinstance(one, UnreadableContentError) else one.size() for one in contents]
        return np.array(sizes, dtype=np.int64)

    def containing(self, words: str) -> NDArray[np.bool_]:
        """Which rows have a value that contains some words, in large or small letters, (n,).

        Example:
            >>> table = pl.DataFrame({"carat": [0.23, 0.3], "color": ["E", None]})
            >>> RowContents(table).containing("e").tolist()
            [True, False]
            >>> RowContents(table).containing("0.3").tolist()
            [False, True]
        """
        found = np.zeros(len(self.table), dtype=np.bool_)
        for column in self.table:
            is_text = column.dtype in (pl.String, pl.Categorical, pl.Enum)
            is_written = is_text or column.dtype.is_numeric() or column.dtype.is_temporal()
            is_written |= column.dtype == pl.Boolean
            # Writing out numbers and dates takes its time.
            if is_written and (is_text or set(words.lower()) <= _LETTERS_OF_NUMBERS):
                found |= _containing(column.cast(pl.String), words)
        return found


def _containing(texts: pl.Series, words: str) -> NDArray[np.bool_]:
    found = texts.str.contains(f"(?i){pl.escape_regex(words)}")
    return np.asarray(found.fill_null(value=False).to_numpy(), dtype=np.bool_)


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    as_iso = getattr(value, "isoformat", None)
    return str(value) if as_iso is None else str(as_iso())
