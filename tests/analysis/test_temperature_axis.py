"""Numbers on an axis of temperatures, and names beside it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataparams.analysis.temperature_axis import round_temperatures, spread


@given(low=st.floats(-30, 20), span=st.floats(0.003, 60))
def test_any_range_of_temperatures_has_numbers_that_can_be_told_apart(low, span):
    values = round_temperatures(low, low + span)
    assert 4 <= len(values) <= 10
    assert all(low - 1e-6 <= math.log(value) <= low + span + 1e-6 for value in values)
    assert values == sorted(values)
    assert len({f"{value:g}" for value in values}) == len(values)
    if low <= 0 <= low + span and span < 20:
        assert 1.0 in values


@given(
    places=st.lists(st.floats(0, 100), min_size=1, max_size=30),
    distance=st.floats(0.1, 20),
)
def test_names_are_moved_apart_within_the_axis_and_keep_their_order(places, distance):
    moved = spread(places, distance, most=100.0, least=0.0)
    room = 100 / max(len(places) - 1, 1)
    ordered = [moved[i] for i in sorted(range(len(places)), key=lambda i: places[i])]
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in moved)
    assert all(b - a >= min(distance, room) - 1e-6 for a, b in pairwise(ordered))
    if all(b - a >= distance for a, b in pairwise(sorted(places))):
        assert moved == pytest.approx(places, abs=1e-9)
