"""Text in CSV files that people open in spreadsheets, which run what looks like a formula."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile(rf"'{_FORMULA.pattern}")


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
