"""Rows that are mostly missing, the same in all cells, or hold values far outside their column."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from dataparams.encoders.row_columns import columns_of
from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from dataparams.contents.rows import Row
    from dataparams.encoders.row_columns import RowColumn
    from dataparams.health.findings import HealthFindings
    from dataparams.health.sentences import Sentence

    Floats = NDArray[np.float64]
    _Said: TypeAlias = dict[int, tuple[float, Sentence]]

ROW_KINDS = ("low_information", "nearly_constant", "odd_value")
"""The kinds of findings that :func:`row_quality_findings` makes."""
_MOSTLY = 0.5
_MORE_MISSING = 0.3
"""How much larger the share of what is missing must be than it is in the median row."""
_FEWEST_CELLS = 4
_USUAL_SHARE = 0.05
_FAR = 10.0
"""Ranges between the quartiles: what lies further beyond them is far outside its column."""
_FAR_OF_LOGARITHMS = 3.4
_MOSTLY_POSITIVE = 0.9
_FAR_SHARE = 0.003
"""A column in which more values are far out has a long tail: none of them is odd."""
_FEWEST_VALUES = 20
_NAMED = 3


def row_quality_findings(
    index: Sequence[int] | NDArray[np.int64], rows: Sequence[Row]
) -> HealthFindings:
    """Rows that say little, or that hold values far outside their column.

    A row is mostly missing where more than half of its cells are, and much more than in the median
    row. It is nearly constant where all its cells hold one value, and is then called that alone. A
    number is far outside its column beyond the quartiles by more than ten times the range between
    them; in a column of positive numbers (nine tenths) by more than 3.4 times in logarithms as
    well. Columns in which many are so far out have a long tail, and are not judged.

    Args:
        index: Of each row in the source, (n,).
        rows: The rows, each with the same columns, (n,).

    Returns:
        A finding per row and kind, and the kinds that were not judged, with the reason.

    Example:
        >>> from dataparams.contents.rows import Row
        >>> rows = [Row(("carat", "price"), (0.2 + k / 100, 300 + k)) for k in range(40)]
        >>> rows[7] = Row(("carat", "price"), (0.27, 307_000))
        >>> findings = row_quality_findings(range(40), rows)
        >>> findings.table["sentence"][0]
        'Far outside its column: price is 307,000, where 311 to 330 is usual.'
    """
    if not len(rows):
        return joined_findings((), (), dict.fromkeys(ROW_KINDS, sentence("no_row")))
    numbers = np.asarray(index)
    columns = columns_of(rows)
    constant = _constant(rows)
    odd = _odd_values(columns)
    said = {
        "low_information": _mostly_missing(columns, len(rows)),
        "nearly_constant": constant,
        "odd_value": {row: one for row, one in odd.items() if row not in constant},
    }
    most = max(1, _USUAL_SHARE * len(rows))
    usual = {
        kind: sentence(f"usual_rows_{kind}", share=len(found) / len(rows))
        for kind, found in said.items()
        if len(found) > most
    }
    found = [
        Finding(kind, [int(numbers[row])], *one)
        for kind, rows_of_kind in said.items()
        if kind not in usual
        for row, one in rows_of_kind.items()
    ]
    return joined_findings([findings_table(found)], set(ROW_KINDS) - set(usual), usual)


def _mostly_missing(columns: Sequence[RowColumn], count: int) -> _Said:
    if len(columns) < _FEWEST_CELLS:
        return {}
    missing = np.zeros(count, dtype=np.int64)
    for column in columns:
        missing += column.values.is_null().to_numpy()
    share = missing / len(columns)
    usual = float(np.median(share))
    rows = np.flatnonzero((share > _MOSTLY) & (share > usual + _MORE_MISSING))
    beside = {"cells": len(columns), "usual": usual * len(columns)}
    return {
        row: (float(share[row]), sentence("mostly_missing", count=int(missing[row]), **beside))
        for row in rows[np.argsort(-share[rows], kind="stable")].tolist()
    }


def _constant(rows: Sequence[Row]) -> _Said:
    said: _Said = {}
    for number, row in enumerate(rows):
        first = next((cell for cell in row.cells if cell is not None), None)
        if first is None:
            continue
        present = [cell for cell in row.cells if cell is not None]
        if len(present) >= _FEWEST_CELLS and all(cell == first for cell in present):
            said[number] = 0.9, sentence("same_cells", count=len(present), value=str(first))
    return said


def _odd_values(columns: Sequence[RowColumn]) -> _Said:
    found: dict[int, list[tuple[float, Sentence]]] = defaultdict(list)
    for column in columns:
        if column.kind == "number":
            for row, distance, words in _odd_of_column(column):
                found[row].append((distance, words))
    said: _Said = {}
    for row, odd in found.items():
        odd.sort(reverse=True)
        said[row] = 1 - 0.5 * _FAR / odd[0][0], _sentence([one for _, one in odd])
    return dict(sorted(said.items(), key=lambda one: -one[1][0]))


def _sentence(odd: list[Sentence]) -> Sentence:
    said = sentence("far_outside", count=len(odd))
    for place, one in enumerate(odd[:_NAMED]):
        said += sentence("next") + one if place else one
    if len(odd) > _NAMED:
        said += sentence("more", count=len(odd) - _NAMED)
    return said + sentence("end")


def _odd_of_column(column: RowColumn) -> list[tuple[int, float, Sentence]]:
    """Rows of a column whose numbers are far out: how far, in ranges between the quartiles."""
    values = column.values.to_numpy().astype(np.float64)
    known = values[~np.isnan(values)]
    if len(known) < _FEWEST_VALUES:
        return []
    distance = _beyond_quartiles(values, known)
    is_far = distance > _FAR
    is_positive = values > 0
    if is_positive.sum() >= _MOSTLY_POSITIVE * len(known):
        logarithms = np.log(np.where(is_positive, values, np.nan))
        beyond = _beyond_quartiles(logarithms, logarithms[is_positive])
        is_far &= (beyond > _FAR_OF_LOGARITHMS) | ~is_positive
    if is_far.sum() > max(1, _FAR_SHARE * len(known)):
        return []
    low, high = np.quantile(known, (0.25, 0.75)).tolist()
    return [
        (
            row,
            float(distance[row]),
            sentence("outside", column=column.name, value=float(values[row]), low=low, high=high),
        )
        for row in np.flatnonzero(is_far).tolist()
    ]


def _beyond_quartiles(values: Floats, known: Floats) -> Floats:
    """How far beyond the quartiles, in ranges between them; 0 where nothing is known of it."""
    low, high = np.quantile(known, (0.25, 0.75))
    if high <= low:
        return np.zeros(len(values))
    distance: Floats = np.maximum(low - values, values - high) / (high - low)
    return np.nan_to_num(distance, nan=0.0)
