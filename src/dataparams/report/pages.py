"""What all pages have in common: templates, how numbers are written, and words for categories."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES
from dataparams.analysis.sample_words import kind_of_analysis, words_of
from dataparams.web.assets import SHARED, SHARED_STYLES, joined, plain_script
from dataparams.web.unusual_values import LEGEND, UNUSUAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis

ASSETS = "assets"
"""Folder of the style sheet and the script."""
GENERATOR = '<meta name="generator" content="dataparams report">'
"""Marks a page as one of a report."""
UNKNOWN = "\N{EN DASH}"
"""Stands for a number that is not known."""
_PACKAGE = "dataparams.report"
_PAGE = files(_PACKAGE) / "page"
_STYLES = ("layout", "overview", "class_page", "written", "screens", "paper")
_SHARED_MODULES = ("elements", "contents", "points", "chart")
_MODULES = ("chunks", "piles", "zoom", "map", "sorting", "report")
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}
_LONGEST_NAME = 22
_EMPTY_LINES = re.compile(r"\A\s*\n")


def style() -> str:
    """The style sheet of the pages."""
    return joined([*SHARED_STYLES, *(_PAGE / f"{name}.css" for name in _STYLES)])


def script() -> str:
    """The script of the pages."""
    shared = (SHARED / f"{name}.js" for name in _SHARED_MODULES)
    return plain_script([*shared, *(_PAGE / f"{name}.js" for name in _MODULES)])


def render(template: str, **values: object) -> str:
    """A page; every value is escaped."""
    return _environment().get_template(template).render(**values)


def sample_words(analysis: Analysis) -> dict[str, object]:
    """What the templates call samples by: ``kind``, ``words``, and ``legend`` of marked values."""
    kind = kind_of_analysis(analysis)
    return {"kind": kind, "words": words_of(kind), "legend": LEGEND if kind == "row" else ""}


def written_percent(share: float | None, digits: int = 1) -> str:
    """A share in percent.

    Example:
        >>> written_percent(0.1234), written_percent(0.5, 0)
        ('12.3%', '50%')
    """
    if share is None or not math.isfinite(share):
        return UNKNOWN
    return f"{share:.{digits}%}"


def written_count(count: int) -> str:
    """A count with thousands apart.

    Example:
        >>> written_count(1281167)
        '1,281,167'
    """
    return f"{count:,}"


def written_temperature(temperature: float) -> str:
    """A temperature with as many digits as tell classes apart.

    Example:
        >>> written_temperature(1.23456), written_temperature(0.05), written_temperature(20.0)
        ('1.23', '0.05', '20')
    """
    return f"{temperature:.3g}"


def ordinal(number: int) -> str:
    """A place in a row.

    Example:
        >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 113)]
        ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '113th']
    """
    is_teen = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if is_teen else _ORDINALS.get(number % 10, 'th')}"


def shortened(name: str) -> str:
    """A name that fits beside a curve.

    Example:
        >>> shortened("a very long name of a class indeed")
        'a very long name of a…'
    """
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"


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
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=written_percent,
        count=written_count,
        temperature=written_temperature,
        shortened=shortened,
        from_first_line=from_first_line,
    )
    environment.globals.update(
        generator=GENERATOR,
        assets=ASSETS,
        category_names=CATEGORY_TITLES,
        category_marks=CATEGORY_MARKS,
        bar_parts=bar_parts,
        unusual_words=UNUSUAL_WORDS,
    )
    return environment
