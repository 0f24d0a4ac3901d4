"""The server as an ASGI application: its routes, who may use them, and what errors say."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from dataparams.errors import RunError
from dataparams.review.decision_routes import add_decisions
from dataparams.review.guarding import SESSION_PATH, Guard
from dataparams.review.page_files import add_page
from dataparams.review.renewing import Renewable
from dataparams.review.sample_routes import add_contents, add_maps, add_samples
from dataparams.review.schemas import Refusal, SessionRequest
from dataparams.review.team_routes import add_team
from dataparams.review.view_routes import add_views

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from dataparams.review.guarding import Access
    from dataparams.review.run_in_review import RunInReview

_RUN_HEADER = "x-review-run"
"""Tells the page of which run an answer is: the numbers of samples are the same in every run."""


def make_application(
    review: RunInReview, access: Access, reopen: Callable[[], RunInReview] | None = None
) -> ASGIApp:
    """The application that serves a review.

    Args:
        review: What is reviewed.
        access: Who may talk to it.
        reopen: Opens the run as it is now, where a page asks for the newer analysis.

    Returns:
        An ASGI application.
    """
    return Guard(renewable(review, access, reopen), access)


def renewable(
    review: RunInReview, access: Access, reopen: Callable[[], RunInReview] | None
) -> Renewable:
    """The same without checks of where requests come from; it closes what it serves."""
    return Renewable(review, partial(make_unguarded, access=access), reopen)


def make_unguarded(review: RunInReview, access: Access) -> FastAPI:
    """The application without checks of where requests come from."""

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
    add_page(app)
    add_samples(app, review)
    add_maps(app, review)
    add_views(app, review)
    add_contents(app, review)
    add_decisions(app, review)
    add_team(app, review)
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
