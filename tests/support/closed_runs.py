"""Runs in which people have decided: settled and open disputes, an audit, every kind of action."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis import current_analysis
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.audit_sample import draw_audit
from dataparams.decisions.store import Decision, DecisionStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.run.folder import RunFolder

ADJUDICATOR = "eve"


def decide(run: RunFolder) -> None:
    """Have four people decide about the six most suspicious samples and an audit of 60.

    The first is relabeled and the second discarded with one voice, a majority of three settles the
    third, the adjudicator the fourth; the fifth stays disputed, and the sixth is skipped.
    """
    analysis = current_analysis(run)
    frame = analysis.frame.sort("suspicion", descending=True)
    rows = frame.head(6).select("index", "label").rows()
    other = {index: (label + 1) % len(analysis.class_names) for index, label in rows}
    (first, _), (second, _), (third, own), (fourth, kept), (fifth, held), (sixth, _) = rows
    to_other = [Decision(one, "relabel", other[one]) for one in (first, third, fourth, fifth)]
    discarded = Decision(second, "discard")
    ann: Sequence[Decision] = [*to_other, discarded, Decision(sixth, "skip")]
    bob = [
        *(to_other[0], discarded, Decision(third, "keep", own)),
        *(Decision(fourth, "keep", kept), Decision(fifth, "keep", held)),
    ]
    cid = [Decision(third, "relabel", other[third])]
    eve = [Decision(fourth, "relabel", other[fourth])]
    with closing(DecisionStore(run.review)) as store:
        set_adjudicator(store.database, ADJUDICATOR)
        for name, decisions in (("ann", ann), ("bob", bob), ("cid", cid), (ADJUDICATOR, eve)):
            store.record(f"of {name}", name, decisions)
        judged = frame.select("index", "category", "noise_probability")
        drawn = draw_audit(store.database, judged, 60).samples["index"].to_list()
        given = dict(frame.select("index", "label").iter_rows())
        looked_at = [Decision(one, "keep", given[one]) for one in drawn if one not in other]
        store.record("audit", "dan", looked_at[:-3], is_audit=True)


def settled_and_open() -> pl.DataFrame:
    """Decisions in force: sample 1 is settled by a majority, 4 by an adjudicator, 7 by nobody."""
    rows = [
        (1, "ann", "relabel", 1, False),
        (1, "bob", "keep", 0, False),
        (1, "cid", "relabel", 1, False),
        (4, "ann", "relabel", 1, False),
        (4, "bob", "keep", 0, False),
        (4, ADJUDICATOR, "keep", 0, True),
        (7, "ann", "discard", None, False),
        (7, "bob", "keep", 0, False),
    ]
    columns = ["index", "annotator", "action", "label", "is_adjudicator"]
    made = pl.DataFrame(rows, schema=columns, orient="row")
    return made.with_columns(made_at=pl.lit("2026-01-30T09:00:00+00:00"))
