"""Texts as encoders take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.texts import Text

if TYPE_CHECKING:
    from dataparams.contents.content import Content

MOST_LETTERS = 20_000
"""Of a longer text an encoder sees so many letters, the first."""


def letters_of(content: Content) -> str:
    r"""The text of a content, as far as encoders look at it.

    Args:
        content: A text.

    Raises:
        UnreadableContentError: If it is another kind of content, or has nothing but blanks.

    Example:
        >>> letters_of(Text("  Where is my card?"))
        '  Where is my card?'
        >>> letters_of(Text(" \n"))
        Traceback (most recent call last):
        ...
        dataparams.contents.content.UnreadableContentError: the text is empty
    """
    if not isinstance(content, Text):
        raise UnreadableContentError("it is no text")
    letters = content.text[:MOST_LETTERS]
    if not letters.strip():
        raise UnreadableContentError("the text is empty")
    # Half a pair of surrogates, which JSON can hold, is no letter that a tokenizer takes.
    return letters.encode("utf-8", "replace").decode()
