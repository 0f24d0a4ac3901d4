"""Whether the first row of a table that is text has the names of the columns, or is data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.sources.row_groups import shown_path
from dataparams.sources.written_values import TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataparams.sources.written_values import ValueKind

_FEW = 0.5
_UNNAMED = "unnamed "


def why_no_header(names: Sequence[str], kinds: Sequence[ValueKind], piece: Any) -> str | None:
    """Why the first row seems to be data, in words; None where it may be names.

    Args:
        names: What is in the first row.
        kinds: How the values of each column below are written.
        piece: Some rows below, an Arrow record batch of strings.

    Example:
        >>> import pyarrow as pa
        >>> below = pa.record_batch([["a", "b", "c", "d"], ["no", "yes"] * 2], ["0", "1"])
        >>> why_no_header(["Where is it?", "yes"], [TEXTS, TEXTS], below)
        "'yes' is among the values below it"
    """
    for name, kind, values in zip(names, kinds, piece.columns, strict=True):
        below = pl.Series(pl.from_arrow(values)).drop_nulls()
        if kind is not TEXTS and not _are_counted_up(names):
            if name and _is_written_so(name, kind):
                return f"{name!r} is written as the values below it are ({kind.name})"
        elif len(below) and below.n_unique() <= _FEW * len(below) and (below == name).any():
            return f"{name!r} is among the values below it"
    return None


def unnamed(place: int) -> str:
    """What a column is called that has no name.

    Example:
        >>> unnamed(0)
        'unnamed 0'
    """
    return f"{_UNNAMED}{place}"


def is_title(names: Sequence[str], are_filled: Sequence[bool]) -> bool:
    """Whether the first row seems to be a title: of several columns it names the first alone.

    Args:
        names: The names of the columns.
        are_filled: Whether each has values.

    Example:
        >>> is_title(["My export", "unnamed 1"], [True, True])
        True
        >>> is_title(["unnamed 0", "text"], [True, True])
        False
    """
    is_alone = all(name.startswith(_UNNAMED) for name in names[1:])
    return is_alone and not names[0].startswith(_UNNAMED) and any(are_filled[1:])


def title_found(path: Path, names: Sequence[str]) -> str:
    """The error message on a first row that is a title."""
    return (
        f"The first row of {shown_path(path)} names the first of {len(names)} columns alone "
        f"({names[0]!r}), as a title does. Expected the names of all columns there; remove what "
        "is above them."
    )


def find_repeated_header(names: Sequence[str], piece: Any) -> int | None:
    """The first row below that has the names of the columns again; None where there is none.

    Args:
        names: The names of several columns.
        piece: Some rows below, an Arrow record batch of strings.

    Example:
        >>> import pyarrow as pa
        >>> below = pa.record_batch([["Lost it", "text"], ["no", "kind"]], ["0", "1"])
        >>> find_repeated_header(["text", "kind"], below)
        1
    """
    cells = pl.DataFrame([pl.Series(pl.from_arrow(values)) for values in piece.columns])
    if len(names) == 1 or not len(cells):
        return None
    same = [pl.nth(place).str.strip_chars() == name for place, name in enumerate(names)]
    rows = cells.select(pl.all_horizontal(same).arg_true()).to_series()
    return None if rows.is_empty() else int(rows[0])


def _is_written_so(name: str, kind: ValueKind) -> bool:
    parsed = pl.DataFrame({"text": [name]}).select(kind.parse(pl.col("text")))
    return not parsed.to_series().is_null().any()


def _are_counted_up(names: Sequence[str]) -> bool:
    """Whether columns are called 0, 1, 2 and so on, as programs call those without a name."""
    numbers = [int(name) for name in names if name.isdecimal()]
    return len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
