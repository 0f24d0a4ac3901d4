"""The files of the page: its modules, its style, and what it shares with the report."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Response

from dataparams.web.assets import SHARED, SHARED_STYLES, joined

if TYPE_CHECKING:
    from importlib.abc import Traversable

_PAGE = files("dataparams.review") / "page"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STYLE = "style.css"
_STYLES = (
    "layout",
    "grid",
    "single",
    "group",
    "written",
    "map",
    "lists",
    "deciding",
    "team",
    "screens",
)


def add_page(app: FastAPI) -> None:
    """Serve the page and its parts."""

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return page_file("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    def part(name: str) -> Response:
        if name not in _assets():
            raise HTTPException(404, "There is no such part of the page.")
        return page_file(name)


def page_file(name: str) -> Response:
    """A file of the page, by name."""
    if name == _STYLE:
        parts = [*SHARED_STYLES, *(_PAGE / f"{part}.css" for part in _STYLES)]
    else:
        parts = [_assets()[name]]
    headers = {"cache-control": "no-cache"}
    return Response(joined(parts), media_type=_KINDS[name[name.rindex(".") :]], headers=headers)


def _assets() -> dict[str, Traversable]:
    """The files of the page by name."""
    every = (*SHARED.iterdir(), *_PAGE.iterdir())
    return {entry.name: entry for entry in every if entry.name.endswith(tuple(_KINDS))}
