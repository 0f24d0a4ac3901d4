"""Values of a row that are unusual for its class."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from dataparams.contents.rows import Row
from dataparams.sources.table_contents import RowContents
from dataparams.web.unusual_values import ClassNorms, ShownCell, card_cells, class_norms


def norms_of(values):
    return ClassNorms(Row(("value",), (value,)) for value in values)


def unusual(norms, value):
    (cell,) = norms.cells(Row(("value",), (value,)))
    return cell.unusual


def test_numbers_far_from_the_middle_of_the_class_are_high_or_low():
    values = np.random.default_rng(0).normal(100, 5, 200).tolist()
    norms = norms_of(values)
    assert unusual(norms, 160.0) == "high"
    assert unusual(norms, 40) == "low"
    assert unusual(norms, 108.0) is None
    assert [unusual(norms, value) for value in values].count(None) >= 198


def test_a_quarter_of_wrong_labels_does_not_hide_them():
    rng = np.random.default_rng(0)
    right, wrong = rng.normal(200, 5, 75).tolist(), rng.normal(100, 5, 25).tolist()
    norms = norms_of([*right, *wrong])
    assert {unusual(norms, value) for value in wrong} == {"low"}
    assert {unusual(norms, value) for value in right} == {None}


def test_rare_values_of_a_class_are_marked_and_common_or_unique_ones_are_not():
    norms = norms_of(["E"] * 60 + ["F"] * 39 + ["Z"])
    assert [unusual(norms, value) for value in ("E", "F", "Z", "never seen")] == [
        *(None, None, "rare", "rare")
    ]
    ids = norms_of([f"row {number}" for number in range(100)])
    assert unusual(ids, "row 7") is None
    assert unusual(ids, "row 1000") is None
    flags = norms_of([False] * 99 + [True])
    assert (unusual(flags, True), unusual(flags, False)) == ("rare", None)
    assert unusual(norms_of([0] * 80 + [1] * 20), 1) is None


def test_what_is_missing_is_unusual_where_others_are_there():
    assert unusual(norms_of([*map(float, range(60)), None]), None) == "rare"
    assert unusual(norms_of([*map(float, range(30)), *[None] * 30]), None) is None
    assert unusual(norms_of(["E"] * 60 + [None]), None) == "rare"


def test_many_equal_numbers_do_not_make_all_others_unusual():
    gains = [0.0] * 80 + [float(value) for value in range(100, 120)]
    norms = norms_of(gains)
    assert [unusual(norms, value) for value in gains].count(None) >= 98
    assert unusual(norms, 5000.0) == "high"


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 5 + [900.0],
        [float("nan")] * 30,
        [float("inf")] * 30,
        [7] * 30,
        [None] * 30,
        [],
    ],
)
def test_small_constant_and_empty_classes_have_nothing_unusual(values):
    norms = norms_of(values)
    assert {unusual(norms, value) for value in values} <= {None}


def test_norms_come_from_rows_however_many_there_are():
    table = pl.DataFrame(
        {
            "amount": np.arange(50_000) % 1000 / 10,
            "day": [date(2020, 1, 1)] * 50_000,
        }
    )
    contents = RowContents(table)

    class Samples:
        asked = 0

        def read(self, ids):
            self.asked += len(ids)
            return contents.read([int(one) for one in ids])

    samples = Samples()
    norms = class_norms(samples, [str(row) for row in range(50_000)])
    assert samples.asked == 2_000
    (row,) = contents.read([5])
    assert isinstance(row, Row)
    assert norms.cells(row) == [
        ShownCell("amount", "0.5", None),
        ShownCell("day", "2020-01-01", None),
    ]
    assert class_norms(samples, []).cells(row)[0].unusual is None


def test_a_card_has_the_unusual_values_of_a_wide_row_in_the_order_of_the_table():
    cells = [ShownCell(str(n), "x", "rare" if n in (7, 9) else None) for n in range(12)]
    assert [cell.name for cell in card_cells(cells, 4)] == ["0", "1", "7", "9"]
