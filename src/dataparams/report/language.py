"""The languages of a report: its messages, how numbers and dates are written, other rooms' words.

What the report says itself has a key, and a text per language in ``messages/``. What health says
has keys as well, of :data:`dataparams.health.sentences.SENTENCES`, and texts in the table
``health``. What other rooms say is English; where its English text, or the pattern of it, is in the
table ``sentences``, the text of that language is shown in its place, and otherwise the English one.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Literal, get_args

from markupsafe import Markup

from dataparams.health.sentences import Sentence, filled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from dataparams.health.sentences import Fact

LanguageCode = Literal["en", "de"]
"""The languages that reports are written in."""
LANGUAGES: tuple[LanguageCode, ...] = get_args(LanguageCode)
UNKNOWN = "\N{EN DASH}"
"""Stands for a number that is not known."""
_MESSAGES = files("dataparams.report") / "messages"
_NUMERAL = re.compile(r"\d[\d.,]*\d|\d")
_MARK, _TRANSLATED = re.compile(r"\{\+?\}"), "{+}"
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}
_LETTER = re.compile(r"[^\W\d]")


@dataclass(frozen=True, eq=False)
class Language:
    """A language that a report is written in.

    Attributes:
        code: As HTML names it.
        messages: By key the text, or the texts for ``one`` and ``other`` numbers of things. They
            are markup; what is put into them is escaped.
        sentences: By the English text of another room the one in this language; in both ``{}``
            stands for a name or a number, ``{+}`` for words that are translated in turn. The
            first that fits counts.
        months: Names of the months.
        health: The sentences of health by their keys; of two the first is for a count of one. Empty
            in English, in which they are kept.
    """

    code: LanguageCode
    messages: Mapping[str, str | dict[str, str]]
    sentences: Mapping[str, str]
    months: tuple[str, ...]
    health: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def say(self, key: str, **values: object) -> Markup:
        """A message; ``count`` chooses between one and several, whole numbers are written out.

        Example:
            >>> str(language("en").say("unit.samples", count=1200))
            '1,200 samples'
            >>> str(language("de").say("unit.samples", count=1))
            '1 Beispiel'
        """
        message = self.messages[key]
        if isinstance(message, dict):
            message = message["one" if values["count"] == 1 else "other"]
        written = {
            name: self.count(value) if type(value) is int else value
            for name, value in values.items()
        }
        return Markup(message).format(**written)  # noqa: S704 - the messages are our own

    def translated(self, sentence: str) -> str:
        """A sentence of another room in this language, or as it is where it is not known.

        Example:
            >>> language("de").translated("near dog: 12 of 20 nearest")
            'nahe dog: 12 der 20 nächsten'
            >>> language("de").translated("An unknown sentence.")
            'An unknown sentence.'
        """
        if not sentence or self.code == "en":
            return sentence
        if isinstance(sentence, Sentence) and sentence.parts:
            return self._of_parts(sentence)
        plain = self.sentences.get(sentence)
        if plain is not None:
            return plain
        for pattern, text in _patterns(self.code):
            found = pattern.fullmatch(sentence)
            if found:
                return self._filled(text, found.groups())
        return sentence

    def knows(self, sentence: str) -> bool:
        """Whether a sentence of another room is shown in this language."""
        return self.code == "en" or not sentence or self.translated(sentence) != sentence

    def count(self, number: int) -> str:
        """A count with thousands apart.

        Example:
            >>> language("en").count(1281167), language("de").count(1281167)
            ('1,281,167', '1.281.167')
        """
        return self.numeral(f"{number:,}")

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share in percent.

        Example:
            >>> language("en").percent(0.1234), language("en").percent(0.5, 0)
            ('12.3%', '50%')
            >>> language("de").percent(0.1234).replace("\N{NO-BREAK SPACE}", " ")
            '12,3 %'
        """
        if share is None or not math.isfinite(share):
            return UNKNOWN
        number = self.numeral(f"{100 * share:.{digits}f}")
        return f"{number}%" if self.code == "en" else f"{number}\N{NO-BREAK SPACE}%"

    def temperature(self, temperature: float) -> str:
        """A temperature with as many digits as tell classes apart.

        Example:
            >>> [language("en").temperature(value) for value in (1.23456, 0.05, 20.0)]
            ['1.23', '0.05', '20']
        """
        return self.numeral(f"{temperature:.3g}")

    def decimal(self, number: float, digits: int) -> str:
        """A number with so many digits behind the point."""
        return self.numeral(f"{number:.{digits}f}")

    def numeral(self, text: str) -> str:
        """A number that is written as in English, with this language's point and thousands.

        Example:
            >>> language("de").numeral("1,280.5")
            '1.280,5'
        """
        if self.code == "en":
            return text
        return text.translate(str.maketrans(",.", ".,"))

    def ordinal(self, number: int) -> str:
        """A place in a row.

        Example:
            >>> [language("en").ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 113)]
            ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '113th']
            >>> language("de").ordinal(2)
            '2.'
        """
        if self.code != "en":
            return f"{self.count(number)}."
        is_teen = number % 100 in (11, 12, 13)
        return f"{number:,}{'th' if is_teen else _ORDINALS.get(number % 10, 'th')}"

    def date(self, day: date) -> str:
        """A day.

        Example:
            >>> from datetime import date
            >>> [language(code).date(date(2026, 1, 31)) for code in ("en", "de")]
            ['31 January 2026', '31. Januar 2026']
        """
        month = self.months[day.month - 1]
        point = "" if self.code == "en" else "."
        return f"{day.day}{point} {month} {day.year}"

    def day(self, text: str) -> str:
        """A day or a moment in ISO 8601 as a day; anything else as it is.

        Example:
            >>> language("de").day("2026-01-31T12:00:00+00:00")
            '31. Januar 2026'
        """
        from datetime import date

        try:
            return self.date(date.fromisoformat(text[:10]))
        except ValueError:
            return text

    def script_words(self) -> dict[str, str]:
        """The words that the pages' scripts say, by their names there."""
        return {
            key.removeprefix("script."): text
            for key, text in self.messages.items()
            if key.startswith("script.") and isinstance(text, str)
        }

    def _of_parts(self, sentence: Sentence) -> str:
        """A sentence of health, from what it is made of; one of a later version as it is."""
        word_and = str(self.say("word.and"))
        try:
            return "".join(
                filled(self.health[key], self._facts(facts), self._number, word_and)
                for key, facts in sentence.parts
            )
        except (KeyError, IndexError, TypeError, ValueError):
            return str(sentence)

    def _facts(self, facts: Mapping[str, Fact]) -> dict[str, Fact]:
        """Facts of a sentence, those translated that are words of the program."""
        told = dict(facts)
        if isinstance(reason := facts.get("reason"), str):
            # A decoder's own words are in unreadable.csv.
            known = self.knows(reason)
            told["reason"] = self.translated(reason) if known else str(self.say("health.no_reason"))
        if isinstance(splits := facts.get("splits"), list):
            told["splits"] = [(self.translated(name), count) for name, count in splits]
        return told

    def _filled(self, text: str, parts: Sequence[str]) -> str:
        """A translated sentence, with what stood in the English one."""
        marks = _MARK.findall(text)
        filled = [
            self.translated(part) if mark == _TRANSLATED else self._part(part)
            for mark, part in zip(marks, parts, strict=True)
        ]
        return "".join(chain.from_iterable(zip_longest(_MARK.split(text), filled, fillvalue="")))

    def _part(self, text: str) -> str:
        """A name as it is, or names with counts, or a number as this language writes it."""
        text = text.replace(") and ", f") {self.say('word.and')} ")
        if not _NUMERAL.search(text) or _LETTER.search(text):
            return text
        return self._number(text)

    def _number(self, text: str) -> str:
        """A number, or a share in percent, that is written as in English."""
        return re.sub(r" ?%$", "\N{NO-BREAK SPACE}%", self.numeral(text))


@cache
def language(code: LanguageCode) -> Language:
    """A language by its code."""
    stored: dict[str, Any] = json.loads((_MESSAGES / f"{code}.json").read_text(encoding="utf-8"))
    return Language(
        code,
        stored["messages"],
        stored["sentences"],
        tuple(stored["months"]),
        stored.get("health", {}),
    )


@cache
def _patterns(code: LanguageCode) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(_pattern_pairs(language(code).sentences))


def _pattern_pairs(sentences: Mapping[str, str]) -> Iterator[tuple[re.Pattern[str], str]]:
    for english, text in sentences.items():
        if _MARK.search(english):
            between = map(re.escape, _MARK.split(english))
            groups = ["(.+)" if mark == _TRANSLATED else "(.+?)" for mark in _MARK.findall(english)]
            parts = chain.from_iterable(zip_longest(between, groups, fillvalue=""))
            yield re.compile("".join(parts), re.DOTALL), text
