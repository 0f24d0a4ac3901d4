"""Texts that say nothing or are not like the others are named; languages are not accused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.health.text_quality import TEXT_KINDS, text_quality_findings

QUESTION = "where is my card and when will it come because I need to pay for food today"
WORDS = QUESTION.split()


def questions(count: int = 100) -> list[str]:
    return [" ".join((WORDS[k % 11 :] + WORDS)[: 6 + k % 9]) + "?" for k in range(count)]


def found_of(text: str, place: int = 41) -> list[tuple[str, str]]:
    texts = questions()
    texts[place] = text
    table = text_quality_findings(range(100, 200), texts).table
    assert all(samples == [100 + place] for samples in table["samples"].to_list())
    return list(table.select("kind", "sentence").iter_rows())


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("", "low_information", "Empty"),
        ("  \n\t", "low_information", "no letter or digit"),
        ("?!?", "low_information", "no letter or digit"),
        ("ok", "low_information", "Nearly empty: 2"),
        ("aaaaaaaaaaaaaaaaaaaa", "nearly_constant", "'a', 20 times"),
        ("card card card card card card", "nearly_constant", "One word over and over, 6"),
        (" ".join(WORDS * 40), "odd_size", "Much longer"),
        ("Где моя карта и когда она придёт?", "other_script", "Cyrillic; Latin is usual here"),
        ("我的卡在哪里什么时候到", "other_script", "Chinese or Japanese"),
        ("Wo ist meine Karte fÃ¼r die KÃ¤ufe?", "damaged", "2 places not"),
        ("I canâ€™t pay with it today", "damaged", "wrong encoding"),
        ("Where \ufffd is my card", "damaged", "1 place not"),
        ("<p>Where is my <b>card</b>?</p>", "markup", "4 tags"),
    ],
)
def test_an_odd_text_is_named(text: str, kind: str, words: str) -> None:
    ((found, sentence),) = found_of(text)
    assert found == kind
    assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "Why is 3 < 5 and 7 > 6 & so on?",
        "Où est ma carte, s'il vous plaît? À côté?",
        "ÂNGELA e a AÇÃO",
        "no no no, where is it",
        "The letter β is a Greek one, isn't it",
        "my number is 1111 1111",
    ],
)
def test_a_usual_text_is_not_named(text: str) -> None:
    assert not found_of(text)


def test_good_texts_are_not_named() -> None:
    findings = text_quality_findings(range(100), questions())
    assert not len(findings.table)
    assert set(findings.checked) == set(TEXT_KINDS)


def test_what_many_texts_have_is_usual_and_said_so() -> None:
    texts = [f"<p>{text}</p>" for text in questions()]
    findings = text_quality_findings(range(100), texts)
    assert not len(findings.table)
    assert findings.not_checked["markup"].startswith("100% of the texts have markup")


def test_data_in_two_scripts_are_not_accused() -> None:
    texts = questions()
    texts[::4] = ["Где моя карта и когда она придёт?"] * 25
    assert not len(text_quality_findings(range(100), texts).table)


def test_no_text() -> None:
    findings = text_quality_findings([], [])
    assert not len(findings.table)
    assert set(findings.not_checked) == set(TEXT_KINDS)


@given(st.lists(st.text(max_size=30), max_size=12))
@settings(max_examples=50, deadline=None)
def test_any_texts_are_read(texts: list[str]) -> None:
    findings = text_quality_findings(range(len(texts)), texts)
    assert findings.table["strength"].is_between(0, 1).all()
