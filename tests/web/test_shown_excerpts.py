"""Texts and rows as the pages show them."""

from __future__ import annotations

import json

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.web.excerpts import LETTERS, MOST_LETTERS, excerpt_of, whole_of


def test_a_text_is_cut_for_a_card_and_whole_on_demand():
    text = Text("  two blanks\n\n\tand " + "more " * 1000)
    excerpt, whole = excerpt_of(text), whole_of(text)
    assert len(excerpt.text) <= LETTERS
    assert excerpt.text.startswith("  two blanks\n\n\tand more")
    assert (excerpt.is_whole, whole.is_whole) == (False, True)
    assert whole.text == text.text


def test_there_is_a_limit_to_what_a_browser_is_given():
    whole = whole_of(Text("x" * 1_000_000))
    assert (len(whole.text), whole.is_whole, whole.letters) == (MOST_LETTERS, False, 1_000_000)
    row = Row(tuple(f"c{n}" for n in range(5000)), tuple("y" * 20_000 for _ in range(5000)))
    wide = whole_of(row)
    assert (len(wide.cells), wide.hidden, wide.is_whole) == (2000, 3000, False)
    assert len(wide.cells[0].words) == 10_000


def test_a_row_keeps_its_order_and_says_what_is_missing():
    row = Row(("carat", "color", "note", "is_new"), (0.1 + 0.2, None, "z" * 200, False))
    excerpt = excerpt_of(row)
    assert [cell[:2] for cell in excerpt.cells[:2]] == [("carat", "0.3"), ("color", None)]
    assert len(excerpt.cells[2].words) == 60
    assert excerpt.cells[3].words == "false"
    assert not excerpt.is_whole
    assert whole_of(row).cells[2].words == "z" * 200


def test_what_no_text_can_hold_is_replaced_and_pictures_have_no_excerpt():
    half = excerpt_of(Text("half a pair: \ud83d"))
    assert json.dumps(half._asdict(), ensure_ascii=False).encode()
    assert excerpt_of(Row(("\ud83d",), ("\ud83d",))).cells[0][:2] == ("?", "?")
    assert excerpt_of(UnreadableContentError("gone")) is None
