"""Sentences of health: in English, and as what they are made of, for other languages."""

from __future__ import annotations

import json
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from typing_extensions import Self

    Fact: TypeAlias = str | int | float | list[tuple[str, int]]
    Part: TypeAlias = tuple[str, dict[str, Fact]]
    Template: TypeAlias = str | Sequence[str]

_LARGE = 100
"""From here on numbers are told without a fraction."""

SENTENCES: dict[str, str | tuple[str, str]] = {
    # Parts that end a sentence about duplicates, and others that several sentences have.
    "end": ".",
    "labeled": ", labeled {names}.",
    "labeled_and_more": ", labeled {names:list} and {further} more.",
    "in_splits": ", in {splits}.",
    "in_splits_and_more": ", in {splits:list} and {further} more.",
    "in_other_words": "{words}",
    # Duplicates.
    "same_pictures_twice": "The same picture twice, byte by byte",
    "same_pictures": "The same picture {count} times, byte by byte",
    "same_texts_twice": "The same text twice, letter by letter",
    "same_texts": "The same text {count} times, letter by letter",
    "same_contents_twice": "The same content twice",
    "same_contents": "The same content {count} times",
    "same_rows": "{count} rows of the same values",
    "same_pixels_twice": "The same picture twice, pixel by pixel, in files that differ",
    "same_pixels": "The same picture {count} times, pixel by pixel, in files that differ",
    "alike_pictures": (
        "{count} pictures that are nearly the same: copies in another size, compression or light, "
        "cropped or mirrored"
    ),
    "alike_texts": "{count} texts that differ in a few letters, or in the order of their words",
    "alike_but_punctuation": (
        "{count} texts that differ in punctuation, white space or capitals alone"
    ),
    "alike_but_space": "{count} texts that differ in white space or capitals alone",
    "alike_rows": "{count} rows that differ in rounding, white space or capitals alone",
    # Pictures.
    "damaged": "It cannot be read: {reason}.",
    "plain_picture": (
        "Nearly of one color: gray {brightness:.0f} of 255 everywhere, with a contrast of "
        "{contrast:.0f}; {usual:.0f} is usual here."
    ),
    "dark": (
        "Much darker than the others: mean brightness {brightness:.0f} of 255; {usual:.0f} is "
        "usual here."
    ),
    "bright": (
        "Much brighter than the others: mean brightness {brightness:.0f} of 255; {usual:.0f} is "
        "usual here."
    ),
    "few_shades": (
        "Hardly anything to see: {entropy:.1f} bits of information a pixel; {usual:.1f} are usual "
        "here."
    ),
    "noise": (
        "Noise: neighboring pixels differ {roughness:.0%} as much as any two; {usual:.0%} are "
        "usual here."
    ),
    "blurry": (
        "Blurred: an edge is about {edge:.0f} pixels wide, seen at 256; {usual:.0f} is usual here."
    ),
    "wide_strip": (
        "A strip: {width:.0f} x {height:.0f} pixels, {times:.0f} times as wide as high; "
        "{usual_width:.0f} x {usual_height:.0f} is usual here."
    ),
    "high_strip": (
        "A strip: {width:.0f} x {height:.0f} pixels, {times:.0f} times as high as wide; "
        "{usual_width:.0f} x {usual_height:.0f} is usual here."
    ),
    "small_picture": (
        "Much smaller than the others: {width:.0f} x {height:.0f} pixels; {usual_width:.0f} x "
        "{usual_height:.0f} is usual here."
    ),
    "large_picture": (
        "Much larger than the others: {width:.0f} x {height:.0f} pixels; {usual_width:.0f} x "
        "{usual_height:.0f} is usual here."
    ),
    # Texts.
    "empty_text": "Empty.",
    "nothing_to_read": ("Nothing to read: {count} characters, and no letter or digit among them."),
    "nearly_empty": (
        "Nearly empty: {count} letter or digits.",
        "Nearly empty: {count} letters or digits.",
    ),
    "one_character": "One character over and over: {character}, {count} times.",
    "one_word": "One word over and over, {count} times.",
    "long_text": ("Much longer than the others: {count} characters; {usual:,.0f} are usual here."),
    "other_script": "In another script: ",
    "usual_script": " is usual here.",
    "and": " and ",
    "script_Latin": "Latin",
    "script_Cyrillic": "Cyrillic",
    "script_Greek": "Greek",
    "script_Arabic": "Arabic",
    "script_Hebrew": "Hebrew",
    "script_Devanagari": "Devanagari",
    "script_Bengali": "Bengali",
    "script_Tamil": "Tamil",
    "script_Thai": "Thai",
    "script_Korean": "Korean",
    "script_Chinese or Japanese": "Chinese or Japanese",
    "wrong_encoding": (
        "Of a wrong encoding: {count} place not as it was written.",
        "Of a wrong encoding: {count} places not as it was written.",
    ),
    "markup": "Markup within the text: {count} tags or entities.",
    # Rows.
    "mostly_missing": "Mostly missing: {count} of {cells} cells; {usual:.0f} are usual here.",
    "same_cells": "The same in all {count} cells: {value}.",
    "far_outside": (
        "Far outside its column: ",
        "Far outside their columns: ",
    ),
    "outside": "{column} is {value:short}, where {low:short} to {high:short} is usual",
    "next": "; ",
    "more": " and {count} more",
    # Classes, and samples beside the others of theirs.
    "small_class": (
        "{name} has {count} sample, too few to judge labels by; {lacking} more would do.",
        "{name} has {count} samples, too few to judge labels by; {lacking} more would do.",
    ),
    "class_like_two": (
        "{name} looks like two classes: {larger} and {smaller} of its samples lie {times:.1f} "
        "times as far apart as a class and the nearest other one usually do, with a gap between "
        "them."
    ),
    "overlap": (
        "{first} and {second} may be one class: nothing was found in the features that tells them "
        "apart. Asked which of the two a sample is of, models that never saw it are right in at "
        "most {right:.0%} (50% is guessing), and the neighbors are {mixed:.0%} as mixed as by "
        "chance."
    ),
    "merging": (
        " Merging the two would end {ended} of {suspicions} suspicions, and lower the share of "
        "labels that models disagree with from {before:.1%} to {after:.1%}."
    ),
    "outlier": "Unlike anything else here: far from all classes, whatever its label.",
    "class_outlier": "Unlike the others of {name}, and of no other class either.",
    # Why something was not looked for, or not named.
    "one_split": "all samples are of one split",
    "unknown_contents": "the samples are not known by their contents",
    "run_without_digests": "the run does not know its samples by their contents",
    "few_values": "most rows have the values of another one: there are few different values",
    "nothing_kept": "nothing of them is kept",
    "run_keeps_nothing": "the run keeps nothing of its samples",
    "rows_gone": "some rows can no longer be read",
    "data_gone": "{error}",
    "not_decoded": (
        "{count} picture of {total} was not decoded; ",
        "{count} pictures of {total} were not decoded; ",
    ),
    "health_decodes": "dataparams health decodes them",
    "no_picture": "There is no picture.",
    "no_text": "There is no text.",
    "no_row": "There is no row.",
    "no_edges": "No picture has what it takes to judge that, such as edges and enough pixels.",
    "no_features": "The run has no features in which samples could be near each other.",
    "no_features_of_classes": "The run has no features to tell classes apart by.",
    "no_analysis": "only the data were looked at; an audit of them has the models for that",
    "no_models": "The run has no models that never saw the samples to tell classes apart by.",
    "rule_plain": (
        "{share:.0%} of the pictures are nearly of one color: that is the rule in these data."
    ),
    "rule_dark": "{share:.0%} of the pictures are dark: that is the rule in these data.",
    "rule_bright": "{share:.0%} of the pictures are bright: that is the rule in these data.",
    "rule_shades": "{share:.0%} of the pictures have few shades: that is the rule in these data.",
    "rule_noise": (
        "{share:.0%} of the pictures are as rough as noise: that is the rule in these data."
    ),
    "rule_blurry": (
        "{share:.0%} of the pictures have no sharp edge: that is the rule in these data."
    ),
    "rule_strip": "{share:.0%} of the pictures are long and thin: that is the rule in these data.",
    "rule_size": (
        "{share:.0%} of the pictures are far from the usual size: that is the rule in these data."
    ),
    "usual_texts_low_information": (
        "{share:.0%} of the texts are empty or nearly so: that is usual here."
    ),
    "usual_texts_nearly_constant": (
        "{share:.0%} of the texts repeat themselves: that is usual here."
    ),
    "usual_texts_odd_size": "{share:.0%} of the texts are very long: that is usual here.",
    "usual_texts_other_script": (
        "{share:.0%} of the texts are in other scripts: that is usual here."
    ),
    "usual_texts_damaged": (
        "{share:.0%} of the texts have characters of a wrong encoding: that is usual here."
    ),
    "usual_texts_markup": "{share:.0%} of the texts have markup: that is usual here.",
    "usual_rows_low_information": "{share:.0%} of the rows are mostly missing: that is usual here.",
    "usual_rows_nearly_constant": (
        "{share:.0%} of the rows hold one value in all cells: that is usual here."
    ),
    "usual_rows_odd_value": (
        "{share:.0%} of the rows hold values far outside their columns: that is usual here."
    ),
}
"""Every sentence, or part of one, in English; of two the first is for a ``count`` of one."""


class Sentence(str):
    """A sentence in English that keeps what it is made of.

    Attributes:
        parts: The keys and facts of its parts, in their order; none of a sentence that is known in
            English alone.

    Example:
        >>> said = sentence("same_pictures_twice") + sentence("labeled", names=[("ewer", 2)])
        >>> said
        'The same picture twice, byte by byte, labeled ewer (2).'
        >>> said.parts
        (('same_pictures_twice', {}), ('labeled', {'names': [('ewer', 2)]}))
    """

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    def __new__(cls, english: str, parts: Iterable[Part] = ()) -> Self:
        """A sentence of its English words and what they are made of."""
        made = super().__new__(cls, english)
        made.parts = tuple(parts)
        return made

    def __add__(self, other: str) -> Sentence:
        """Both, one after the other."""
        further = other.parts if isinstance(other, Sentence) else _in_other_words(other)
        return Sentence(str(self) + other, (*(self.parts or _in_other_words(self)), *further))


def sentence(key: str, **facts: Fact) -> Sentence:
    """A sentence, or a part of one, of :data:`SENTENCES`.

    Args:
        key: Its key.
        facts: What is put into it.

    Example:
        >>> sentence("small_class", name="owl", count=1, lacking=9)
        'owl has 1 sample, too few to judge labels by; 9 more would do.'
    """
    part = (key, dict(facts))
    return Sentence(filled(SENTENCES[key], part[1]), (part,))


def filled(
    template: Template,
    facts: Mapping[str, Fact],
    numeral: Callable[[str], str] = str,
    word_and: str = "and",
) -> str:
    """A sentence with its facts.

    Args:
        template: The sentence; of two the first is for a ``count`` of one.
        facts: What is put into it.
        numeral: Writes a number, given as English has it, as another language does.
        word_and: What stands between the last two of several names.

    Raises:
        KeyError: If a fact is missing.
        ValueError: If one is of another kind.

    Example:
        >>> names = [("cow", 3), ("dog", 1200)]
        >>> filled("{count} in {names}", {"count": 1203, "names": names}, word_and="und")
        '1,203 in cow (3) und dog (1,200)'
    """
    if not isinstance(template, str):
        template = template[facts["count"] != 1]
    return _Filling(numeral, word_and).vformat(template, (), facts)


def parts_text(said: str) -> str:
    """What a sentence is made of, as JSON; an empty list where that is not known.

    Example:
        >>> parts_text(sentence("dark", brightness=12.0, usual=118.5))
        '[["dark", {"brightness": 12.0, "usual": 118.5}]]'
        >>> parts_text("It is dark.")
        '[]'
    """
    return json.dumps(said.parts if isinstance(said, Sentence) else ())


def restored_sentence(english: str, parts: str | None) -> Sentence:
    """A sentence from its English words and what :func:`parts_text` made of it.

    Example:
        >>> restored_sentence("Dark.", '[["dark", {"brightness": 12}]]').parts
        (('dark', {'brightness': 12}),)
        >>> restored_sentence("Dark.", "no JSON").parts
        ()
    """
    try:
        made = tuple((str(key), dict(facts)) for key, facts in json.loads(parts or "[]"))
    except (TypeError, ValueError):
        made = ()
    return Sentence(english, made)


def _in_other_words(text: str) -> tuple[Part, ...]:
    """A text that is known in English alone as a part; an empty one is none."""
    return (("in_other_words", {"words": str(text)}),) if text else ()


class _Filling(Formatter):
    """Writes facts into a sentence: names as they are, numbers as a language has them."""

    def __init__(self, numeral: Callable[[str], str], word_and: str) -> None:
        self._numeral, self._and = numeral, word_and

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return self._listed(value, self._and if format_spec != "list" else "")
        if format_spec == "short":
            format_spec = ",.0f" if abs(value) >= _LARGE else ".3g"
        return self._numeral(format(value, format_spec or ","))

    def _listed(self, names: Sequence[tuple[str, int]], word_and: str) -> str:
        """Names with how often each occurs, such as ``ewer (2) and watch (1)``."""
        shown = [f"{name} ({self._numeral(f'{count:,}')})" for name, count in names]
        if not word_and or len(shown) == 1:
            return ", ".join(shown)
        return f"{', '.join(shown[:-1])} {word_and} {shown[-1]}"
