"""Answers to those who look around: the map of all samples, lists to open, named filters."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Response

from dataparams.review.queue_pages import page_of
from dataparams.review.saved_filters import SavedFilter
from dataparams.review.schemas import (
    MOST_DETAILED,
    FilterRequest,
    ForgetRequest,
    Name,
    Number,
    QueueQuery,
)

if TYPE_CHECKING:
    from dataparams.review.run_in_review import RunInReview
    from dataparams.review.standing import Wanted

MOST_POINTS = 262_144
"""Samples of the map that are given at once at most."""
_MOST_CONFUSIONS = 200
_WAYS: tuple[Wanted, ...] = ("kept", "relabeled", "discarded", "skipped")
NO_MAP = (
    "While an audit goes on there is no map of all samples: it would tell what is judged blind."
)
_BYTES = "application/octet-stream"
_GIVES_BYTES: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {_BYTES: {}}}},
}


def add_views(app: FastAPI, review: RunInReview) -> None:
    """Serve the map of all samples, and what can be opened as a list."""
    _add_map(app, review)
    _add_lists(app, review)
    _add_findings(app, review)
    _add_saved_filters(app, review)


def _add_map(app: FastAPI, review: RunInReview) -> None:
    samples = review.samples

    @app.get("/api/map")
    def map_of_all(*, again: bool = False) -> dict[str, Any]:
        """How far the map is; asking for it begins it."""
        if review.team.is_auditing:
            raise HTTPException(409, NO_MAP)
        return {
            **asdict(review.feature_map.state(tries_again=again)),
            "total": len(samples),
            "most": MOST_POINTS,
        }

    @app.get("/api/map/points", **_GIVES_BYTES)
    def points(start: Number = 0) -> Response:
        """Some samples by rank, little-endian: number, class (u4), x, y (u2), category (u1) each.

        All numbers come first, then all classes, and so on. The page leaves out samples of the
        category 255, of which an annotator may not know anything yet.
        """
        positions = review.feature_map.positions
        if positions is None:
            raise HTTPException(404, "The map is not there yet.")
        if review.team.is_auditing:
            raise HTTPException(409, NO_MAP)
        rows = slice(start, start + MOST_POINTS)
        parts = (
            samples.index[rows].astype("<u4"),
            samples.label[rows].astype("<u4"),
            positions[rows, 0].astype("<u2"),
            positions[rows, 1].astype("<u2"),
            samples.category[rows].astype("u1"),
        )
        return Response(b"".join(part.tobytes() for part in parts), media_type=_BYTES)

    @app.get("/api/map/wanted", **_GIVES_BYTES)
    def wanted(query: Annotated[QueueQuery, Query()]) -> Response:
        """Which samples a filter wants: a bit for each by rank, the lowest bit of a byte first."""
        page = page_of(review, query.model_copy(update={"after": None}), len(samples))
        mask = np.zeros(len(samples), dtype=np.bool_)
        mask[page.ranks] = True
        return Response(np.packbits(mask, bitorder="little").tobytes(), media_type=_BYTES)


def _add_lists(app: FastAPI, review: RunInReview) -> None:
    @app.get("/api/confusions")
    def confusions() -> list[dict[str, int]]:
        """Given and suggested classes of hard and need-review samples, the most frequent first.

        Empty while an audit goes on, of whose samples nothing of the kind may be known.
        """
        if review.team.is_auditing:
            return []
        return [
            {"label": label, "suggested": suggested, "count": count}
            for label, suggested, count in review.samples.confusions()[:_MOST_CONFUSIONS].tolist()
        ]

    @app.get("/api/queue/without")
    def queue_without(query: Annotated[QueueQuery, Query()]) -> list[dict[str, Any]]:
        """Of a filter that wants nothing: how many samples are wanted without each of its parts."""
        blank = QueueQuery(annotator=query.annotator)
        told = []
        for part in query.model_fields_set - {"annotator", "after", "limit"}:
            wider = query.model_copy(update={part: getattr(blank, part), "after": None})
            told.append({"part": part, "total": page_of(review, wider, 1).total})
        return sorted(told, key=lambda one: (-one["total"], one["part"]))

    @app.get("/api/done")
    def done(annotator: Name) -> dict[str, int]:
        """How many samples an annotator decided about in each way."""
        masks = {way: review.standing.wanted(annotator, way) for way in _WAYS}
        return {way: 0 if mask is None else int(mask.sum()) for way, mask in masks.items()}


def _add_findings(app: FastAPI, review: RunInReview) -> None:
    # A finding names samples that are judged blind while an audit goes on.
    health = None if review.team.is_auditing else review.health

    @app.get("/api/findings")
    def findings() -> dict[str, Any] | None:
        """What was looked for beside wrong labels, and what was found; null where nobody did."""
        return None if health is None else health.overview()

    @app.get("/api/findings/{kind}")
    def findings_of_kind(
        kind: str,
        after: Annotated[int, Query(ge=-1, lt=2**53)] = -1,
        limit: Annotated[int, Query(ge=1, le=MOST_DETAILED)] = MOST_DETAILED,
    ) -> list[dict[str, Any]]:
        """Findings of a kind, the surest first."""
        if health is None:
            return []
        return [asdict(one) for one in health.of_kind(kind, after, limit)]

    @app.get("/api/finding/{number}")
    def finding(number: Number) -> dict[str, Any]:
        """A finding, and the number of the next one of its kind; null for the last."""
        if health is None or number >= len(health):
            raise HTTPException(404, f"There is no finding {number}.")
        one = health.one(number)
        following = health.of_kind(one.kind, number, 1)
        return {**asdict(one), "next": following[0].number if following else None}

    @app.get("/api/groups/{number}")
    def group(number: Number, annotator: Name = "nobody") -> dict[str, Any]:
        """The samples of a group that is decided once, and those that are somebody's to decide."""
        try:
            one = review.conflicts.group(number)
        except KeyError as error:
            raise HTTPException(404, f"There is no group {number}.") from error
        assigned = review.team.assigned(annotator)
        theirs = one.ranks if assigned is None else one.ranks[assigned[one.ranks]]
        return {
            "number": number,
            "sentence": one.sentence,
            "samples": review.samples.index[one.ranks].tolist(),
            "assigned": review.samples.index[theirs].tolist(),
        }


def _add_saved_filters(app: FastAPI, review: RunInReview) -> None:
    def listed() -> list[dict[str, str]]:
        return [asdict(one) for one in review.saved_filters.all()]

    @app.get("/api/filters")
    def saved() -> list[dict[str, str]]:
        """The filters that people gave a name."""
        return listed()

    @app.post("/api/filters")
    def save(request: FilterRequest) -> list[dict[str, str]]:
        """Keep a filter, in place of one that has the same name; gives all."""
        _require_run(review, request.run)
        review.saved_filters.save(SavedFilter(request.name, request.address, request.annotator))
        return listed()

    @app.post("/api/filters/forget")
    def forget(request: ForgetRequest) -> list[dict[str, str]]:
        """Forget a filter; gives the others."""
        _require_run(review, request.run)
        review.saved_filters.forget(request.name)
        return listed()


def _require_run(review: RunInReview, run: str) -> None:
    if run != review.key:
        raise HTTPException(409, "Another run is served here now; nothing was written.")
