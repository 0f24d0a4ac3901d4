"""Values in a row of a table as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataparams.contents.rows import Cell


def cell_words(value: Cell) -> str | None:
    """A value as it is shown; None where it is missing.

    Example:
        >>> cell_words(0.1 + 0.2), cell_words(1234567), cell_words(True), cell_words(None)
        ('0.3', '1234567', 'true', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
