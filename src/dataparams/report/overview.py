"""The first page: the worst samples, the verdict, what was done about it, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis.class_temperatures import ranked_classes
from dataparams.analysis.judged_by import NOT_SEEN
from dataparams.analysis.split_findings import FEWEST_OF_SPLIT
from dataparams.analysis.suggestions import outliers
from dataparams.report.changes_pages import shown_changes
from dataparams.report.health_findings import FIRST_FINDINGS
from dataparams.report.left_to_do import left_words
from dataparams.report.method_words import method_words
from dataparams.report.overview_charts import band_charts, class_chart, confusion_matrix
from dataparams.report.pages import render, sample_words
from dataparams.report.samples import SHOWN_ORDER, subgroup_name
from dataparams.report.scope import checked_words, not_checked_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.report.case import Case
    from dataparams.report.cited_samples import CitedSample
    from dataparams.report.health_findings import ShownHealth
    from dataparams.report.language import Language
    from dataparams.report.people import PeoplesDecisions
    from dataparams.report.retraining import Retraining
    from dataparams.report.samples import SampleDetails

_MOST_CLASSES_IN_MATRIX = 30
_CONFUSIONS_BESIDE_MATRIX = 8
_CONFUSIONS_ALONE = 30
_SUBGROUPS = 30
_PARTS = (
    *("suspects", "contents", "figures", "verdict", "splits", "scope", "classes"),
    *("confusions", "far"),
    *("health", "people", "audited", "retraining", "left", "subgroups", "class_temperatures"),
    *("trajectories", "how", "annex"),
)
"""The first screen is what a client is shown: pictures, then the verdict."""


@dataclass(frozen=True, eq=False)
class Suspect:
    """One of the most suspicious samples.

    Attributes:
        sample: What is known of it.
        page: The page of its class.
        reference: How that page calls it, ``hard:0``.
        suspicion: By what samples of several classes are compared: suspicion, or distance.
    """

    sample: SampleDetails
    page: str
    reference: str
    suspicion: float


@dataclass(frozen=True, eq=False)
class ShownSamples:
    """The samples that the first page shows.

    Attributes:
        suspects: The most suspicious, the most suspicious first.
        far: Those farthest from all classes, the farthest first.
        corrected: Some whose label people corrected, with the label before and after.
        health: What was found beside the labels, with samples; None where nobody looked.
        confused: Numbers of given and likelier class of the confusions whose samples have a page.
    """

    suspects: Sequence[Suspect]
    far: Sequence[Suspect] = ()
    corrected: Sequence[CitedSample] = ()
    health: ShownHealth | None = None
    confused: frozenset[tuple[int, int]] = frozenset()


def overview_page(
    analysis: Analysis,
    case: Case,
    present: Sequence[int],
    samples: ShownSamples,
    shown_in: Language,
) -> str:
    """The first page.

    Args:
        analysis: What is reported.
        case: What is told beside it.
        present: The classes that have a page.
        samples: The samples that the page shows.
        shown_in: Its language.
    """
    values = {
        **sample_words(analysis),
        **_head(analysis, case, present, shown_in),
        **_judged(analysis),
        **_case(analysis, case, shown_in),
        **vars(samples),
        "present": set(present),
        "parts": _PARTS,
    }
    return render("overview.html", shown_in, **values, contents=_contents(values))


def report_title(analysis: Analysis, case: Case) -> str:
    """The title of the report: the chosen one, or the name of what was analyzed."""
    return case.settings.title or analysis.name


def _head(
    analysis: Analysis, case: Case, present: Sequence[int], shown_in: Language
) -> dict[str, Any]:
    """What the page is headed with."""
    return {
        "title": report_title(analysis, case),
        "result": _result_words(analysis, shown_in),
        "done": _done_words(case, shown_in),
        "settings": case.settings,
        "day": case.day,
        "total_words": shown_in.say("case.labeled", count=len(analysis.frame)),
        "classes_words": shown_in.say("unit.classes", count=len(present)),
    }


def _result_words(analysis: Analysis, shown_in: Language) -> str:
    """How many labels are probably wrong, in a few words."""
    noise, total = analysis.noise, len(analysis.frame)
    if not noise.is_known:
        return shown_in.say("figures.unknown")
    shares = (noise.rate, noise.low, noise.high)
    if analysis.judged_by is None:
        rate, low, high = map(shown_in.percent, shares)
        return shown_in.say("case.result_share", rate=rate, low=low, high=high)
    count, low_count, high_count = (round(share * total) for share in shares)
    return shown_in.say(
        "case.result_counts", wrong=count, total=total, low=low_count, high=high_count
    )


def _done_words(case: Case, shown_in: Language) -> str:
    """What people did about it, and what share of wrong labels they measured; or nothing."""
    parts: list[str] = []
    if case.people is not None:
        counts = {"relabeled": case.people.relabeled, "discarded": case.people.discarded}
        parts += [shown_in.say(f"people.{name}", count=count) for name, count in counts.items()]
    rate = case.audited
    if rate is not None and None not in (rate.rate, rate.low, rate.high):
        share, low, high = map(shown_in.percent, (rate.rate or 0, rate.low or 0, rate.high or 0))
        parts.append(shown_in.say("case.remaining", rate=share, low=low, high=high))
    return "; ".join(parts)


def _judged(analysis: Analysis) -> dict[str, Any]:
    """What was found for the labels."""
    counts = dict(analysis.frame["category"].value_counts().iter_rows())
    names, table = analysis.class_names, analysis.class_temperatures
    confused = analysis.confusions.filter(pl.col("label") != pl.col("suggested_label"))
    has_matrix = 1 < len(names) <= _MOST_CLASSES_IN_MATRIX
    most = _CONFUSIONS_BESIDE_MATRIX if has_matrix else _CONFUSIONS_ALONE
    return {
        "analysis": analysis,
        "total": len(analysis.frame),
        "counts": [(category, counts.get(category, 0)) for category in SHOWN_ORDER],
        "classes": _classes(analysis.classes),
        "judged_by": analysis.judged_by,
        "not_seen": NOT_SEEN,
        "outliers": int(outliers(analysis.frame).sum()),
        "splits": analysis.findings.splits,
        "fewest_of_split": FEWEST_OF_SPLIT,
        "matrix": confusion_matrix(analysis.confusions, names) if has_matrix else None,
        "confusions": confused.head(most).to_dicts(),
        "confusions_total": len(confused),
        "charts": band_charts(analysis.bands, analysis.epochs),
        "class_chart": None if table is None else class_chart(table),
        "temperatures": None if table is None else _last_temperatures(table),
        "subgroups": _subgroups(analysis.subgroups),
        "subgroups_total": len(analysis.subgroups),
    }


def _case(analysis: Analysis, case: Case, shown_in: Language) -> dict[str, Any]:
    """What was checked, decided and gained."""
    people, classes = case.people, len(analysis.class_names)
    decided = 0 if people is None else people.looked_at
    audited = case.audited
    return {
        "scope": case.scope,
        "scope_checked": checked_words(case.scope, case.health, decided, classes, shown_in),
        "scope_not_checked": not_checked_words(case.scope, case.health, shown_in),
        "method": method_words(analysis, shown_in),
        "first_findings": FIRST_FINDINGS,
        "people": people,
        **({} if people is None else _people_words(people, shown_in)),
        "audited": audited if audited is not None and audited.rate is not None else None,
        "begun": audited,
        "retraining": case.retraining,
        **({} if case.retraining is None else _retraining_words(case.retraining, shown_in)),
        "left": left_words(analysis, case, shown_in),
        "changes": None if case.changes is None else shown_changes(case.changes),
    }


def _people_words(people: PeoplesDecisions, shown_in: Language) -> dict[str, Any]:
    first, last = shown_in.day(people.first), shown_in.day(people.last)
    key = "people.period_day" if first == last else "people.period"
    return {
        "people_words": shown_in.say("people.count", count=len(people.annotators)),
        "period": shown_in.say(key, day=first, first=first, last=last),
        "differed": _differed_words(people, shown_in),
    }


def _differed_words(people: PeoplesDecisions, shown_in: Language) -> list[str]:
    """What became of the samples on which people wanted different things."""
    counts = {
        "people.by_majority": people.by_majority,
        "people.by_adjudicator": people.by_adjudicator,
        "people.open": people.disputed,
    }
    names = ", ".join(people.adjudicators)
    return [shown_in.say(key, count=count, names=names) for key, count in counts.items() if count]


def _retraining_words(retraining: Retraining, shown_in: Language) -> dict[str, str]:
    """Differences in points of percent, with their signs."""
    paired = retraining.paired
    return {
        name: shown_in.numeral(f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}"))
        for name, value in (
            ("points", paired.difference),
            ("low_points", paired.low),
            ("high_points", paired.high),
        )
    }


def _contents(values: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts that the page names on top: their anchors, and keys of what they are called."""
    is_there = {
        "figures": True,
        "splits": values["splits"],
        "scope": True,
        "classes": True,
        "confusions": values["confusions"],
        "far": values["far"],
        "health": values["health"],
        "people": values["people"],
        "audited": values["audited"] or values["people"],
        "retraining": values["retraining"],
        "left": True,
        "how": True,
        "annex": values["changes"],
    }
    return [(name, f"contents.{name}") for name, there in is_there.items() if there]


def _last_temperatures(table: pl.DataFrame) -> dict[int, float]:
    return dict(ranked_classes(table).select("label", "temperature").iter_rows())


def _classes(classes: pl.DataFrame) -> list[dict[str, Any]]:
    """A dictionary per class: most wrong labels first, and what cannot be judged at the end."""
    order = classes.sort(
        pl.col("unjudged").is_not_null(),
        "noise_rate",
        "hard",
        descending=[False, True, True],
        nulls_last=True,
    )
    return order.to_dicts()


def _subgroups(subgroups: pl.DataFrame) -> list[dict[str, Any]]:
    """The largest sub-groups."""
    rows = subgroups.sort("count", descending=True).head(_SUBGROUPS).to_dicts()
    return [{**row, "name": subgroup_name(row["subgroup"])} for row in rows]
