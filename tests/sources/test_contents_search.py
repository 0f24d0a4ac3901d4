"""Words that are sought within the contents of a source."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from dataparams.sources.source import JoinedContents, SelectedContents
from dataparams.sources.table_contents import RowContents, TextContents
from made_contents import listed_images

TEXTS = TextContents(pl.Series(["Where is my CARD?", None, "a (new) loan", "ÄPFEL und .*"]))


def found(contents, words):
    return np.flatnonzero(contents.containing(words)).tolist()


def test_large_and_small_letters_are_the_same_and_nothing_is_a_pattern():
    assert found(TEXTS, "card") == [0]
    assert found(TEXTS, "Äpfel") == [3]
    assert found(TEXTS, ".*") == [3]
    assert found(TEXTS, "(NEW)") == [2]
    assert found(TEXTS, "[") == []


def test_any_value_of_a_row_may_have_the_words():
    table = pl.DataFrame(
        {
            "amount": [0.25, None, 100.5],
            "color": ["Red", "green", None],
            "day": [date(2020, 1, 2), None, date(2021, 1, 2)],
            "is_new": [True, False, None],
            "list": [[1], [2], [3]],
        }
    )
    rows = RowContents(table)
    assert found(rows, "0.2") == [0]
    assert found(rows, "RE") == [0, 1]
    assert found(rows, "2021-01") == [2]
    assert found(rows, "true") == [0]


def test_parts_and_selections_are_searched_and_images_have_no_words():
    joined = JoinedContents([TEXTS, TEXTS])
    assert found(joined, "card") == [0, 4]
    chosen = SelectedContents(joined, np.array([4, -1, 2, 0]))
    assert found(chosen, "card") == [0, 3]
    assert found(listed_images([b"card", None]), "card") == []
