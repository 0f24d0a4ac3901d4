"""Texts and rows that are the same but for how they are written; and those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from dataparams.encoders.row_columns import column_of
from dataparams.health.row_likeness import RowsAlike
from dataparams.health.text_likeness import (
    LEAST_LIKENESS,
    likeness,
    neighbors_in_order,
    spaced_alike,
    without_punctuation,
)


def bare(text):
    return without_punctuation(spaced_alike(text))


@pytest.mark.parametrize(
    "other",
    [
        "where is my new card",
        "  Where   is my\nnew card?? ",
        "WHERE IS MY NEW CARD!",
        "\uff37here is my new card",
        "where is my new-card...",
    ],
)
def test_how_a_text_is_written_is_left_aside(other):
    assert bare(other) == bare("Where is my new card?")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a transfer of 100 euros", "a transfer of 1000 euros"),
        ("it went down by -5 degrees", "it went down by 5 degrees"),
        ("the price is $50 for it", "the price is \u20ac50 for it"),
        ("version 1.5 of the program", "version 15 of the program"),
        ("C++", "C#"),
        ("?", "!"),
    ],
)
def test_signs_that_mean_something_are_kept(one, other):
    assert bare(one) != bare(other)
    assert likeness(bare(one), bare(other)) < LEAST_LIKENESS


def test_a_word_more_in_a_short_text_makes_another_text():
    one, other = "how do i top up my card", "how do i not top up my card"
    assert likeness(one, other) < LEAST_LIKENESS


def test_a_letter_in_a_long_text_makes_none():
    one = "my card was swallowed by the machine at the station and i need it back before monday"
    assert likeness(one, one.replace("station", "stations")) >= LEAST_LIKENESS


def test_texts_that_begin_or_end_alike_are_compared():
    texts = [f"{letter}{'same ending' * 3}" for letter in "qwertzuiop"] + ["a" * 9, "same ending"]
    pairs = neighbors_in_order(texts)
    assert {0, 1} <= set(pairs.ravel().tolist())
    assert neighbors_in_order(["one"]).shape == (0, 2)


def test_rows_that_differ_in_rounding_are_alike_and_others_not():
    rng = np.random.default_rng(0)
    price = rng.normal(1000, 300, 200)
    price[150] = price[20] + 0.01
    price[151] = price[21] + 30
    words = [f"shop {number}" for number in range(200)]
    words[150], words[151] = " Shop  20", "shop 21"
    rows = RowsAlike([column_of("price", price.tolist()), column_of("shop", words)])
    assert rows.pairs().tolist() == [[20, 150]]


def test_what_is_missing_is_like_what_is_missing_alone():
    price = column_of("price", [1.0, None, None, 0.0])
    assert RowsAlike([price, column_of("color", ["a", "a", "a", "b"])]).pairs().tolist() == [[1, 2]]


def test_columns_that_all_agree_say_nothing():
    rows = RowsAlike([column_of("year", [2024, 2024]), column_of("size", [1, 2])])
    assert not len(rows.pairs())
