"""Texts and rows: their digests, and how they are shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataparams.contents.rows import Row
from dataparams.contents.texts import Text

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())


@given(st.lists(st.tuples(st.text(), CELLS), max_size=5), st.integers(1, 20))
def test_any_row_has_a_digest_and_is_shown_as_json(items, letters):
    row = Row(tuple(name for name, _ in items), tuple(cell for _, cell in items))
    assert row.digest() == Row(row.columns, row.cells).digest()
    assert row.size() >= 2
    (view,) = row.views([letters])
    shown = json.loads(view.data, parse_constant=pytest.fail)
    assert [len(pair) for pair in shown] == [2] * len(items)
    assert all(len(cell) <= max(letters, 9) for _, cell in shown if isinstance(cell, str))


@given(st.text(), st.integers(1, 20))
def test_any_text_is_shown_in_as_many_letters_at_most(text, letters):
    (view,) = Text(text).views([letters])
    assert len(view.data.decode()) <= letters
    assert Text(text).digest() == Text(text).loaded().digest()


@pytest.mark.parametrize(
    "cells", [(5, 5.0), (5, "5"), (0.25, "0.250"), (-3.0, "-3"), (1e22, "1e22"), (True, "true")]
)
def test_a_value_has_one_digest_however_its_column_is_typed(cells):
    one, other = (Row(("size",), (cell,)).digest() for cell in cells)
    assert one == other


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Row(("a", "b"), (1, 2)), Row(("a", "b"), (2, 1))),
        (Row(("a", "b"), (1, 2)), Row(("b", "a"), (1, 2))),
        (Row(("a",), (None,)), Row(("a",), ("",))),
        (Row(("a",), (None,)), Row(("a",), (0,))),
        (Row(("a",), (0.1,)), Row(("a",), (0.1 + 1e-16,))),
    ],
)
def test_rows_that_differ_have_other_digests(first, second):
    assert first.digest() != second.digest()
