"""Plain tables of the samples: CSV (RFC 4180), and JSON Lines (https://jsonlines.org).

Without images; names of classes in place of numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from dataparams.export.writing import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataparams.export.writing import Export

_ROWS_AT_ONCE = 100_000


def write_csv(export: Export) -> None:
    """Write ``samples.csv``, a row per sample."""
    _write(export, "samples.csv", lambda rows, is_first: csv_bytes(rows, header=is_first))
    export.tell_of_formulas("samples.csv")


def write_jsonl(export: Export) -> None:
    """Write ``samples.jsonl``, an object per sample and line; what is no number is null."""
    _write(export, "samples.jsonl", lambda rows, _: json_lines(rows).encode())


def json_lines(frame: pl.DataFrame) -> str:
    """Rows as JSON objects, a line each; JSON knows neither NaN nor infinity."""
    floats = cs.float()
    finite = pl.when(floats.is_finite()).then(floats)
    return frame.with_columns(finite).write_ndjson()


def _write(export: Export, name: str, encode: Callable[[pl.DataFrame, bool], bytes]) -> None:
    temporary = export.destination.temporary()
    with temporary.open("wb") as stream:
        for start in range(0, len(export.samples), _ROWS_AT_ONCE):
            stop = min(start + _ROWS_AT_ONCE, len(export.samples))
            rows = export.samples.named(range(start, stop))
            first = ["index", "id", "label"]
            stream.write(encode(rows.select(*first, pl.exclude(first)), start == 0))
    export.count = len(export.samples)
    export.destination.place(temporary, name)
