"""File and folder names that every system takes, one for each name of a data set."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

_SIMPLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ ()+,=-]*(\.[A-Za-z0-9_-]+)*", re.ASCII)
_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)")
_MARK = re.compile(r"~[0-9a-f]{12}$")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_MOST_BYTES = 180


class UniqueNames:
    """Gives each of many names a file name of its own.

    A plain name stays what it is. One that some system would refuse, or take for another one of
    its group (``Cat`` and ``cat``, a precomposed and a decomposed accent), gets a mark made from
    what identifies it. So no name depends on the order of the names.

    Args:
        names: Group and name of each; names are told apart within their group, as file names are
            within a folder.

    Example:
        >>> names = UniqueNames([("", "dog"), ("", "Cat"), ("", "cat"), ("", "a/b")])
        >>> [names.of("", name, name) for name in ("dog", "Cat", "cat", "a/b")]
        ['dog', 'Cat~48735c4fae42', 'cat~77af778b51ab', 'a_b~c14cddc033f6']
    """

    def __init__(self, names: Iterable[tuple[Hashable, str]]) -> None:
        # Hashes, as a data set may have millions of names; two that meet by chance get a mark each.
        keys = np.fromiter((_key(group, name) for group, name in names), dtype=np.int64)
        values, counts = np.unique(keys, return_counts=True)
        self._shared = frozenset(values[counts > 1].tolist())

    def of(self, group: Hashable, name: str, identity: str) -> str:
        """The file name of one of the names.

        Args:
            group: As it was given.
            name: As it was given.
            identity: What tells it from every other name.
        """
        plain = portable_name(name)
        stem, extension = _split(plain)
        is_plain = plain == name and not _MARK.search(stem) and not _MARK.search(name)
        if is_plain and _key(group, name) not in self._shared:
            return name
        digest = hashlib.sha256(identity.encode("utf-8", errors="surrogatepass")).hexdigest()
        return f"{stem}~{digest[:12]}{extension}"


def portable_name(name: str) -> str:
    r"""The nearest file name that is valid on Linux, macOS and Windows.

    Example:
        >>> [portable_name(name) for name in ("../a:b", "NUL.txt", "né\n", "")]
        ['_.._a_b', '_NUL.txt', 'né_', '_']
    """
    if len(name) <= _MOST_BYTES and _SIMPLE.fullmatch(name) and not _DEVICE.match(name.lower()):
        return name.rstrip(" ")
    characters = (
        character if character.isprintable() and character not in _FORBIDDEN else "_"
        for character in unicodedata.normalize("NFC", name)
    )
    text = "".join(characters)
    if text[:1] in ("", ".", " ", "~") or _DEVICE.match(text.lower()):
        text = f"_{text.lstrip(' ')}"
    stem, extension = _split(text)
    room = _MOST_BYTES - len(extension)
    stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}{extension}".rstrip(" .") or "_"


def _split(name: str) -> tuple[str, str]:
    found = _EXTENSION.search(name)
    return (name, "") if not found or not found.start() else (name[: found.start()], found[0])


def _key(group: Hashable, name: str) -> int:
    """A key that is equal for names that are the same file on some file system."""
    plain = portable_name(name)
    return hash((group, unicodedata.normalize("NFC", plain.casefold())))
