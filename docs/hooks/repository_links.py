"""A hook of MkDocs: files outside docs/ become part of the site, and links to them lead there.

Links are written as they work in the repository. What they name outside ``docs/`` is a page of the
site where ``PAGES`` says so; any other file is copied as it is, below ``repository/``.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {
    "benchmarks/RESULTS.md": "results.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages that lie outside docs/, by their path in the repository: their path in the site."""

_SOURCES = {page: source for source, page in PAGES.items()}
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages outside docs/, and whatever else a page links to."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for file in list(files.documentation_pages()):
        for link in _LINK.finditer(file.content_string):
            target = _in_repository(link["path"], file.src_uri)
            place = _in_site(target)
            if files.get_file_from_path(place) is None and (ROOT / target).is_file():
                files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turns each link of the repository into one of the site."""
    here = page.file.src_uri

    def led(link: re.Match[str]) -> str:
        place = _in_site(_in_repository(link["path"], here))
        return relpath(place, Path(here).parent.as_posix()) + (link["anchor"] or "")

    return _LINK.sub(led, markdown)


def _in_repository(link: str, page: str) -> str:
    """The path, in the repository, of what a page of the site links to."""
    folder = Path(_SOURCES.get(page, f"docs/{page}")).parent
    return normpath((folder / link).as_posix())


def _in_site(path: str) -> str:
    """Where in the site a file of the repository lies."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return PAGES.get(path, f"repository/{path}")
