"""Answers to those who decide: what they write and take back, and who decided how much."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import FastAPI, HTTPException

from dataparams.decisions.agreement import agreements
from dataparams.review.sample_routes import MOST_CHANGES, opinions_of, ranks_of
from dataparams.review.schemas import DecisionsRequest, UndoRequest  # noqa: TC001 - FastAPI reads them

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataparams.review.run_in_review import RunInReview


def add_decisions(app: FastAPI, review: RunInReview) -> None:
    """Take decisions, and take them back."""
    standing = review.standing

    @app.post("/api/decisions")
    def decide(request: DecisionsRequest) -> dict[str, Any]:
        """Write decisions; when this answers, they are on the disk."""
        _require_run(review, request.run)
        ranks = ranks_of(review, [one.index for one in request.decisions])
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
                str(index): opinions_of(review, rank)
                for index, rank in zip(taken[:MOST_CHANGES], ranks, strict=False)
            },
            "progress": asdict(standing.progress(request.annotator)),
        }


def add_people(app: FastAPI, review: RunInReview) -> None:
    """Serve who decided, and how far they agree."""
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


@contextmanager
def _refused_by_store() -> Iterator[None]:
    """Say what the store refuses, such as a name that another request had already."""
    try:
        yield
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def _require_run(review: RunInReview, run: str) -> None:
    if run != review.key:
        raise HTTPException(409, "Another run is served here now; nothing was written.")
