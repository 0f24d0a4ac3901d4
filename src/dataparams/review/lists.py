"""Lists that are opened as filters: what is like a sample, and what was found beside labels."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np
from fastapi import HTTPException

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.review.run_in_review import RunInReview
    from dataparams.review.schemas import QueueQuery

    Ranks = NDArray[np.intp]

MOST_SIMILAR = 200
"""Samples that are listed at most as most like one."""


def order_of(review: RunInReview, query: QueueQuery) -> Ranks | None:
    """The samples of a list in an order of its own; None where the order of looking counts.

    Raises:
        HTTPException: If the list is not known, or not yet.
    """
    if query.near is not None:
        return _most_like(review, query.near, query.annotator)
    if query.finding is None and query.found is None:
        return None
    if review.health is None:
        raise HTTPException(404, "Nobody has looked for that in this run: dataparams health.")
    if query.finding is None:
        return review.health.ranks_of_kind(query.found or "")
    try:
        return review.health.ranks_of(query.finding)
    except KeyError as error:
        raise HTTPException(404, f"There is no finding {query.finding}.") from error


def _most_like(review: RunInReview, index: int, annotator: str) -> Ranks:
    found, is_there = review.samples.find(np.array([index], dtype=np.int64))
    if not is_there[0]:
        raise HTTPException(404, f"There is no sample {index}.")
    if review.standing.is_hidden(int(found[0]), annotator):
        raise HTTPException(422, "What is like this sample is told when you have judged it.")
    near = review.neighbors.of(int(found[0]), MOST_SIMILAR)
    if near is not None:
        return near
    state = review.feature_map.state()
    raise HTTPException(
        422,
        state.words
        or f"What the model sees is being gathered ({state.share:.0%}); ask again in a moment.",
    )


def commands(review: RunInReview) -> list[dict[str, str]]:
    """What comes after a review: what each command does, and the command."""
    place = shlex.quote(str(review.folder.path))
    return [
        {
            "words": "Write the corrections where the data live; a list of all comes first",
            "command": f"dataparams apply {place}",
        },
        {
            "words": "Choose what to train on by what was decided; it says how to train again",
            "command": f"dataparams clean {place} --strategy reviewed",
        },
        {
            "words": "Report what was found and done",
            "command": f"dataparams report {place}",
        },
    ]
