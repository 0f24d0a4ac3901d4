"""What a reader sees of a report's pages, as passages of text, without what is the user's own."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ATTRIBUTES = ("aria-label", "title", "alt")
_INLINE = {"a", "abbr", "bdi", "b", "code", "em", "i", "span", "strong", "time", "wbr"}
# What one types is the same in every language.
_LEFT_OUT = {"script", "style", "head", "code"}
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_END = re.compile(r"(?<=[.!?:;])\s+")
_FILE = re.compile(r"(?:class_\d+|cited)/\S+")
_FEWEST, _LONG, _SHOWN = 3, 200, 20
_WORD = re.compile(r"[^\W\d_]{2,}")


def passages(folder: Path, own: Iterable[str] = ()) -> set[str]:
    """The sentences of a report in a folder: of its pages, and of the data of its scripts.

    Args:
        folder: The report's.
        own: Names and texts of the user, which are left out of the passages.
    """
    found: set[str] = set()
    for page in sorted(folder.glob("*.html")):
        reader = _Reader()
        reader.feed(page.read_text(encoding="utf-8"))
        reader.close()
        found |= {" ".join(one.split()) for one in reader.found}
    for script in sorted(folder.glob("class_*/*.js")):
        text = script.read_text(encoding="utf-8")
        found |= {one.encode().decode("unicode_escape") for one in _STRING.findall(text)}
    names = sorted({" ".join(one.split()) for one in own}, key=len, reverse=True)
    left = (_without(one, names) for one in found if not _FILE.fullmatch(one))
    return {sentence for one in left for sentence in _END.split(one)} - {""}


def of_several_words(some: Iterable[str], fewest: int = 3) -> set[str]:
    """Those of some passages that have so many words."""
    return {one for one in some if len(_WORD.findall(one)) >= fewest}


def _without(passage: str, names: Iterable[str]) -> str:
    for name in names:
        # Of a long text the beginning alone is shown.
        if len(name) > _LONG and passage.startswith(name[:_SHOWN]):
            return ""
        if len(name) >= _FEWEST and name in passage:
            passage = passage.replace(name, " ")
    return " ".join(passage.split())


class _Reader(HTMLParser):
    """Gathers text by the elements that stand on lines of their own, and what attributes say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._text = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _LEFT_OUT
        if tag not in _INLINE:
            self._end()
        self.found += [value for name, value in attrs if name in _ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _LEFT_OUT
        if tag not in _INLINE:
            self._end()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text += data

    def close(self) -> None:
        super().close()
        self._end()

    def _end(self) -> None:
        if self._text.strip():
            self.found.append(self._text)
        self._text = ""
