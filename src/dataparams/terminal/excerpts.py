"""The beginning of a stranger's text as a line of a terminal that nothing can be done with."""

from __future__ import annotations

import re
import unicodedata

LETTERS = 60
"""How many letters of a text are shown."""

_ELLIPSIS = "…"
_READ_AT_MOST = 20
_BLANKS = re.compile(r"\s+")
# What joins letters of some scripts, and the parts of an emoji.
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"


def excerpt_line(text: str, letters: int = LETTERS) -> str:
    r"""The beginning of a text on one line.

    Blanks and line breaks become one blank each. Characters that control the terminal, or the
    order of the letters beside them, are written as what they are. A text with letters that run
    from right to left is isolated, so that it does not turn around what stands beside it.

    Args:
        text: Of any length; no more than its beginning is looked at.
        letters: How many letters are shown, 1 or above; an ellipsis says that there are more.

    Example:
        >>> excerpt_line("Where is\n\tmy card?"), excerpt_line("Where is my card?", 9)
        ('Where is my card?', 'Where is…')
        >>> excerpt_line("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    read = text[: letters * _READ_AT_MOST]
    line = _BLANKS.sub(" ", read).strip()
    is_cut = len(line) > letters or len(read) < len(text)
    if is_cut:
        line = line[: letters - 1].rstrip(" " + _JOINERS) + _ELLIPSIS
    is_turned = any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in line)
    line = "".join(map(_harmless, line))
    return f"{_ISOLATE}{line}{_END_OF_ISOLATE}" if is_turned else line


def _harmless(letter: str) -> str:
    if letter == "`":
        # Backticks name arguments in our messages.
        return "'"
    if letter.isprintable() or letter in _JOINERS:
        return letter
    return letter.encode("unicode_escape").decode("ascii")
