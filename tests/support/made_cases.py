"""Reports that close a case, of analyses that tests make: findings, decisions, changes, figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from dataparams.analysis.paired_accuracy import PairedAccuracy
from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.report.case import Case
from dataparams.report.people import decisions_of
from dataparams.report.retraining import Retraining
from dataparams.report.scope import scope_of
from dataparams.report.settings import ReportSettings

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import HealthFindings
    from dataparams.report.language import LanguageCode

HOSTILE_NOTE = "<script>alert(3)</script> & more"
DUPLICATES = "The same picture twice, with two labels."


@dataclass(frozen=True)
class Share:
    """A share with its interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Stratum:
    """What was found in a pile."""

    name: str
    size: int
    drawn: int
    reviewed: int
    wrong: int


@dataclass(frozen=True)
class MeasuredRate:
    """A share of wrong labels that people measured."""

    rate: float | None = 0.034
    low: float | None = 0.012
    high: float | None = 0.071
    before: Share | None = Share(0.131, 0.1, 0.17)
    at_worst: float | None = 0.06
    reviewed: int = 180
    drawn: int = 200
    skipped: int = 3
    disputed: int = 2
    strata: tuple[Stratum, ...] = (
        Stratum("easy", 1700, 100, 90, 1),
        Stratum("hard", 200, 60, 55, 50),
        Stratum("review", 100, 40, 35, 12),
    )


def made_case(
    analysis: Analysis,
    language: LanguageCode = "en",
    *,
    changes: int = 3,
    audited: MeasuredRate | None = MeasuredRate(),
) -> Case:
    """A case with everything in it, of an analysis with three hard samples or more."""
    return Case(
        settings=ReportSettings(
            title="Shells & snails", client="A museum", note=HOSTILE_NOTE, language=language
        ),
        scope=scope_of(analysis, None),
        day=date(2026, 1, 31),
        health=made_findings(analysis),
        people=decisions_of(
            made_decisions(analysis), known_samples(analysis), analysis.class_names
        ),
        retraining=Retraining(
            "before", "after", PairedAccuracy(200, 0.7, 0.72, 9, 5, -0.02, 0.055, 0.42), 900, 880, 3
        ),
        audited=audited,
        changes=made_changes(changes),
    )


def known_samples(analysis: Analysis) -> pl.DataFrame:
    return analysis.frame.select("index", "label", "category", "suspicion")


def made_findings(analysis: Analysis) -> HealthFindings:
    """Duplicates of two classes, five groups of near ones, one that is nowhere, nothing dark."""
    index = analysis.frame["index"].to_list()
    near = [
        Finding("near_duplicates", index[start : start + 10], 0.5 + 0.01 * start, f"Group {start}.")
        for start in range(5)
    ]
    both = [index[0], index[-1]]
    findings = [
        Finding("duplicates_with_different_labels", both, 1.0, DUPLICATES, [0, 1]),
        *near,
        Finding("damaged", [10_000_000], 1.0, "It cannot be read."),
    ]
    kinds = ["duplicates_with_different_labels", "near_duplicates", "damaged", "dark"]
    return joined_findings([findings_table(findings)], kinds, {"leakage": "There is one split."})


def made_decisions(analysis: Analysis) -> pl.DataFrame:
    """Ann and Bob agree on a relabel and a discard, dispute one, and Ann keeps and skips one."""
    hard = analysis.frame.filter(pl.col("category") == "hard").sort("suspicion", descending=True)
    easy = analysis.frame.filter(pl.col("category") == "easy")["index"]
    first, second, third = (hard.row(place, named=True) for place in range(3))
    other = (first["label"] + 1) % len(analysis.class_names)
    rows = [
        (first["index"], "ann", "relabel", other),
        (first["index"], "bob", "relabel", other),
        (second["index"], "ann", "discard", None),
        (second["index"], "bob", "discard", None),
        (third["index"], "ann", "keep", third["label"]),
        (third["index"], "bob", "discard", None),
        (easy[0], "ann", "keep", int(analysis.frame.filter(index=easy[0])["label"][0])),
        (easy[1], "ann", "skip", None),
    ]
    columns = ["index", "annotator", "action", "label"]
    made = pl.DataFrame(rows, schema=columns, orient="row")
    return made.with_columns(made_at=pl.lit("2026-01-30T09:00:00+00:00"))


def made_changes(count: int) -> pl.DataFrame:
    """Changes of labels, the first of which would be a formula in a spreadsheet."""
    kinds = ["relabel", "discard"]
    return pl.DataFrame(
        {
            "index": range(count),
            "id": ["=1+1.jpg", *(f"cat/{row}.jpg" for row in range(1, count))][:count],
            "old_label": ["cat"] * count,
            "new_label": [None if row % 2 else "dog" for row in range(count)],
            "action": [kinds[row % 2] for row in range(count)],
            "who": ["ann, bob"] * count,
            "when": ["2026-01-30T09:00:00+00:00"] * count,
            "why": ["Two people agreed."] * count,
        },
        schema_overrides={"new_label": pl.String},
    )
