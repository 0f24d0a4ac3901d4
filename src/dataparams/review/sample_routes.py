"""Answers about samples: lists of them, one of them, what is like it, maps and pictures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Response

from dataparams.review.page_files import page_file
from dataparams.review.pictures import Size  # noqa: TC001 - FastAPI reads it
from dataparams.review.samples import Filter
from dataparams.review.schemas import MOST_DECISIONS, MOST_DETAILED, Name, Number, QueueQuery

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        return _details(review, ranks_of(review, index))

    @app.get("/api/samples/{index}")
    def one(index: Number) -> dict[str, Any]:
        ranks = ranks_of(review, [index])
        (details,) = _details(review, ranks)
        return {
            **details,
            "trajectory": _rounded(samples.trajectories(ranks)[0]),
        }

    @app.get("/api/samples/{index}/similar")
    async def similar(index: Number) -> list[dict[str, Any]]:
        """Clear cases of the given and of the suggested class that look like a sample."""
        ranks = ranks_of(review, [index])
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
        is_too_much = changed is None or len(changed) > MOST_CHANGES
        known = [] if changed is None or is_too_much else changed.tolist()
        return {
            "run": review.key,
            "number": number,
            "reload": is_too_much,
            "opinions": {str(samples.index[rank]): opinions_of(review, rank) for rank in known},
            "progress": asdict(standing.progress(annotator)),
            "trouble": review.pictures.trouble,
        }


def add_maps(app: FastAPI, review: RunInReview) -> None:
    """Serve the maps of classes."""
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


def add_pictures(app: FastAPI, review: RunInReview) -> None:
    """Serve the pictures of samples."""

    @app.get(
        "/api/pictures/{run}/{size}/{index}", **_gives("image/jpeg", "image/svg+xml", "text/plain")
    )
    async def picture(run: str, size: Size, index: Number) -> Response:
        if run != review.key:
            raise HTTPException(404, "Another run is served here now; load the page again.")
        (rank,) = ranks_of(review, [index]).tolist()
        (sample,) = review.samples.ids(np.array([rank]))
        view = await review.pictures.get(index, sample, size)
        if view is None:
            return page_file("no_picture.svg")
        headers = {"cache-control": "private, max-age=3600"}
        return Response(view.data, media_type=view.media_type, headers=headers)


def opinions_of(review: RunInReview, rank: int) -> list[dict[str, Any]]:
    """What annotators want of a sample, as JSON has it."""
    return [vars(opinion) for opinion in review.standing.opinions(rank)]


def ranks_of(review: RunInReview, index: list[int]) -> NDArray[np.intp]:
    """The ranks of samples, by their position in the data source.

    Raises:
        HTTPException: If there is no such sample.
    """
    try:
        return review.samples.ranks_of(index)
    except KeyError as error:
        raise HTTPException(404, f"There is no sample {error.args[0]}.") from error


def _gives(*kinds: str) -> dict[str, Any]:
    """What describes a route whose answers are no JSON."""
    content: dict[str, dict[str, Any]] = {kind: {} for kind in kinds}
    return {"response_class": Response, "responses": {200: {"content": content}}}


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
        start = int(ranks_of(review, [query.after])[0]) + 1
    return start + np.flatnonzero(mask[start:])[:limit], int(np.count_nonzero(mask))


def _details(review: RunInReview, ranks: NDArray[np.intp]) -> list[dict[str, Any]]:
    return [
        {**vars(facts), "opinions": opinions_of(review, rank)}
        for rank, facts in zip(ranks.tolist(), review.samples.facts(ranks), strict=True)
    ]


def _rounded(values: NDArray[np.float32]) -> list[float | None]:
    return [round(value, 3) if np.isfinite(value) else None for value in values.tolist()]
