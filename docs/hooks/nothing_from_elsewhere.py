"""A hook of MkDocs: the build fails where a page would load something from another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_LOADED = re.compile(
    r"<(?:audio|iframe|img|script|source|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//"
)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Looks at a page as it will be written."""
    found = _LOADED.search(output)
    if found is not None:
        around = output[found.start() : found.end() + 80]
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {around}")
    return output
