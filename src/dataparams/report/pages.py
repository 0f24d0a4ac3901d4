"""What all pages have in common: templates, how numbers are written, and words for categories."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSETS = "assets"
"""Folder of the style sheet and the script."""
GENERATOR = '<meta name="generator" content="dataparams report">'
"""By this a report is recognised as one."""
UNKNOWN = "\N{EN DASH}"
"""Stands for a number that is not known."""
_PACKAGE = "dataparams.report"


def asset(name: str) -> bytes:
    """The style sheet or the script."""
    return (files(_PACKAGE) / name).read_bytes()


def render(template: str, **values: object) -> str:
    """A page; every value is escaped."""
    return _environment().get_template(template).render(**values)


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
    environment.filters.update(percent=written_percent, count=written_count)
    environment.globals.update(
        generator=GENERATOR,
        assets=ASSETS,
        category_names=CATEGORY_TITLES,
        category_marks=CATEGORY_MARKS,
        bar_parts=bar_parts,
    )
    return environment
