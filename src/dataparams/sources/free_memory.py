"""How much memory can be allocated, and refusing what does not fit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.errors import DataError
from dataparams.terminal.words import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHARE = 0.8
ROOM = 1 << 26
_FEWER = (
    "Texts and rows are kept there; images are not. Give fewer rows; or name the columns by "
    "`text_column` or `row_columns`, and `label_column`, so that others are not read."
)


def free_memory() -> int | None:
    """Bytes that can be allocated, or None if unknown."""
    try:
        # The kernel's estimate counts caches it would drop; sysconf's free pages do not.
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def fitting_pieces(pieces: Iterable[Any], what: str) -> Iterator[Any]:
    """Pass pieces of a table on that are kept in memory, as long as they fit.

    Args:
        pieces: Arrow record batches or tables.
        what: What they are, for the message.

    Raises:
        DataError: If they do not.
    """
    free, size = free_memory(), 0
    for piece in pieces:
        size += piece.nbytes
        if free is not None and size > ROOM:
            require_fitting(size, free, what)
        yield piece


def require_fitting(size: int, free: int | None, what: str, advice: str = _FEWER) -> None:
    """Refuse what needs more memory than there is.

    Args:
        size: How many bytes it needs.
        free: How many there are; None where it is not known.
        what: What it is.
        advice: What to do instead; sentences.

    Raises:
        DataError: If it does not fit.
    """
    if free is not None and size > _SHARE * free:
        raise DataError(
            f"{what}: this takes more than {size_text(size)} in memory, of which "
            f"{size_text(free)} are free. {advice}"
        )
