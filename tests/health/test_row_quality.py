"""Rows that say little, or that hold what their column never does, are named with the value."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.contents.rows import Cell, Row
from dataparams.health.row_quality import ROW_KINDS, row_quality_findings

COLUMNS = ("carat", "depth", "price", "color", "shop")


def rows(count: int = 200) -> list[Row]:
    rng = np.random.default_rng(0)
    return [
        Row(
            COLUMNS,
            (
                round(float(rng.lognormal(-0.5, 0.6)), 2),
                round(float(rng.normal(61, 1)), 1),
                int(rng.lognormal(8, 1)),
                "DEFGHIJ"[rng.integers(7)],
                int(rng.integers(1, 9)),
            ),
        )
        for _ in range(count)
    ]


def found_with(*cells: Cell) -> list[tuple[str, list[int], str]]:
    table = rows()
    table[30] = Row(COLUMNS, cells)
    found = row_quality_findings(range(1000, 1200), table).table
    return list(found.select("kind", "samples", "sentence").iter_rows())


def test_a_value_far_outside_its_column_is_named() -> None:
    ((kind, samples, sentence),) = found_with(0.5, 6100.0, 3000, "E", 3)
    assert (kind, samples) == ("odd_value", [1030])
    assert sentence.startswith("Far outside its column: depth is 6,100, where 60")


def test_several_values_of_a_row_are_one_finding() -> None:
    ((_, _, sentence),) = found_with(900.0, -999.0, 3000, "E", 3)
    assert sentence.startswith("Far outside their columns: ")
    assert "carat is 900" in sentence
    assert "depth is -999" in sentence


def test_a_row_that_is_mostly_missing_is_named() -> None:
    ((kind, _, sentence),) = found_with(None, None, None, None, 3)
    assert kind == "low_information"
    assert "4 of 5 cells" in sentence


def test_a_row_of_one_value_is_named() -> None:
    ((kind, _, sentence),) = found_with(0, 0, 0, 0, 0)
    assert kind == "nearly_constant"
    assert sentence == "The same in all 5 cells: 0."


def test_good_rows_are_not_named() -> None:
    findings = row_quality_findings(range(200), rows())
    assert not len(findings.table)
    assert set(findings.checked) == set(ROW_KINDS)


def test_a_column_with_a_long_tail_is_not_accused() -> None:
    rng = np.random.default_rng(0)
    table = [Row(("income",), (float(value),)) for value in rng.pareto(1, 2000)]
    assert not len(row_quality_findings(range(2000), table).table)


def test_gaps_that_are_usual_are_not_accused() -> None:
    table = [Row(COLUMNS, (None, None, None, "E", k)) for k in range(100)]
    assert not len(row_quality_findings(range(100), table).table)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows(count: int) -> None:
    findings = row_quality_findings(range(count), rows(count) if count else [])
    assert not len(findings.table)
    assert bool(findings.not_checked) is not bool(count)


def test_rows_without_cells() -> None:
    assert not len(row_quality_findings(range(3), [Row((), ())] * 3).table)
