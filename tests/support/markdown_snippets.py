"""The code blocks of a Markdown page, with the marks that stand in front of them.

A mark is an HTML comment right before a block, which no reader of the page sees:

    <!-- skip: why the block is not run -->
    <!-- given: what must be there before it runs -->
    <!-- with: COMMAND flags that keep it short -->
    <!-- without: the command of the block that is not run -->
    <!-- replaced: these words by those, and others by others -->
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pathlib import Path

MARKS = ("skip", "given", "with", "without", "replaced")
_MARK = re.compile(r"<!--\s*(?P<name>[a-z]+):\s*(?P<text>.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """A code block.

    Attributes:
        language: The first word behind its fence, such as ``python``; empty where there is none.
        code: What it holds.
        line: Where it begins in the page, 1 or above.
        marks: What stands in front of it, by the name of the mark.
    """

    language: str
    code: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)


def snippets_of(page: Path) -> list[Snippet]:
    """The code blocks of a page, in order.

    Raises:
        ValueError: A mark has another name than those of ``MARKS``, or stands before no block.
    """
    found: list[Snippet] = []
    marks: dict[str, str] = {}
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        first_line = token.map[0] + 1 if token.map else 0
        if token.type == "html_block":
            marks |= {mark["name"]: mark["text"] for mark in _MARK.finditer(token.content)}
            if not marks.keys() <= set(MARKS):
                raise ValueError(f"{page}, line {first_line}: marks {[*marks]}, expected {MARKS}.")
            continue
        if token.type == "fence":
            language = (token.info.split() or [""])[0]
            found.append(Snippet(language, token.content, first_line, marks))
        elif marks and token.type != "code_block":
            raise ValueError(f"{page}, line {first_line}: {marks} stands before no code block.")
        marks = {}
    return found
