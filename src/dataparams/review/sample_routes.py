"""Answers about samples: lists of them, one of them, what is like it, maps and contents."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Response

from dataparams.analysis.sample_words import words_of
from dataparams.review.blinding import blinded
from dataparams.review.content_views import (
    PICTURE,
    WORDS,
    Size,
)
from dataparams.review.lists import commands
from dataparams.review.page_files import page_file
from dataparams.review.preparing import health_key, made_key
from dataparams.review.queue_pages import page_of
from dataparams.review.refusing import ranks_of
from dataparams.review.schemas import MOST_DECISIONS, MOST_DETAILED, Name, Number, QueueQuery
from dataparams.review.team_routes import team_facts
from dataparams.web.unusual_values import LEGEND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.contents.content import View
    from dataparams.review.run_in_review import RunInReview

MOST_CHANGES = 2000
"""Changed samples that are told at once at most."""
_SIMILAR = 5


def add_samples(app: FastAPI, review: RunInReview) -> None:
    """Serve what is known of samples, and of decisions about them."""
    samples, standing = review.samples, review.standing

    @app.get("/api/run")
    def run() -> dict[str, Any]:
        return {
            "run": review.key,
            "annotator": review.annotator,
            "number": standing.number,
            "most_decisions": MOST_DECISIONS,
            "kind": review.kind,
            "words": asdict(words_of(review.kind)),
            "legend": LEGEND if review.kind == "row" else "",
            "analysis": review.analysis,
            "findings": review.findings,
            "data": review.views.mark,
            "has_features": review.feature_map.is_possible,
            "commands": commands(review),
            **review.overview,
            **team_facts(review),
        }

    @app.get("/api/queue")
    def queue(query: Annotated[QueueQuery, Query()]) -> dict[str, Any]:
        page = page_of(review, query, min(query.limit, MOST_DETAILED))
        return {
            "total": page.total,
            "grouped": page.grouped,
            "number": standing.number,
            "samples": _details(review, page.ranks, query.annotator),
            "progress": asdict(standing.progress(query.annotator)),
        }

    @app.get("/api/queue/numbers", **_gives("application/octet-stream"))
    def queue_numbers(query: Annotated[QueueQuery, Query()]) -> Response:
        """The indices alone, as 32-bit integers, least significant byte first."""
        page = page_of(review, query, query.limit)
        numbers = samples.index[page.ranks].astype("<u4").tobytes()
        return Response(numbers, media_type="application/octet-stream")

    @app.get("/api/samples")
    def several(
        index: Annotated[list[Number], Query(min_length=1, max_length=MOST_DETAILED)],
        annotator: Name = "nobody",
    ) -> list[dict[str, Any]]:
        return _details(review, ranks_of(review, index), annotator)

    @app.get("/api/samples/{index}")
    def one(index: Number, annotator: Name = "nobody") -> dict[str, Any]:
        ranks = ranks_of(review, [index])
        (details,) = _details(review, ranks, annotator)
        is_hidden = standing.is_hidden(int(ranks[0]), annotator)
        return {
            **details,
            "trajectory": None if is_hidden else _rounded(samples.trajectories(ranks)[0]),
        }

    @app.get("/api/samples/{index}/similar")
    async def similar(index: Number, annotator: Name = "nobody") -> list[dict[str, Any]]:
        """Clear cases of the given and of the suggested class that look like a sample."""
        ranks = ranks_of(review, [index])
        (facts,) = samples.facts(ranks)
        suggested = None if standing.is_hidden(int(ranks[0]), annotator) else facts.suggested
        labels = [one for one in dict.fromkeys((facts.label, suggested)) if one is not None]
        hidden = standing.hidden(annotator)
        # To be a clear case of a class is to be easy, which is not told of what is judged blind.
        spare = 0 if hidden is None else _SIMILAR
        found = await asyncio.gather(
            *(
                review.similar.most_similar(int(ranks[0]), label, _SIMILAR + spare)
                for label in labels
            )
        )
        shown = [some if hidden is None else some[~hidden[some]][:_SIMILAR] for some in found]
        return [
            {"label": label, "samples": _details(review, chosen, annotator)}
            for label, chosen in zip(labels, shown, strict=True)
        ]

    @app.get("/api/changes")
    def changes(annotator: Name, after: Number, after_note: Number | None = None) -> dict[str, Any]:
        """What anybody decided and noted since; ``reload`` where that is too much to tell."""
        standing.refresh()
        last_note = review.team.last_note()
        number = standing.number
        changed = standing.changed_since(after)
        is_too_much = changed is None or len(changed) > MOST_CHANGES
        known = [] if changed is None or is_too_much else changed.tolist()
        return {
            "run": review.key,
            "number": number,
            "reload": is_too_much,
            "opinions": {
                str(samples.index[rank]): opinions_of(review, rank, annotator) for rank in known
            },
            "last_note": last_note,
            "noted": [] if after_note is None else _noted(review, after_note, annotator),
            "class_names": list(review.team.class_names),
            "progress": asdict(standing.progress(annotator)),
            "trouble": review.views.trouble,
            "data": review.views.mark,
            "analysis": review.analysis,
            "is_newer_there": made_key(review.folder) != review.analysis,
            "findings": review.findings,
            "are_newer_findings_there": health_key(review.folder) != review.findings,
        }


def add_maps(app: FastAPI, review: RunInReview) -> None:
    """Serve the maps of classes."""
    samples = review.samples

    @app.get("/api/maps/{label}")
    async def map_of_class(label: Number, annotator: Name = "nobody") -> dict[str, Any]:
        if label >= len(samples.class_names):
            raise HTTPException(404, f"There is no class {label}.")
        found = await review.maps.get(label)
        hidden = review.standing.hidden(annotator)
        is_shown = slice(None) if hidden is None else ~hidden[found.ranks]
        return {
            "total": found.total,
            "samples": [
                {"index": one.index, "category": one.category, "x": x, "y": y}
                for one, (x, y) in zip(
                    samples.facts(found.ranks[is_shown]),
                    found.positions[is_shown].round(4).tolist(),
                    strict=True,
                )
            ],
        }


def add_contents(app: FastAPI, review: RunInReview) -> None:
    """Serve the pictures of samples, and their texts or rows."""

    @app.get("/api/pictures/{run}/{size}/{index}", **_gives(PICTURE, "image/svg+xml"))
    async def picture(run: str, size: Size, index: Number) -> Response:
        _require_run(review, run)
        (view,) = await _views(review, [index], size)
        if view is None or view.media_type != PICTURE:
            if size == "original":
                raise HTTPException(404, "This picture cannot be shown with all its pixels.")
            return page_file("no_picture.svg")
        headers = {"cache-control": "private, max-age=3600"}
        return Response(view.data, media_type=view.media_type, headers=headers)

    @app.get("/api/texts/{run}", **_gives(WORDS))
    async def texts(
        run: str,
        index: Annotated[list[Number], Query(min_length=1, max_length=MOST_DETAILED)],
    ) -> Response:
        """The beginnings of some texts, or some rows; null for what cannot be read."""
        _require_run(review, run)
        return _as_list(await _views(review, index, "small"))

    @app.get("/api/texts/{run}/{index}", **_gives(WORDS))
    async def text(run: str, index: Number) -> Response:
        """All of a text or row, in a list; null where it cannot be read."""
        _require_run(review, run)
        return _as_list(await _views(review, [index], "large"))


def _require_run(review: RunInReview, run: str) -> None:
    if run != review.key:
        raise HTTPException(404, "Another run is served here now; load the page again.")


async def _views(review: RunInReview, index: list[int], size: Size) -> list[View | None]:
    """How some samples are shown; None where one cannot be."""
    samples = review.samples.ids(ranks_of(review, index))
    return await asyncio.gather(
        *(
            review.views.get(number, sample, size)
            for number, sample in zip(index, samples, strict=True)
        )
    )


def _as_list(views: list[View | None]) -> Response:
    """A list of those views that are JSON, and null in place of others."""
    words = [b"null" if one is None or one.media_type != WORDS else one.data for one in views]
    return Response(b"[" + b",".join(words) + b"]", media_type=WORDS)


def opinions_of(review: RunInReview, rank: int, annotator: str) -> list[dict[str, Any]]:
    """What annotators want of a sample, as far as one of them may know, as JSON has it."""
    return [vars(opinion) for opinion in review.standing.opinions(rank, annotator)]


def _noted(review: RunInReview, after: int, annotator: str) -> list[int]:
    """The samples with notes after one of a number of which an annotator may know."""
    found = review.team.noted_after(after, MOST_CHANGES)
    return [index for index, rank in found if review.standing.sees_others(rank, annotator)]


def _gives(*kinds: str) -> dict[str, Any]:
    """What describes a route whose answers are no JSON."""
    content: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    return {"response_class": Response, "responses": {200: {"content": content}}}


def _details(review: RunInReview, ranks: NDArray[np.intp], annotator: str) -> list[dict[str, Any]]:
    return [
        blinded(vars(facts))
        if review.standing.is_hidden(rank, annotator)
        else {
            **vars(facts),
            "group": review.conflicts.number_of(rank),
            "opinions": opinions_of(review, rank, annotator),
        }
        for rank, facts in zip(ranks.tolist(), review.samples.facts(ranks), strict=True)
    ]


def _rounded(values: NDArray[np.float32]) -> list[float | None]:
    return [round(value, 3) if np.isfinite(value) else None for value in values.tolist()]
