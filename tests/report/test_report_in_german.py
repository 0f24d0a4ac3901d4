"""A report in German says nothing in English but what is the user's own: all of it, of any kind."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from closed_runs import decide
from dataparams.analysis import current_analysis
from dataparams.analysis.noise_rate import UNKNOWN_NOISE
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.health.health_of_run import new_findings
from dataparams.report import write_report
from dataparams.report.case import Case, case_of
from dataparams.report.scope import scope_of
from dataparams.report.settings import ReportSettings
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import progress_display
from made_cases import HOSTILE_NOTE, made_case
from made_reports import ColoredContents, as_audit, first_two, made_analysis
from made_split_audits import audit_of_splits, split_photographs
from visible_words import of_several_words, passages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dataparams.analysis.result import Analysis
    from dataparams.report.language import LanguageCode

KINDS = ("photographs", "texts", "rows")
WRITTEN_BY_HAND = (
    "Shells & snails",
    "A museum",
    "Looked at by us, twice.",
    "ann",
    "bob",
    "cid",
    "dan",
    "eve",
)
ENGLISH = re.compile(r"\b(?:the|of|and|with|samples?|labels? are|is|were|by)\b")


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, text_run: RunFolder, row_run: RunFolder
) -> dict[str, RunFolder]:
    """A run of each kind, looked through for health, about which people have decided."""
    folder = tmp_path_factory.mktemp("runs")
    made = {"photographs": audit_of_splits(folder / "audit", split_photographs(folder / "photos"))}
    for name, run in (("texts", text_run), ("rows", row_run)):
        made[name] = RunFolder(shutil.copytree(run.path, folder / name))
    for run in made.values():
        with progress_display("health") as display:
            new_findings(run, display, analysis=current_analysis(run))
        decide(run)
    return made


def told(analysis: Analysis, cases: dict[LanguageCode, Case], folder: Path) -> list[set[str]]:
    """The passages of a report in English and in German, without what is the user's own."""
    own = set(own_words(analysis))
    found = []
    for code, case in cases.items():
        report = write_report(analysis, folder / code, embed=first_two, case=case).parent
        found.append(passages(report, own))
    return found


def own_words(analysis: Analysis) -> Iterable[str]:
    """What stands in a report that nobody translates: names, contents, and what was written."""
    yield from (*WRITTEN_BY_HAND, HOSTILE_NOTE, "Two people agreed.")
    yield from analysis.class_names
    ids = analysis.frame["id"].to_list()
    for one in ids:
        yield from (one, one.rpartition("/")[2])
    if analysis.run is not None:
        yield from (sample.id for sample in analysis.run.unreadable())
    contents = [] if analysis.contents is None else analysis.contents.read(ids)
    for content in contents:
        if isinstance(content, Text):
            # A page shows a text from its first line, and may end it with an ellipsis.
            yield from (content.text, *map(str.strip, content.text.splitlines()))
            yield from re.split(r"(?<=[.!?])\s+", content.text)
        if isinstance(content, Row):
            yield from (str(cell) for cell in (*content.columns, *content.cells))


def in_english(german: set[str], english: set[str]) -> list[str]:
    same = of_several_words(german & english)
    return sorted(same | {one for one in german if ENGLISH.search(one)})


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_whole_report_stays_english(
    runs: dict[str, RunFolder], tmp_path: Path, kind: str
) -> None:
    run = runs[kind]
    analysis = current_analysis(run)
    made = made_case(analysis)
    cases: dict[LanguageCode, Case] = {}
    for code in ("en", "de"):
        settings = ReportSettings("Shells & snails", "A museum", "Looked at by us, twice.", code)
        cases[code] = replace(case_of(analysis, settings), retraining=made.retraining)
    case = cases["de"]
    assert case.people is not None
    assert (case.people.by_majority, case.people.by_adjudicator, case.people.disputed) == (1, 1, 1)
    assert case.health is not None
    assert len(case.health.table) or kind == "rows"
    assert case.health.not_checked
    assert case.audited is not None
    assert case.changes is not None
    assert len(case.changes)
    english, german = told(analysis, cases, tmp_path)
    assert len(english) > 60
    assert len(german) > 60
    assert in_english(german, english) == []


def test_nothing_of_an_empty_report_stays_english(tmp_path: Path) -> None:
    analysis = as_audit(made_analysis(contents=ColoredContents()))
    unknown = replace(analysis.findings, noise=UNKNOWN_NOISE)
    analysis = replace(analysis, findings=unknown, contents=None)
    cases: dict[LanguageCode, Case] = {
        code: Case(ReportSettings(language=code), scope_of(analysis, None)) for code in ("en", "de")
    }
    english, german = told(analysis, cases, tmp_path)
    assert in_english(german, english) == []


def test_nothing_of_a_report_of_everything_at_once_stays_english(tmp_path: Path) -> None:
    sizes = [{"hard": 14, "review": 3, "easy": 9}, {"hard": 2, "easy": 12}]
    analysis = made_analysis(sizes, contents=ColoredContents(), has_class_temperatures=True)
    cases: dict[LanguageCode, Case] = {
        code: replace(made_case(analysis, code, changes=300), health=None) for code in ("en", "de")
    }
    english, german = told(analysis, cases, tmp_path)
    assert in_english(german, english) == []
