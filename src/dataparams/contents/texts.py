"""Texts as contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dataparams.contents.content import View, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.contents.content import ContentKind

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it was given: nothing is stripped or normalized.

    Attributes:
        text: All of it.

    Example:
        >>> Text("Where is my card?").size(), Text("Where is my card?").excerpt(9)
        (17, 'Where is…')
    """

    kind: ClassVar[ContentKind] = "text"
    text: str

    def loaded(self) -> Text:
        """The same text."""
        return self

    def size(self) -> int:
        """Bytes of it in UTF-8."""
        return len(self._encoded())

    def digest(self) -> str:
        """The hash of the text; see :class:`dataparams.contents.content.Content`."""
        return digest_of([self._encoded()])

    def excerpt(self, letters: int) -> str:
        """The beginning of the text, with an ellipsis where it goes on.

        Args:
            letters: Letters at most, the ellipsis among them; 1 or above.
        """
        if len(self.text) <= letters:
            return self.text
        return self.text[: letters - 1].rstrip() + _ELLIPSIS

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """The text or its beginning, in UTF-8; see :class:`dataparams.contents.content.Content`."""
        return [
            View("text/plain", Text(self.excerpt(letters))._encoded()) for letters in longest_sides
        ]

    def _encoded(self) -> bytes:
        # Half a pair of surrogates, which JSON can hold, has no bytes of its own.
        return self.text.encode("utf-8", "replace")
