"""Answers to a team: who did how much, how far they agree, notes, classes, and the audit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
from fastapi import FastAPI, Query

from dataparams.decisions.activity import activity
from dataparams.decisions.agreement import agreements
from dataparams.decisions.audit_sample import audit_in
from dataparams.decisions.audited_error_rate import error_rate_of
from dataparams.decisions.class_changes import add_class, rename_class
from dataparams.decisions.notes import LONGEST_NOTE, LONGEST_TAG, MOST_TAGS, write_note
from dataparams.review.refusing import ranks_of, refused_by_store, require_run
from dataparams.review.schemas import ClassRequest, Name, NoteRequest, Number  # noqa: TC001 - FastAPI reads them

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataparams.review.run_in_review import RunInReview
    from dataparams.review.standing import Standing

_DAYS = 7


def team_facts(review: RunInReview) -> dict[str, Any]:
    """What the page is told of a team when it is opened; classes by the names they have now."""
    team = review.team
    team.refresh()
    known = review.overview["classes"]
    added = {"count": 0, "easy": 0, "hard": 0, "review": 0, "unjudged": None}
    return {
        "classes": [
            {**(known[label] if label < len(known) else added), "name": name}
            for label, name in enumerate(team.class_names)
        ],
        "adjudicators": sorted(team.adjudicators),
        "assignments": [asdict(one) for one in team.assignments],
        "audit": {"drawn": len(team.drawn)} if team.is_auditing else None,
        "last_note": team.last_note(),
        "longest_note": LONGEST_NOTE,
        "longest_tag": LONGEST_TAG,
        "most_tags": MOST_TAGS,
    }


def add_team(app: FastAPI, review: RunInReview) -> None:
    """Serve what a team shares beside its decisions."""
    _add_people(app, review)
    _add_notes(app, review)
    _add_classes(app, review)
    _add_audit(app, review)


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
            "agreements": [asdict(pair) for pair in agreements(codes, standing.blind())],
            "activity": _activity(standing, codes),
            "today": datetime.now().astimezone().date().isoformat(),
        }


def _activity(standing: Standing, names: Iterable[str]) -> list[dict[str, Any]]:
    """What each of some annotators did on the last days, the last day first.

    One is read after the other: a million decisions take half a gigabyte at once.
    """
    since = (datetime.now(timezone.utc) - timedelta(days=_DAYS)).isoformat()
    days = [
        day
        for name in sorted(names)
        for day in activity(standing.history(since=since, annotator=name)).to_dicts()
    ]
    return sorted(days, key=lambda day: day["day"], reverse=True)


def _add_notes(app: FastAPI, review: RunInReview) -> None:
    @app.get("/api/samples/{index}/notes")
    def notes(index: Number, annotator: Name = "nobody") -> list[dict[str, Any]]:
        """The notes on a sample: one's own, and others' as soon as their decisions are told."""
        (rank,) = ranks_of(review, [index])
        review.team.refresh()
        sees_all = review.standing.sees_others(rank, annotator)
        return [
            {"annotator": note.annotator, "text": note.text, "tags": list(note.tags)}
            for note in review.team.notes_of(index)
            if sees_all or note.annotator == annotator
        ]

    @app.post("/api/notes")
    def write(request: NoteRequest) -> dict[str, Any]:
        """Write a note; when this answers, it is on the disk."""
        require_run(review, request.run)
        ranks_of(review, [request.index])
        with refused_by_store():
            is_written = write_note(
                review.team.database,
                request.request,
                request.annotator,
                request.index,
                request.text,
                request.tags,
            )
        review.team.refresh()
        return {
            "written": is_written,
            "progress": asdict(review.standing.progress(request.annotator)),
        }


def _add_classes(app: FastAPI, review: RunInReview) -> None:
    @app.post("/api/classes")
    def change(request: ClassRequest) -> dict[str, Any]:
        """Add a class, or rename one for all."""
        require_run(review, request.run)
        names, database = review.samples.class_names, review.team.database
        with refused_by_store():
            if request.label is None:
                label = add_class(database, names, request.request, request.annotator, request.name)
            else:
                label = request.label
                rename_class(
                    database, names, request.request, request.annotator, label, request.name
                )
        review.team.refresh()
        return {"label": label, "class_names": list(review.team.class_names)}


def _add_audit(app: FastAPI, review: RunInReview) -> None:
    @app.get("/api/audit")
    def audit(annotator: Annotated[Name, Query()] = "nobody") -> dict[str, Any] | None:
        """What the audit found so far; null where none was drawn."""
        drawn = audit_in(review.team.database)
        if drawn is None:
            return None
        samples = review.samples
        given = pl.DataFrame({"index": samples.index, "given": samples.label}).cast(pl.Int64)
        history = review.standing.history(of_audit=True)
        found = error_rate_of(drawn, history, tuple(review.team.adjudicators), given)
        remaining = found.remaining
        return {
            "words": found.words(),
            "drawn": found.drawn,
            "reviewed": found.reviewed,
            "skipped": found.skipped,
            "disputed": found.disputed,
            "at_worst": found.at_worst,
            "before": None if found.before is None else asdict(found.before),
            "remaining": None if remaining is None else asdict(remaining),
            "strata": [asdict(one) for one in found.strata],
            "mine": review.standing.progress(annotator).audit_mine,
        }
