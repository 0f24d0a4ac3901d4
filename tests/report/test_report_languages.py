"""The languages of the report: every message in each, and the words of other rooms."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataparams.analysis.cautions import ClassAccuracies, cautions
from dataparams.analysis.judged_by import NOT_SEEN, evidence_words
from dataparams.analysis.result import CATEGORY_TITLES
from dataparams.analysis.sample_words import words_of
from dataparams.analysis.subgroup_names import (
    FAR_FROM_ALL,
    OWN_KIND,
    names_told_apart,
    subgroup_name,
)
from dataparams.analysis.suggestions import MAYBE, NO_OTHER, NONE, OUTLIER
from dataparams.analysis.summaries import TOO_SMALL, UNLEARNED
from dataparams.health.findings import KINDS
from dataparams.health.sentences import SENTENCES, sentence
from dataparams.report.language import LANGUAGES, language
from dataparams.report.samples import subgroup_name as group_name
from dataparams.web.assets import SHARED
from dataparams.web.unusual_values import LEGEND, UNUSUAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataparams.report.language import LanguageCode

OTHERS = [code for code in LANGUAGES if code != "en"]
ROOM = files("dataparams.report")
SHARED_PREFIX = "script.shared."
# Its sentences for review's search field are in no report.
OF_REVIEW = ("look", "search", "search_key")


def source_texts() -> Iterable[str]:
    """The modules, templates and scripts of the report."""
    folders = (ROOM, ROOM / "templates", ROOM / "templates" / "overview", ROOM / "page")
    for folder in folders:
        for file in folder.iterdir():
            if file.name.endswith((".py", ".html", ".js")):
                yield file.read_text(encoding="utf-8")


def forms(message: str | dict[str, str]) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_every_message_and_no_other(code: LanguageCode) -> None:
    own = {key for key in language(code).messages if not key.startswith(SHARED_PREFIX)}
    assert own == set(language("en").messages)


@pytest.mark.parametrize("code", OTHERS)
def test_messages_speak_of_what_the_english_ones_speak_of(code: LanguageCode) -> None:
    for key, english in language("en").messages.items():
        message = language(code).messages[key]
        assert type(message) is type(english), key
        known = set().union(*map(names_in, forms(english)))
        assert set().union(*map(names_in, forms(message))) <= known | {"count"}, key
        for one in forms(message):
            assert re.findall(r"</?\w+>", one) == re.findall(r"</?\w+>", forms(english)[0]), key


def test_every_message_is_said_somewhere() -> None:
    texts = "\n".join(source_texts())
    made = (
        "people.period",
        "contents.",
        "figures.",
        "pile.",
        "trajectories.",
        "how.",
        "left.",
        "script.",
    )
    for key in language("en").messages:
        assert f'"{key}"' in texts or f"'{key}'" in texts or key.startswith(made), key


def test_every_message_that_is_said_exists() -> None:
    for text in source_texts():
        for key in re.findall(r"say\(\s*[\"']([a-z]+\.[a-z_]+)[\"']\s*[,)]", text):
            assert key in language("en").messages
        for name in re.findall(r"reportPhrase\(\"(\w+)\"", text):
            assert f"script.{name}" in language("en").messages


@pytest.mark.parametrize("code", OTHERS)
def test_the_scripts_that_review_shares_are_translated(code: LanguageCode) -> None:
    scripts = "\n".join(
        (SHARED / name).read_text(encoding="utf-8") for name in ("elements.js", "contents.js")
    )
    tables = [
        re.findall(rf"const {table} = \{{(.*?)\}};\n", scripts, re.DOTALL)[0]
        for table in ("PHRASES", "UNUSUAL")
    ]
    names = {name for table in tables for name in re.findall(r"(\w+): [\"O]", table)}
    names |= set(CATEGORY_TITLES)
    shared = {key for key in language(code).messages if key.startswith(SHARED_PREFIX)}
    assert shared == {f"{SHARED_PREFIX}{name}" for name in names}


def other_rooms_say() -> list[str]:
    """Sentences of other rooms that reach a report."""
    named = [field.name for field in fields(words_of("image")) if field.name not in OF_REVIEW]
    words = [
        getattr(words_of(kind), name) for kind in ("image", "text", "row", None) for name in named
    ]
    weak = ClassAccuracies(np.array([20.0, 30.0]), np.array([60, 60]), "validation")
    poor = ClassAccuracies(np.array([45.0, 46.0]), np.array([60, 60]), "held-out")
    warnings = [
        sentence
        for accuracies in (weak, poor)
        for epochs in (None, 3)
        for sentence in cautions(accuracies, epochs)
    ]
    subgroups = [
        subgroup_name("cat", ["dog", "dog", "cat"]),
        subgroup_name("cat", ["dog", "cow", "cat"]),
        subgroup_name("cat", ["cat"], 12 * ["dog"] + 8 * ["cat"]),
        subgroup_name("cat", ["cat"], 12 * ["dog"] + 8 * ["cat"], is_rare=True),
        subgroup_name("cat", ["cat"], ["cat"], is_rare=True),
    ]
    return [
        *CATEGORY_TITLES.values(),
        *filter(None, words),
        *UNUSUAL_WORDS.values(),
        *KINDS.values(),
        *warnings,
        *subgroups,
        *names_told_apart([*subgroups, *subgroups, FAR_FROM_ALL, FAR_FROM_ALL, OWN_KIND, OWN_KIND]),
        *(LEGEND, NOT_SEEN, OUTLIER, MAYBE, NO_OTHER, NONE, TOO_SMALL, UNLEARNED),
        *filter(None, (evidence_words(0.034, 0.25), evidence_words(0.5, None), group_name(2))),
    ]


@pytest.mark.parametrize("code", OTHERS)
def test_what_other_rooms_say_is_said_in_every_language(code: LanguageCode) -> None:
    said = other_rooms_say()
    assert len(said) > 60
    assert [sentence for sentence in said if not language(code).knows(sentence)] == []


def test_a_sentence_that_is_not_known_stays_as_it_is() -> None:
    german = language("de")
    assert german.translated("Something new was found.") == "Something new was found."
    assert not german.knows("Something new was found.")
    assert german.translated("") == ""


def test_numbers_in_sentences_of_other_rooms_are_written_in_the_language() -> None:
    german = language("de").translated(evidence_words(0.034, 0.25) or "")
    assert german.replace("\N{NO-BREAK SPACE}", " ") == (
        "Klassifikatoren, die es nie gesehen haben, geben seinem Label 3 %, "
        "seine Nachbarn 25 % ihrer Stimmen."
    )
    assert language("de").translated("like class 1.5") == "wie class 1.5"


def test_findings_are_said_in_the_language_from_what_they_are_made_of() -> None:
    german = language("de")
    names = [("ewer", 1199), ("watch and 1,5 (2)", 1)]
    found = sentence("same_pictures", count=1200) + sentence("labeled", names=names)
    assert german.translated(found) == (
        "Dasselbe Bild 1.200-mal, Byte für Byte, mit dem Label ewer (1.199) und "
        "watch and 1,5 (2) (1)."
    )
    leak = sentence("same_rows", count=2) + sentence("in_splits", splits=[("train", 1), ("x", 1)])
    assert german.translated(leak) == "2 Zeilen mit denselben Werten, in Training (1) und x (1)."
    share = german.translated(sentence("rule_dark", share=0.31)).replace("\xa0", " ")
    assert share == "31 % der Bilder sind dunkel: Das ist in diesen Daten die Regel."
    assert german.translated(sentence("small_class", name="owl", count=1, lacking=9)) == (
        "owl hat 1 Beispiel, zu wenige, um Labels zu beurteilen; 9 weitere genügen."
    )


def test_why_a_file_cannot_be_read_is_said_in_the_language_even_if_a_decoder_says_it() -> None:
    german = language("de")
    for reason, told in (
        ("not an image of a known format", "Nicht lesbar: kein Bild in einem bekannten Format."),
        ("image file is truncated (3 bytes)", "Nicht lesbar: beschädigt oder von unbekannter Art."),
    ):
        assert german.translated(sentence("damaged", reason=reason)) == told


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_of_health_is_said_in_every_language(code: LanguageCode) -> None:
    assert set(language(code).health) == set(SENTENCES)
    for key, english in SENTENCES.items():
        told = language(code).health[key]
        assert isinstance(told, str) == isinstance(english, str), key
        first, other = ((one,) if isinstance(one, str) else tuple(one) for one in (english, told))
        assert len(first) == len(other), key
        fields_of = [
            {spec[1:3] for one in some for spec in Formatter().parse(one) if spec[1]}
            for some in (first, other)
        ]
        # What an error says of the data is in English, and is left out.
        assert fields_of[1] == fields_of[0] - {("error", "")}, key


def test_a_sentence_of_a_later_version_stays_english() -> None:
    later = sentence("end")
    later.parts = (("unheard_of", {}),)
    assert language("de").translated(later) == "."
    assert not language("de").knows(later)


def test_names_are_data_in_a_message() -> None:
    said = language("en").say("confusions.cell", count=2, given="<b>", suggested="{count}")
    assert said.endswith("given &lt;b&gt;, suggested {count}")


@pytest.mark.parametrize("name", ["dog", "car; side", "a % that; the label", "x; y; z."])
@pytest.mark.parametrize(
    "by",
    [
        "Decided in review",
        "Decided in review by people who agree",
        "Disputed in review, and settled by an adjudicator",
        "Disputed in review, and settled by the majority",
        "The class was renamed in review",
        "Chosen by dataparams clean, strategy likely",
    ],
)
def test_why_a_label_was_changed_is_told_whatever_its_class_is_called(by: str, name: str) -> None:
    evidence = f"the analysis gave 98 % that the label was wrong, and {name} as the likeliest"
    german = language("de")
    assert german.translated(f"{by}; {evidence}.") == (
        f"{german.translated(by)}; die Analyse gab 98 %, dass das Label falsch war, und {name} als "
        "wahrscheinlichste Klasse."
    )
    assert german.translated(f"{by}.") == f"{german.translated(by)}."
    assert german.knows(by)
