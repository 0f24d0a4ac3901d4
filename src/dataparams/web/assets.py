"""The files of the pages: one style sheet of several, and one plain script of several modules."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Traversable

SHARED = files("dataparams.web") / "page"
"""The folder of what both pages use; its style comes first, what one page has alone after it."""
SHARED_STYLES = (SHARED / "style.css", SHARED / "contents.css")
"""The style sheets of what both pages use."""
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def joined(parts: Sequence[Traversable]) -> str:
    """The text of several files, one after the other."""
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def plain_script(modules: Sequence[Traversable]) -> str:
    """One script of several modules: pages that are opened from disk may load no modules.

    Args:
        modules: Their files, each after those that it imports. They share one scope, so no two have
            the same name at their top level.
    """
    return '"use strict";\n\n' + without_imports(joined(modules))


def without_imports(text: str) -> str:
    r"""What modules do, where all that they import stands before them.

    Example:
        >>> without_imports('import { a } from "./a.js";\nexport const b = a;\n')
        'const b = a;\n'
    """
    return _EXPORT.sub("", _IMPORT.sub("", text))
