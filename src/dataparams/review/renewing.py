"""Going on with a newer analysis, or newer findings beside the labels, while the server runs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException

from dataparams.review.schemas import RenewRequest  # noqa: TC001 - FastAPI reads it

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from dataparams.review.run_in_review import RunInReview


class Renewable:
    """Serves a review, and another one in its place when it is renewed.

    What is being answered is answered from the review that it was asked of, which is closed
    afterwards.

    Args:
        review: What is served first.
        make: Makes the application that serves a review.
        reopen: Opens the run as it is now; None where that is not possible.
    """

    def __init__(
        self,
        review: RunInReview,
        make: Callable[[RunInReview], FastAPI],
        reopen: Callable[[], RunInReview] | None = None,
    ) -> None:
        self._make, self._reopen = make, reopen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="renewing")
        self._asked: asyncio.Task[None] | None = None
        self._answering: dict[int, int] = {}
        self._first = review
        self._serve(review)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        review, app = self._review, self._app
        self._answering[id(review)] = self._answering.get(id(review), 0) + 1
        try:
            await app(scope, receive, send)
        finally:
            self._answering[id(review)] -= 1
            self._close_if_left(review)

    async def renew(self) -> None:
        """Open the run as it is now; requests that come meanwhile wait for the same opening."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._renew())
        await asyncio.shield(self._asked)

    def close(self) -> None:
        """Close what is served."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._review.close()

    async def _renew(self) -> None:
        if self._reopen is None:
            raise HTTPException(422, "This server cannot do that: start it again.")
        before = self._review
        after = await asyncio.get_running_loop().run_in_executor(self._thread, self._reopen)
        self._serve(after)
        self._close_if_left(before)

    def _serve(self, review: RunInReview) -> None:
        self._review, self._app = review, self._make(review)
        add_renewing(self._app, review, self)

    def _close_if_left(self, review: RunInReview) -> None:
        if self._answering.get(id(review), 0) == 0 and review is not self._review:
            self._answering.pop(id(review), None)
            review.close()


def add_renewing(app: FastAPI, review: RunInReview, renewable: Renewable) -> None:
    """Let a page ask for what is newer on the disk."""

    @app.post("/api/renew")
    async def renew(request: RenewRequest) -> dict[str, Any]:
        """Go on with the analysis and findings written last; pages load anew afterwards."""
        if request.run != review.key:
            raise HTTPException(409, "Another run is served here now.")
        await renewable.renew()
        return {"run": review.key}
