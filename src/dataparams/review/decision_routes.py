"""Answers to those who decide: what they write and take back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import FastAPI, HTTPException

from dataparams.review.refusing import ranks_of, refused_by_store, require_run
from dataparams.review.sample_routes import MOST_CHANGES, opinions_of
from dataparams.review.schemas import DecisionsRequest, UndoRequest  # noqa: TC001 - FastAPI reads them

if TYPE_CHECKING:
    from dataparams.review.run_in_review import RunInReview


def add_decisions(app: FastAPI, review: RunInReview) -> None:
    """Take decisions, and take them back."""
    standing = review.standing

    @app.post("/api/decisions")
    def decide(request: DecisionsRequest) -> dict[str, Any]:
        """Write decisions; when this answers, they are on the disk."""
        require_run(review, request.run)
        ranks = ranks_of(review, [one.index for one in request.decisions])
        if len(np.unique(ranks)) < len(ranks):
            raise HTTPException(422, "Two decisions are about the same sample; expected one.")
        for one in request.decisions:
            is_known = one.label is not None and one.label < len(review.team.class_names)
            if (one.label is None) == (one.action == "relabel") or (
                one.label is not None and not is_known
            ):
                raise HTTPException(
                    422,
                    f"label is {one.label} for {one.action!r}; expected a class, 0 ... "
                    f"{len(review.team.class_names) - 1}, for relabel, and none else.",
                )
        pairs = zip(ranks.tolist(), request.decisions, strict=True)
        wanted = [(rank, one.action, one.label) for rank, one in pairs]
        with refused_by_store():
            added = standing.record(
                request.request, request.annotator, wanted, is_audit=request.audit
            )
        # Who has decided may know what others want.
        told = list(zip(request.decisions, ranks.tolist(), strict=True))[:MOST_CHANGES]
        return {
            "added": added,
            "opinions": {
                str(one.index): opinions_of(review, rank, request.annotator) for one, rank in told
            },
            "progress": asdict(standing.progress(request.annotator)),
        }

    @app.post("/api/undo")
    def undo(request: UndoRequest) -> dict[str, Any]:
        """Take back the last decisions that were made together and still count."""
        require_run(review, request.run)
        with refused_by_store():
            taken = standing.undo(request.request, request.annotator)
        ranks = review.samples.ranks_of(taken).tolist()
        return {
            "indices": taken,
            "opinions": {
                str(index): opinions_of(review, rank, request.annotator)
                for index, rank in zip(taken[:MOST_CHANGES], ranks, strict=False)
            },
            "progress": asdict(standing.progress(request.annotator)),
        }
