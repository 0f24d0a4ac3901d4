"""What is left to do about the data of a report, in a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.health.findings import KINDS, LABEL_CONFLICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.report.case import Case
    from dataparams.report.language import Language
    from dataparams.report.people import PeoplesDecisions

_CERTAIN = (LABEL_CONFLICTS, "leakage", "exact_duplicates", "overlapping_classes")
"""Kinds of findings that somebody must act on; the others are worth a look."""
_OF_COPIES = (LABEL_CONFLICTS, "leakage", "exact_duplicates")
"""Those that are settled where one copy is left."""


def left_words(analysis: Analysis, case: Case, shown_in: Language) -> list[str]:
    """What is left to do, the most urgent first; nothing where all is done.

    Args:
        analysis: What is reported.
        case: What is known beside it.
        shown_in: The language.
    """
    say = shown_in.say
    counts = {
        "left.disputed": case.people.disputed if case.people is not None else 0,
        **_undecided(analysis, case),
        "left.audit": _not_audited(case),
        "left.damaged": case.scope.damaged,
        "left.unjudged": len(case.scope.unjudged_classes),
    }
    lines: list[str] = [say(key, count=count) for key, count in counts.items() if count]
    lines += _findings(case, shown_in)
    if case.people is None and (counts["left.hard"] or counts["left.review"]):
        lines.append(say("left.start"))
    elif case.people is not None and case.people.relabeled + case.people.discarded:
        lines += [say("left.apply", count=case.waiting)] if case.waiting else []
        lines += [] if case.retraining is not None else [say("left.retrain")]
    return lines


def _undecided(analysis: Analysis, case: Case) -> dict[str, int]:
    if case.people is not None:
        return {f"left.{name}": count for name, count in case.people.undecided.items()}
    categories = analysis.frame["category"]
    return {f"left.{name}": int((categories == name).sum()) for name in ("hard", "review")}


def _not_audited(case: Case) -> int:
    return 0 if case.audited is None else case.audited.drawn - case.audited.reviewed


def _findings(case: Case, shown_in: Language) -> list[str]:
    if case.health is None:
        return []
    found = case.health.table
    counts = {
        kind: sum(
            not _is_settled(kind, samples, case.people)
            for samples in found.filter(pl.col("kind") == kind)["samples"].to_list()
        )
        for kind in _CERTAIN
    }
    return [
        shown_in.say("left.health", count=count, title=shown_in.translated(KINDS[kind]))
        for kind, count in counts.items()
        if count
    ]


def _is_settled(kind: str, samples: Sequence[int], people: PeoplesDecisions | None) -> bool:
    """Whether people's decisions leave one of some copies, or one label of all of them."""
    if people is None or kind not in _OF_COPIES:
        return False
    decided = people.agreed.filter(pl.col("index").is_in(list(samples)))
    labels = decided["new_label"].drop_nulls()
    discarded = len(decided) - len(labels)
    if discarded >= len(samples) - 1:
        return True
    return kind == LABEL_CONFLICTS and len(decided) == len(samples) and labels.n_unique() == 1
