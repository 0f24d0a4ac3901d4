"""The protocol of contents: an image, a text, or a row of a table."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ContentKind: TypeAlias = Literal["image", "text", "row"]
"""What a sample is: a picture, a text, or a row of a table."""

_DIGITS = 32


class UnreadableContentError(DataError):
    """A content cannot be read or decoded; the message is the reason in a few words."""


class View(NamedTuple):
    """A content as a browser shows it.

    Attributes:
        media_type: ``image/jpeg`` or ``image/png``; ``text/plain``, in UTF-8; or
            ``application/json``, for a row the list of its pairs of name and value.
        data: The file that is shown, in that type.
        size: Width and height in pixels of a picture; else nothing.
        is_tiny: Whether it is a picture of so few pixels that they are better drawn as squares.
    """

    media_type: str
    data: bytes
    size: tuple[int, ...] = ()
    is_tiny: bool = False


class Content(Protocol):
    """A sample without its label.

    A content may be read from its file only when it is looked at; each method raises
    ``UnreadableContentError`` where that fails.

    Attributes:
        kind: What it is.
    """

    kind: ClassVar[ContentKind]

    def loaded(self) -> Content:
        """The same content, read into memory: no later call opens a file."""

    def size(self) -> int:
        """Bytes of it as it is stored."""

    def digest(self) -> str:
        """A hash of the content: 32 hexadecimal digits, independent of where it lies.

        It is of what is stored, such as the encoded bytes of an image: nothing is decoded for it.
        """

    def views(self, longest_sides: Sequence[int]) -> list[View]:
        """The content as it is shown to people, in one or more sizes, decoded once.

        Args:
            longest_sides: Of a picture, pixels of its longer side at most; a content without
                pixels is shown in as many letters.

        Returns:
            As many views.
        """


def digest_of(pieces: Iterable[bytes | memoryview]) -> str:
    """The digest of what is stored: the first 128 bits of SHA-256, in hexadecimal digits.

    Args:
        pieces: The bytes, in one piece or more.

    Example:
        >>> digest_of([b"cat"]) == digest_of([b"c", b"at"]), len(digest_of([b"cat"]))
        (True, 32)
    """
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()[:_DIGITS]
