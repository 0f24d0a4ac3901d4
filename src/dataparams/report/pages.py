"""What all pages have in common: templates, scripts and style, and words for categories."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES
from dataparams.analysis.sample_words import kind_of_analysis, words_of
from dataparams.analysis.suggestions import OUTLIER
from dataparams.report.language import language
from dataparams.web.assets import SHARED, SHARED_STYLES, joined, plain_script
from dataparams.web.unusual_values import LEGEND, UNUSUAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.report.language import Language, LanguageCode

ASSETS = "assets"
"""Folder of the style sheet and the script."""
GENERATOR = '<meta name="generator" content="dataparams report">'
"""Marks a page as one of a report."""
_PACKAGE = "dataparams.report"
_PAGE = files(_PACKAGE) / "page"
_STYLES = (
    "layout",
    "overview",
    "closing",
    "cited_samples",
    "class_page",
    "written",
    "screens",
    "paper",
)
_SHARED_MODULES = ("elements", "contents", "points", "chart")
_MODULES = ("words", "chunks", "piles", "zoom", "map", "sorting", "paper", "report")
_LONGEST_NAME = 22
_EMPTY_LINES = re.compile(r"\A\s*\n")
_LONGEST_PIECE = 20
_MAY_BREAK = Markup("<wbr>")
_WORDS = re.compile(r"[^\s_/-]+[\s_/-]*|[\s_/-]+")
_BREAKS_ANYWAY = re.compile(r"[\s-]\Z")


def style() -> str:
    """The style sheet of the pages."""
    return joined([*SHARED_STYLES, *(_PAGE / f"{name}.css" for name in _STYLES)])


def script(shown_in: Language) -> str:
    """The script of the pages, which begins with the words that it says."""
    words = json.dumps(shown_in.script_words(), ensure_ascii=False, indent=1)
    shared = (SHARED / f"{name}.js" for name in _SHARED_MODULES)
    modules = plain_script([*shared, *(_PAGE / f"{name}.js" for name in _MODULES)])
    return f"const REPORT_WORDS = {words};\n{modules}"


def render(template: str, shown_in: Language, **values: object) -> str:
    """A page; every value is escaped."""
    return _environment(shown_in.code).get_template(template).render(**values)


def sample_words(analysis: Analysis) -> dict[str, object]:
    """What the templates call samples by: ``kind``, ``words``, and ``legend`` of marked values."""
    kind = kind_of_analysis(analysis)
    return {"kind": kind, "words": words_of(kind), "legend": LEGEND if kind == "row" else ""}


def shortened(name: str) -> str:
    """A name that fits beside a curve.

    Example:
        >>> shortened("a very long name of a class indeed")
        'a very long name of a…'
    """
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"


def wrapped(name: str) -> Markup:
    """A name that may be broken after ``_`` and ``/``, as it may after blanks and hyphens anyway.

    A longer word without any of these may be broken in it, so that no column is as wide as it.

    Example:
        >>> str(wrapped("grand_piano & <b>")), str(wrapped("a" * 22))
        ('grand_<wbr>piano &amp; &lt;b&gt;', 'aaaaaaaaaaa<wbr>aaaaaaaaaaa')
    """
    pieces = [piece for word in _WORDS.findall(name) for piece in _cut(word)]
    between = (Markup() if _BREAKS_ANYWAY.search(one) else _MAY_BREAK for one in pieces[:-1])
    return Markup().join(chain.from_iterable(zip_longest(pieces, between, fillvalue="")))


def _cut(word: str) -> Iterator[str]:
    """A word in pieces of equal lengths, of which none is too long for a column."""
    length = max(-(-len(word) // -(-len(word) // _LONGEST_PIECE)), 1)
    return (word[start : start + length] for start in range(0, len(word), length))


def from_first_line(text: str) -> str:
    r"""A text without the empty lines that it begins with: a card has room for a few.

    Example:
        >>> from_first_line("\n \n  first\n\nsecond")
        '  first\n\nsecond'
    """
    return _EMPTY_LINES.sub("", text)


def bar_parts(counts: Sequence[tuple[str, int]]) -> list[tuple[str, float, float]]:
    """The parts of a stacked bar: name, where it begins and how long it is, in percent.

    Example:
        >>> bar_parts([("hard", 1), ("easy", 3)])
        [('hard', 0.0, 25.0), ('easy', 25.0, 75.0)]
    """
    total = max(sum(count for _, count in counts), 1)
    parts, start = [], 0.0
    for name, count in counts:
        length = 100 * count / total
        parts.append((name, round(start, 3), round(length, 3)))
        start += length
    return parts


@cache
def _environment(code: LanguageCode) -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown_in = language(code)
    environment.filters.update(
        percent=shown_in.percent,
        count=shown_in.count,
        temperature=shown_in.temperature,
        decimal=shown_in.decimal,
        numeral=shown_in.numeral,
        date=shown_in.date,
        day=shown_in.day,
        shortened=shortened,
        from_first_line=from_first_line,
        wrapped=wrapped,
    )
    environment.globals.update(
        language=shown_in,
        say=shown_in.say,
        translated=shown_in.translated,
        generator=GENERATOR,
        assets=ASSETS,
        category_names=CATEGORY_TITLES,
        category_marks=CATEGORY_MARKS,
        outlier_word=OUTLIER,
        bar_parts=bar_parts,
        unusual_words=UNUSUAL_WORDS,
    )
    return environment
