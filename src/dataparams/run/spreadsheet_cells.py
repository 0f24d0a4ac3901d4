"""Text in CSV files, which spreadsheets run where it looks like a formula.

Tables that people fill in or read (decisions, comparisons) are guarded. Tables that programs join
by id or class (exports, rankings) keep every name as it is, with a notice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataparams.terminal.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

_BEGINNING = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_FORMULA = re.compile(rf"'*{_BEGINNING.pattern}")
_GUARDED = re.compile(rf"'{_FORMULA.pattern}")
_LETTERS_SHOWN = 60


def guarded(text: str) -> str:
    """Put an apostrophe in front of text that a spreadsheet would run as a formula.

    Nothing is lost: :func:`unguarded` takes it away again, whatever the text was.

    Example:
        >>> guarded("=HYPERLINK(A1)"), guarded("cats/1.jpg")
        ("'=HYPERLINK(A1)", 'cats/1.jpg')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Take away what :func:`guarded` put in front.

    Example:
        >>> unguarded("'=HYPERLINK(A1)"), unguarded("'quoted'")
        ('=HYPERLINK(A1)', "'quoted'")
    """
    return text[1:] if _GUARDED.match(text) else text


def like_formula(texts: pl.Series) -> pl.Series:
    """Which texts a spreadsheet would run as a formula, (n,), bool; what is missing is none.

    Example:
        >>> import polars as pl
        >>> like_formula(pl.Series(["=SUM(A1)", "a=b", None])).to_list()
        [True, False, False]
    """
    return texts.str.contains(f"^{_BEGINNING.pattern}").fill_null(value=False)


def formula_notice(texts: Iterable[str], file: str) -> list[str]:
    """A notice where a spreadsheet would run one of the texts in a file as a formula; else none.

    Example:
        >>> formula_notice(["cat/1.jpg"], "samples.csv")
        []
        >>> formula_notice(["cat/1.jpg", "-1.jpg"], "samples.csv")[0][:36]
        "'-1.jpg' begins like a formula; name"
    """
    found = next((text for text in texts if _BEGINNING.match(text)), None)
    if found is None:
        return []
    words = (
        f"'{_beginning(found)}' begins like a formula; names are kept as they are, for programs. "
        f"Where {file} is opened in a spreadsheet, import its columns as text."
    )
    return [words]


def _beginning(text: str) -> str:
    return printable(text if len(text) <= _LETTERS_SHOWN else text[: _LETTERS_SHOWN - 3] + "...")
