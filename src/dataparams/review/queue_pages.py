"""Which samples a list has, and in which order they come: a part of it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fastapi import HTTPException

from dataparams.errors import UserError
from dataparams.review.lists import order_of
from dataparams.review.refusing import ranks_of
from dataparams.review.samples import Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.review.run_in_review import RunInReview
    from dataparams.review.schemas import QueueQuery

    Mask = NDArray[np.bool_]
    Ranks = NDArray[np.intp]

_NOBODY: Ranks = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class QueuePage:
    """A part of a list.

    Attributes:
        ranks: Its samples, (m,).
        total: How many samples the whole list has.
        grouped: How many of the first of the whole list are in groups that are decided once.
    """

    ranks: Ranks
    total: int
    grouped: int = 0


def page_of(review: RunInReview, query: QueueQuery, limit: int) -> QueuePage:
    """The samples of a list after the one that the query names, so many at most.

    Raises:
        HTTPException: If there is no such list, or the words sought cannot be sought.
    """
    if query.decision == "audit":
        return _audit_page(review, query, limit)
    mask = _by_people(review, query) & _searched(review, query)
    by_filter = mask & review.samples.wanted(_filter_of(query))
    order = order_of(review, query)
    if order is not None:
        return _part_of(order[by_filter[order]], query, review, limit)
    if not _begins_with_conflicts(query):
        return _in_order(_NOBODY, by_filter, query, review, limit)
    leading = review.conflicts.ranks
    # A label that a copy contradicts is suspicious, whatever the category.
    of_any_category = _filter_of(query.model_copy(update={"category": []}))
    by_filter[leading] = (mask & review.samples.wanted(of_any_category))[leading]
    return _in_order(leading, by_filter, query, review, limit)


def _begins_with_conflicts(query: QueueQuery) -> bool:
    """Whether a list is the queue, in which what is suspicious waits for decisions."""
    return query.decision in ("todo", "open") and query.category != ["easy"]


def _filter_of(query: QueueQuery) -> Filter:
    return Filter(
        query.label,
        tuple(query.category),
        query.suggested,
        query.subgroup,
        query.outlier,
        query.split,
    )


def _in_order(
    leading: Ranks, wanted: Mask, query: QueueQuery, review: RunInReview, limit: int
) -> QueuePage:
    """Those that are wanted after a sample: the leading ones in their order, then by rank."""
    grouped = int(np.count_nonzero(wanted[leading]))
    total, start = int(np.count_nonzero(wanted)), 0
    rest = wanted.copy()
    rest[leading] = False
    if query.after is not None:
        (after,) = ranks_of(review, [query.after]).tolist()
        # What was decided meanwhile is wanted no longer, and has its place all the same.
        places = np.flatnonzero(leading == after)
        start = 0 if len(places) else after + 1
        leading = leading[places[0] + 1 :] if len(places) else _NOBODY
    first = leading[wanted[leading]][:limit]
    others = start + np.flatnonzero(rest[start:])[: limit - len(first)]
    return QueuePage(np.concatenate([first, others]), total, grouped)


def _part_of(chosen: Ranks, query: QueueQuery, review: RunInReview, limit: int) -> QueuePage:
    """Those of a list in an order of its own that come after a sample."""
    start = 0
    if query.after is not None:
        (last,) = ranks_of(review, [query.after])
        start = int(np.flatnonzero(chosen == last)[0]) + 1 if last in chosen else len(chosen)
    return QueuePage(chosen[start : start + limit], len(chosen))


def _audit_page(review: RunInReview, query: QueueQuery, limit: int) -> QueuePage:
    """The same of an audit: in random order, and by no filter that would tell what is hidden."""
    mask = review.samples.wanted(Filter(query.label))
    mask &= review.standing.waits_for_audit(query.annotator) & _searched(review, query)
    drawn = review.team.drawn
    start = 0
    if query.after is not None:
        (after,) = ranks_of(review, [query.after])
        start = int(np.flatnonzero(np.append(drawn, after) == after)[0]) + 1
    rest = drawn[start:]
    return QueuePage(rest[mask[rest]][:limit], int(np.count_nonzero(mask)))


def _by_people(review: RunInReview, query: QueueQuery) -> Mask:
    """The samples that a filter by decisions wants, and of which something may be known."""
    mask = np.ones(len(review.samples), dtype=np.bool_)
    by_decision = review.standing.wanted(query.annotator, query.decision)
    if by_decision is not None:
        mask &= by_decision
    hidden = review.standing.hidden(query.annotator)
    return mask if hidden is None else mask & ~hidden


def _searched(review: RunInReview, query: QueueQuery) -> Mask:
    """The samples that have the words sought, or such a note, and are the annotator's to decide."""
    mask = np.ones(len(review.samples), dtype=np.bool_)
    if query.assigned:
        assigned = review.team.assigned(query.annotator)
        mask = mask if assigned is None else assigned.copy()
    if query.search:
        review.team.refresh()
        noted = [
            rank
            for rank, who in review.team.noted(query.search)
            if who == query.annotator or review.standing.sees_others(rank, query.annotator)
        ]
        found = _found(review, query.search).copy()
        found[noted] = True
        mask &= found
    return mask


def _found(review: RunInReview, words: str) -> Mask:
    """Which samples have some words, (n,) by rank.

    Raises:
        HTTPException: If the source of texts or rows cannot be read.
    """
    try:
        return review.search(words)
    except UserError as error:
        raise HTTPException(422, str(error)) from error
