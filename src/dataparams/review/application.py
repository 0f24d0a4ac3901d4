"""The server's answers: what it takes, what it gives, and under which address."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dataparams.analysis.result import CATEGORY_MARKS, CATEGORY_TITLES, Category
from dataparams.decisions.agreement import agreements
from dataparams.decisions.store import Action  # noqa: TC001 - FastAPI reads it
from dataparams.errors import RunError
from dataparams.review.guarding import SESSION_PATH, Guard
from dataparams.review.pictures import Size  # noqa: TC001 - FastAPI reads it
from dataparams.review.samples import Filter
from dataparams.review.standing import Wanted  # noqa: TC001 - FastAPI reads it
from dataparams.web.assets import SHARED, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.abc import Traversable

    from numpy.typing import NDArray
    from starlette.types import ASGIApp

    from dataparams.review.guarding import Access
    from dataparams.review.run_in_review import RunInReview

MOST_DECISIONS = 20_000
"""Decisions in a request at most."""
MOST_DETAILED = 200
"""Samples whose details are given at once at most."""
MOST_NUMBERS = 100_000
"""Samples whose numbers alone are given at once at most."""
_SIMILAR = 5
_MOST_CHANGES = 2000
_LARGEST_NUMBER = 2**53
_PAGE = files("dataparams.review") / "page"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STYLE = "style.css"
_STYLES = ("layout", "grid", "single", "map", "deciding", "screens")
_RUN_HEADER = "x-review-run"
"""Tells the page of which run an answer is: the numbers of samples are the same in every run."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00]*$"),
]
Number = Annotated[int, Field(ge=0, lt=_LARGEST_NUMBER)]


class DecisionRequest(BaseModel):
    """What is decided about a sample; only ``relabel`` has a label."""

    model_config = ConfigDict(extra="forbid")
    index: Number
    action: Action
    label: Number | None = None


class DecisionsRequest(BaseModel):
    """Decisions that are made together, and taken back together."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[0-9A-Za-z-]+$")]
    annotator: Name
    decisions: Annotated[list[DecisionRequest], Field(min_length=1, max_length=MOST_DECISIONS)]


class UndoRequest(BaseModel):
    """Take back the annotator's last decisions."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[0-9A-Za-z-]+$")]
    annotator: Name


class SessionRequest(BaseModel):
    """The token of the printed address."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(max_length=200)]


class Problem(BaseModel):
    """What is wrong with one part of a request."""

    loc: list[str]
    msg: str
    type: str


class Refusal(BaseModel):
    """Why a request is refused."""

    detail: str | list[Problem]


class QueueQuery(BaseModel):
    """Which samples are wanted, and after which one."""

    model_config = ConfigDict(extra="forbid")
    annotator: Name = "nobody"
    decision: Wanted = "any"
    label: Number | None = None
    category: Annotated[list[Category], Field(max_length=3)] = []
    suggested: Number | None = None
    subgroup: Annotated[str, Field(max_length=1000)] | None = None
    outlier: bool = False
    search: Annotated[str, Field(max_length=200)] = ""
    after: Number | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_NUMBERS)] = MOST_DETAILED


def make_application(review: RunInReview, access: Access) -> ASGIApp:
    """The application that serves a review.

    Args:
        review: What is reviewed.
        access: Who may talk to it.

    Returns:
        An ASGI application.
    """
    return Guard(make_unguarded(review, access), access)


def make_unguarded(review: RunInReview, access: Access) -> FastAPI:
    """The same without checks of where requests come from."""

    async def tell_run(response: Response) -> None:
        response.headers[_RUN_HEADER] = review.key

    app = FastAPI(
        title="dataparams review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses={422: {"model": Refusal}},
        dependencies=[Depends(tell_run)],
    )
    _add_page(app)
    _add_reading(app, review)
    _add_people(app, review)
    _add_maps(app, review)
    _add_pictures(app, review)
    _add_writing(app, review)
    _add_session(app, access)

    @app.exception_handler(RequestValidationError)
    async def tell_what_is_wrong(_: Request, error: RequestValidationError) -> Response:
        # What was sent is not sent back: it may be no number that JSON has, or no text.
        told = [
            {"loc": [str(at) for at in one["loc"]], "msg": one["msg"], "type": one["type"]}
            for one in error.errors()
        ]
        text = json.dumps({"detail": told}).encode(errors="replace")
        return Response(text, status_code=422, media_type="application/json")

    @app.exception_handler(RunError)
    async def explain(_: Request, error: RunError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=503)

    return app


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return _asset("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    def part(name: str) -> Response:
        if name not in _assets():
            raise HTTPException(404, "There is no such part of the page.")
        return _asset(name)


def _add_session(app: FastAPI, access: Access) -> None:
    @app.post(SESSION_PATH, status_code=204)
    def begin_session(request: SessionRequest) -> Response:
        if access.token is None:
            return Response(status_code=204)
        if not access.is_known(request.token):
            raise HTTPException(401, "That is not the token of this server; open its last address.")
        response = Response(status_code=204)
        response.set_cookie(access.cookie, access.token, httponly=True, samesite="strict")
        return response


def _add_reading(app: FastAPI, review: RunInReview) -> None:
    samples, standing = review.samples, review.standing

    @app.get("/api/run")
    def run() -> dict[str, Any]:
        return {
            "run": review.key,
            "annotator": review.annotator,
            "number": standing.number,
            "marks": CATEGORY_MARKS,
            "titles": CATEGORY_TITLES,
            "most_decisions": MOST_DECISIONS,
            **review.overview,
        }

    @app.get("/api/queue")
    def queue(query: Annotated[QueueQuery, Query()]) -> dict[str, Any]:
        chosen, total = _page_of(review, query, min(query.limit, MOST_DETAILED))
        return {
            "total": total,
            "number": standing.number,
            "samples": _details(review, chosen),
            "progress": asdict(standing.progress(query.annotator)),
        }

    @app.get("/api/queue/numbers", **_gives("application/octet-stream"))
    def queue_numbers(query: Annotated[QueueQuery, Query()]) -> Response:
        """The indices alone, as 32-bit integers, least significant byte first."""
        chosen, _ = _page_of(review, query, query.limit)
        numbers = samples.index[chosen].astype("<u4").tobytes()
        return Response(numbers, media_type="application/octet-stream")

    @app.get("/api/samples")
    def several(
        index: Annotated[list[Number], Query(min_length=1, max_length=MOST_DETAILED)],
    ) -> list[dict[str, Any]]:
        return _details(review, _ranks_of(review, index))

    @app.get("/api/samples/{index}")
    def one(index: Number) -> dict[str, Any]:
        ranks = _ranks_of(review, [index])
        (details,) = _details(review, ranks)
        return {
            **details,
            "trajectory": _rounded(samples.trajectories(ranks)[0]),
        }

    @app.get("/api/samples/{index}/similar")
    async def similar(index: Number) -> list[dict[str, Any]]:
        """Clear cases of the given and of the suggested class that look like a sample."""
        ranks = _ranks_of(review, [index])
        (facts,) = samples.facts(ranks)
        labels = [one for one in dict.fromkeys((facts.label, facts.suggested)) if one is not None]
        found = await asyncio.gather(
            *(review.similar.most_similar(int(ranks[0]), label, _SIMILAR) for label in labels)
        )
        return [
            {"label": label, "samples": _details(review, chosen)}
            for label, chosen in zip(labels, found, strict=True)
        ]

    @app.get("/api/changes")
    def changes(annotator: Name, after: Number) -> dict[str, Any]:
        """What anybody decided since; ``reload`` where that is too much to tell."""
        standing.refresh()
        number = standing.number
        changed = standing.changed_since(after)
        is_too_much = changed is None or len(changed) > _MOST_CHANGES
        known = [] if changed is None or is_too_much else changed.tolist()
        return {
            "run": review.key,
            "number": number,
            "reload": is_too_much,
            "opinions": {str(samples.index[rank]): _opinions(review, rank) for rank in known},
            "progress": asdict(standing.progress(annotator)),
            "trouble": review.pictures.trouble,
        }


def _add_people(app: FastAPI, review: RunInReview) -> None:
    standing = review.standing

    @app.get("/api/people")
    def people() -> dict[str, Any]:
        codes = standing.codes()
        return {
            "annotators": [
                {"name": name, "decided": int((own > 1).sum()), "unsure": int((own == 1).sum())}
                for name, own in sorted(codes.items())
                if own.any()
            ],
            "agreements": [asdict(pair) for pair in agreements(codes)],
        }


def _add_maps(app: FastAPI, review: RunInReview) -> None:
    samples = review.samples

    @app.get("/api/maps/{label}")
    async def map_of_class(label: Number) -> dict[str, Any]:
        if label >= len(samples.class_names):
            raise HTTPException(404, f"There is no class {label}.")
        found = await review.maps.get(label)
        return {
            "total": found.total,
            "samples": [
                {"index": one.index, "category": one.category, "x": x, "y": y}
                for one, (x, y) in zip(
                    samples.facts(found.ranks), found.positions.round(4).tolist(), strict=True
                )
            ],
        }


def _add_pictures(app: FastAPI, review: RunInReview) -> None:
    @app.get(
        "/api/pictures/{run}/{size}/{index}", **_gives("image/jpeg", "image/svg+xml", "text/plain")
    )
    async def picture(run: str, size: Size, index: Number) -> Response:
        if run != review.key:
            raise HTTPException(404, "Another run is served here now; load the page again.")
        (rank,) = _ranks_of(review, [index]).tolist()
        (sample,) = review.samples.ids(np.array([rank]))
        view = await review.pictures.get(index, sample, size)
        if view is None:
            return _asset("no_picture.svg")
        headers = {"cache-control": "private, max-age=3600"}
        return Response(view.data, media_type=view.media_type, headers=headers)


def _add_writing(app: FastAPI, review: RunInReview) -> None:
    standing = review.standing

    @app.post("/api/decisions")
    def decide(request: DecisionsRequest) -> dict[str, Any]:
        """Write decisions; when this answers, they are on the disk."""
        _require_run(review, request.run)
        ranks = _ranks_of(review, [one.index for one in request.decisions])
        if len(np.unique(ranks)) < len(ranks):
            raise HTTPException(422, "Two decisions are about the same sample; expected one.")
        for one in request.decisions:
            is_known = one.label is not None and one.label < len(review.samples.class_names)
            if (one.label is None) == (one.action == "relabel") or (
                one.label is not None and not is_known
            ):
                raise HTTPException(
                    422,
                    f"label is {one.label} for {one.action!r}; expected a class, 0 ... "
                    f"{len(review.samples.class_names) - 1}, for relabel, and none else.",
                )
        pairs = zip(ranks.tolist(), request.decisions, strict=True)
        wanted = [(rank, one.action, one.label) for rank, one in pairs]
        with _refused_by_store():
            added = standing.record(request.request, request.annotator, wanted)
        return {"added": added, "progress": asdict(standing.progress(request.annotator))}

    @app.post("/api/undo")
    def undo(request: UndoRequest) -> dict[str, Any]:
        """Take back the last decisions that were made together and still count."""
        _require_run(review, request.run)
        with _refused_by_store():
            taken = standing.undo(request.request, request.annotator)
        ranks = review.samples.ranks_of(taken).tolist()
        return {
            "indices": taken,
            "opinions": {
                str(index): _opinions(review, rank)
                for index, rank in zip(taken[:_MOST_CHANGES], ranks, strict=False)
            },
            "progress": asdict(standing.progress(request.annotator)),
        }


def _gives(*kinds: str) -> dict[str, Any]:
    """What describes a route whose answers are no JSON."""
    content: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    return {"response_class": Response, "responses": {200: {"content": content}}}


@contextmanager
def _refused_by_store() -> Iterator[None]:
    """Say what the store refuses, such as a name that another request had already."""
    try:
        yield
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def _page_of(review: RunInReview, query: QueueQuery, limit: int) -> tuple[NDArray[np.intp], int]:
    """The ranks that are wanted after a sample, and how many are wanted in all."""
    chosen = Filter(
        query.label,
        tuple(query.category),
        query.suggested,
        query.subgroup,
        query.outlier,
        query.search,
    )
    mask = review.samples.wanted(chosen)
    by_decision = review.standing.wanted(query.annotator, query.decision)
    if by_decision is not None:
        mask &= by_decision
    start = 0
    if query.after is not None:
        start = int(_ranks_of(review, [query.after])[0]) + 1
    return start + np.flatnonzero(mask[start:])[:limit], int(np.count_nonzero(mask))


def _details(review: RunInReview, ranks: NDArray[np.intp]) -> list[dict[str, Any]]:
    return [
        {**vars(facts), "opinions": _opinions(review, rank)}
        for rank, facts in zip(ranks.tolist(), review.samples.facts(ranks), strict=True)
    ]


def _opinions(review: RunInReview, rank: int) -> list[dict[str, Any]]:
    return [vars(opinion) for opinion in review.standing.opinions(rank)]


def _ranks_of(review: RunInReview, index: list[int]) -> NDArray[np.intp]:
    try:
        return review.samples.ranks_of(index)
    except KeyError as error:
        raise HTTPException(404, f"There is no sample {error.args[0]}.") from error


def _require_run(review: RunInReview, run: str) -> None:
    if run != review.key:
        raise HTTPException(409, "Another run is served here now; nothing was written.")


def _rounded(values: NDArray[np.float32]) -> list[float | None]:
    return [round(value, 3) if np.isfinite(value) else None for value in values.tolist()]


def _asset(name: str) -> Response:
    if name == _STYLE:
        parts = [SHARED / _STYLE, *(_PAGE / f"{part}.css" for part in _STYLES)]
    else:
        parts = [_assets()[name]]
    headers = {"cache-control": "no-cache"}
    return Response(joined(parts), media_type=_KINDS[name[name.rindex(".") :]], headers=headers)


def _assets() -> dict[str, Traversable]:
    """The files of the page by name."""
    every = (*SHARED.iterdir(), *_PAGE.iterdir())
    return {entry.name: entry for entry in every if entry.name.endswith(tuple(_KINDS))}
