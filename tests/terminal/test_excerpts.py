"""The beginning of a stranger's text in a terminal: one line, with which nothing can be done."""

from __future__ import annotations

import unicodedata

import pytest

from dataparams.terminal.excerpts import excerpt_line
from dataparams.terminal.flags import with_flags
from dataparams.terminal.words import text_table


def test_blanks_and_line_breaks_become_one_blank():
    assert excerpt_line("  Where\r\n\tis\u2028my   card?\n") == "Where is my card?"
    assert excerpt_line("") == excerpt_line(" \n ") == ""


def test_control_characters_are_written_as_what_they_are():
    assert excerpt_line("\x1b[31mred\0\x07\x9b") == r"\x1b[31mred\x00\x07\x9b"
    assert excerpt_line("\u202egnp.exe\u2066\ud800") == r"\u202egnp.exe\u2066\ud800"


@pytest.mark.parametrize("text", ["أين بطاقتي الجديدة؟", "card איפה"])
def test_right_to_left_text_turns_nothing_around_that_stands_beside_it(text):
    line = excerpt_line(text)
    assert line == f"\u2068{text}\u2069"
    # The text cannot end the isolation, which would be of its own making.
    hostile = excerpt_line(text + "\u2069 \u202e")
    assert hostile.count("\u2069") == 1
    assert hostile.endswith("\u2069")
    assert text_table(["id"], [["train/1"]], [line]).endswith(f"train/1  {line}")


def test_words_of_other_scripts_and_emoji_stay_whole():
    for text in ("👩‍👩‍👧 family", "मेरा नया कार्ड", "我的新卡在哪里"):
        assert excerpt_line(text) == text


def test_a_long_text_is_cut_and_says_so():
    line = excerpt_line("word " * 200_000, 20)
    assert line == "word word word word…"
    assert excerpt_line("12345", 5) == "12345"
    assert excerpt_line("123456", 5) == "1234…"
    blanks = " " * 1_000_000 + "late"
    assert excerpt_line(blanks) == "…"


def test_a_text_is_taken_for_no_name_of_an_argument():
    assert with_flags(excerpt_line("use `dataset` here")) == "use 'dataset' here"


def test_every_character_is_printed_or_escaped():
    for code in [*range(0x3000), *range(0xD800, 0xE010), *range(0xE0000, 0xE0200)]:
        for letter in excerpt_line(f"a{chr(code)}b"):
            is_ours = letter in "\u200c\u200d\u2068\u2069"
            assert is_ours or unicodedata.category(letter)[0] not in "CZ" or letter == " "
