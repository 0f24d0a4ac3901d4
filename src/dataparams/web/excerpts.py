"""Texts and rows as the pages show them: a few lines on a card, and all of it on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.web.unusual_values import ClassNorms, ShownCell, card_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.contents.content import Content, UnreadableContentError

LETTERS, MOST_LETTERS = 400, 100_000
"""Letters of a text on a card, which has six lines, and where all of it is shown, at most."""


class _Room(NamedTuple):
    """What there is room for: letters of a text, letters of a value of a row, values."""

    letters: int
    cell_letters: int
    cells: int


_CARD, _WHOLE = _Room(LETTERS, 60, 7), _Room(MOST_LETTERS, 10_000, 2_000)


class Excerpt(NamedTuple):
    """What is shown of a text or a row.

    Attributes:
        text: Of a text, its letters; else None.
        cells: Of a row, its values; else None.
        hidden: Further values of the row.
        is_whole: Whether nothing is left out.
        letters: Of a text, how many letters there are in all of it; else 0.
    """

    text: str | None
    cells: tuple[ShownCell, ...] | None
    hidden: int
    is_whole: bool
    letters: int = 0


def excerpt_of(
    content: Content | UnreadableContentError, norms: ClassNorms | None = None
) -> Excerpt | None:
    """What a card shows of a text or a row.

    Args:
        content: The content.
        norms: What values are usual for its class; None to mark none.

    Returns:
        The excerpt; None of a picture, or where there is no content.

    Example:
        >>> excerpt_of(Text("Where is my card?"))
        Excerpt(text='Where is my card?', cells=None, hidden=0, is_whole=True, letters=17)
    """
    return _excerpt(content, _cells_of(content, norms), _CARD)


def whole_of(
    content: Content | UnreadableContentError, norms: ClassNorms | None = None
) -> Excerpt | None:
    """All of a text or a row, up to a limit that a browser bears; see :func:`excerpt_of`."""
    return _excerpt(content, _cells_of(content, norms), _WHOLE)


def excerpt_and_whole(
    content: Content | UnreadableContentError, norms: ClassNorms | None = None
) -> tuple[Excerpt | None, Excerpt | None]:
    """Both; None for the second where the first leaves nothing out."""
    cells = _cells_of(content, norms)
    excerpt = _excerpt(content, cells, _CARD)
    if excerpt is None or excerpt.is_whole:
        return excerpt, None
    return excerpt, _excerpt(content, cells, _WHOLE)


def _cells_of(
    content: Content | UnreadableContentError, norms: ClassNorms | None
) -> list[ShownCell]:
    return (norms or ClassNorms(())).cells(content) if isinstance(content, Row) else []


def _excerpt(
    content: Content | UnreadableContentError, cells: Sequence[ShownCell], room: _Room
) -> Excerpt | None:
    if isinstance(content, Text):
        text = content.excerpt(room.letters)
        return Excerpt(_plain(text), None, 0, text == content.text, len(content.text))
    return _row_excerpt(cells, room) if isinstance(content, Row) else None


def _row_excerpt(cells: Sequence[ShownCell], room: _Room) -> Excerpt:
    shown = card_cells(cells, room.cells)
    letters = room.cell_letters
    cut = [ShownCell(_plain(cell.name), _cut(cell.words, letters), cell.unusual) for cell in shown]
    hidden = len(cells) - len(shown)
    is_whole = not hidden and all(
        cell.words == before.words for cell, before in zip(cut, shown, strict=True)
    )
    return Excerpt(None, tuple(cut), hidden, is_whole)


def _cut(words: str | None, letters: int) -> str | None:
    if words is None:
        return None
    return _plain(words if len(words) <= letters else Text(words).excerpt(letters))


def _plain(text: str) -> str:
    """A text as a page can carry it: half a pair of surrogates is no letter."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
