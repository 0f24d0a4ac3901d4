"""The files of the page: its modules, its style, and what it shares with the report."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI, HTTPException, Request, Response

from dataparams.web.assets import SHARED, SHARED_STYLES, joined

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
    def page(request: Request) -> Response:
        return page_file("index.html", known=_known(request))

    @app.get("/page/{name}", include_in_schema=False)
    def part(name: str, request: Request) -> Response:
        if name not in _parts():
            raise HTTPException(404, "There is no such part of the page.")
        return page_file(name, known=_known(request))


def page_file(name: str, *, known: str = "") -> Response:
    """A file of the page.

    Args:
        name: Which file.
        known: The entity tags that the browser has; it is only told where it has this one.
    """
    content, tag = _parts()[name]
    headers = {"cache-control": "no-cache", "etag": tag}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_KINDS[name[name.rindex(".") :]], headers=headers)


def _known(request: Request) -> str:
    return request.headers.get("if-none-match", "")


@cache
def _parts() -> dict[str, tuple[bytes, str]]:
    """Content and entity tag of each file of the page, by name."""
    every = (*SHARED.iterdir(), *_PAGE.iterdir())
    texts = {entry.name: joined([entry]) for entry in every if entry.name.endswith(tuple(_KINDS))}
    texts[_STYLE] = joined([*SHARED_STYLES, *(_PAGE / f"{part}.css" for part in _STYLES)])
    contents = {name: text.encode() for name, text in texts.items()}
    return {name: (one, f'"{sha256(one).hexdigest()[:32]}"') for name, one in contents.items()}
