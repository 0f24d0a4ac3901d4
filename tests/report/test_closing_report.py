"""The report that closes a case: its parts, in files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from closed_runs import ADJUDICATOR, settled_and_open
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.analysis.split_findings import SplitFindings
from dataparams.report import write_report
from dataparams.report.case import Case, case_of
from dataparams.report.people import decisions_of
from dataparams.report.settings import ReportSettings
from made_cases import (
    DUPLICATES,
    HOSTILE_NOTE,
    MeasuredRate,
    known_samples,
    made_case,
    made_decisions,
)
from made_reports import ColoredContents, as_audit, first_two, made_analysis

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.analysis.result import Analysis

SIZES = ({"hard": 14, "review": 3, "easy": 9}, {"hard": 2, "review": 0, "easy": 12})


@pytest.fixture(scope="module")
def audited() -> Analysis:
    return as_audit(made_analysis(SIZES, contents=ColoredContents((200, 300))))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, audited: Analysis) -> Path:
    """The folder of a report with everything in it."""
    folder = tmp_path_factory.mktemp("closed") / "report"
    return write_report(audited, folder, embed=first_two, case=made_case(audited)).parent


def words_of_page(file: Path) -> str:
    text = re.sub(r"<[^>]*>", "", file.read_text(encoding="utf-8").partition("<body>")[2])
    return " ".join(text.replace("&nbsp;", " ").replace("\xa0", " ").split())


def section(folder: Path, name: str) -> str:
    """The markup of a part of the first page."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    start = page.index(f'id="{name}"')
    return page[start : page.find("</section>", start)]


def written(analysis: Analysis, case: Case, folder: Path) -> Path:
    return write_report(analysis, folder / "report", embed=first_two, case=case).parent


def test_the_pictures_come_first_and_then_what_closes_the_case(closed):
    text = words_of_page(closed / "index.html")
    told = [
        "Shells &amp; snails",
        "A museum",
        "The most suspicious samples",
        "of 40 labels are probably wrong",
        "Every label was judged by",
        "the labels of 40 samples in 2 classes",
        "Those with the highest estimated share",
        "Most frequent confusions",
        "duplicates with different labels 1 finding",
        "2 people decided about 4 samples, on 30 January 2026",
        "The share of wrong labels that remains",
        "What training on the cleaned data was worth",
        "What is left to do",
        "Annex: every change",
    ]
    places = [text.find(words) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)
    page = (closed / "index.html").read_text(encoding="utf-8")
    assert page[: page.index('id="figures"')].count('class="card short') == 12


def test_what_somebody_wrote_is_text(closed):
    page = (closed / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(3)&lt;/script&gt; &amp; more" in page
    assert HOSTILE_NOTE not in page


def test_a_confusion_leads_to_a_list_of_its_samples(closed, audited):
    links = re.findall(r'href="(confused_\d+\.html)#(to-\d+)"', section(closed, "confusions"))
    assert set(links) == {("confused_0.html", "to-1"), ("confused_1.html", "to-0")}
    for file, place in links:
        page = (closed / file).read_text(encoding="utf-8")
        assert f'id="{place}"' in page
        label = int(file.removeprefix("confused_").removesuffix(".html"))
        confused = audited.of_class(label).filter(
            pl.col("suggested_label") != label, pl.col("suggested_confidence") >= 0.5
        )
        shown = re.findall(r'<p class="file name" title="([^"]+)"', page)
        assert sorted(shown) == sorted(confused["id"])


def test_findings_stand_side_by_side_with_pictures(closed):
    health = section(closed, "health")
    assert DUPLICATES in health
    first = health[health.index(DUPLICATES) :]
    first = first[: first.index("</li>\n</ul>")]
    assert first.count("<img") == 2
    assert health.count('class="finding"') == 5
    assert 'href="health.html#near_duplicates"' in health
    page = (closed / "health.html").read_text(encoding="utf-8")
    assert page.count("Group ") == 5
    assert "and 2 more samples" in page
    for link in re.findall(r'(?:src|href)="([^"#]+)', page):
        assert (closed / link).is_file()
    scope = section(closed, "scope")
    assert "the same in two splits: There is one split." in re.sub(r"\s+", " ", scope)


def test_samples_that_no_page_of_a_class_shows_have_pictures_of_their_own(tmp_path, audited):
    case = made_case(audited)
    report = write_report(
        audited, tmp_path / "report", embed=first_two, case=case, pile_limit=1
    ).parent
    page = (report / "health.html").read_text(encoding="utf-8")
    pictures = re.findall(r'<img src="([^"]+)"', page)
    assert all((report / picture).is_file() for picture in pictures)


def test_decisions_are_counted_before_and_after_and_by_whom(closed, audited):
    known = known_samples(audited)
    people = decisions_of(made_decisions(audited), known, audited.class_names)
    assert (people.decided, people.kept, people.relabeled, people.discarded) == (3, 1, 1, 1)
    assert (people.disputed, people.skipped) == (1, 1)
    assert people.found == [("hard", 2, 2), ("easy", 0, 1)]
    assert people.undecided == {"hard": 13, "review": 3}
    by_name = {row.name: row for row in people.classes}
    assert sum(row.before for row in people.classes) - 1 == sum(row.after for row in people.classes)
    assert by_name["cat"].to_others + by_name["dog"].to_others == 1
    text = section(closed, "people")
    words = " ".join(text.split())
    assert "1 sample discarded, 1 is disputed and counts for none of these." in words
    assert "On 1 sample they wanted different things: 1 is still open." in words
    assert ">ann<" in text
    assert ">bob<" in text
    assert "67%" in text  # they agree on two of three
    left = section(closed, "left")
    assert "13 hard samples are undecided" in left
    assert "1 sample is disputed" in left


def test_cards_say_what_was_decided(closed, audited):
    decided = decisions_of(
        made_decisions(audited), known_samples(audited), audited.class_names
    ).new_labels
    assert len(decided) == 3
    cards = {
        re.search(r'title="([^"]*)"', card).group(1): card
        for card in section(closed, "suspects").split("<li ")[1:]
    }
    told = 0
    for index, identifier, label in audited.frame.select("index", "id", "label").iter_rows():
        if identifier not in cards:
            continue
        words = " ".join(re.sub(r"<[^>]*>", "", cards[identifier].partition(">")[2]).split())
        if index not in decided:
            assert "Decided" not in words
            continue
        new, told = decided[index], told + 1
        said = "discarded" if new is None else f"now {audited.class_names[new]}"
        assert words.endswith(f"Decided: ✓ {'label kept' if new == label else said}")
    assert told == 2


def test_settled_disputes_are_told_apart_from_open_ones(tmp_path, audited):
    known = known_samples(audited)
    people = decisions_of(settled_and_open(), known, audited.class_names)
    counts = (people.differed, people.by_majority, people.by_adjudicator, people.disputed)
    assert counts == (3, 1, 1, 1)
    assert people.adjudicators == (ADJUDICATOR,)
    english = written(audited, replace(made_case(audited), people=people), tmp_path / "en")
    assert (
        "On 3 samples they wanted different things: 1 was settled by a majority of three or more "
        "people, 1 was settled by an adjudicator (eve), 1 is still open."
    ) in words_of_page(english / "index.html")
    assert 'eve</span> <span class="muted">adjudicator</span>' in section(english, "people")
    german = written(audited, replace(made_case(audited, "de"), people=people), tmp_path / "de")
    assert (
        "Bei 3 Beispielen wollten sie Verschiedenes: 1 hat eine Mehrheit von drei oder mehr "
        "Personen entschieden, 1 hat eine Schiedsperson entschieden (eve), 1 ist noch offen."
    ) in words_of_page(german / "index.html")
    assert ", 1 ist strittig und zählt zu keinem davon." in words_of_page(german / "index.html")
    assert "1 Beispiel ist strittig" in section(german, "left")


def test_people_who_agree_dispute_nothing(tmp_path, audited):
    agreed = made_decisions(audited).filter(pl.col("annotator") == "ann")
    agreed = pl.concat([agreed, agreed.with_columns(annotator=pl.lit("bob"))])
    people = decisions_of(agreed, known_samples(audited), audited.class_names)
    report = written(audited, replace(made_case(audited), people=people), tmp_path)
    assert "Nothing is disputed." in section(report, "people")


def test_the_share_of_wrong_labels_of_each_split_is_told_with_its_interval(tmp_path, audited):
    splits = (
        SplitFindings("train", 4000, 0.1, NoiseEstimate(0.032, 0.02, 0.05)),
        SplitFindings("val", 64, 0.05),
        SplitFindings("test", 400, 0.05),
        SplitFindings("extra", 200),
    )
    analysis = replace(audited, findings=replace(audited.findings, splits=splits))
    report = written(analysis, made_case(audited), tmp_path)
    text = re.sub(r"<[^>]*>", " ", section(report, "splits"))
    assert re.search(r"train\s+4,000\s+3\.2%\s+2\.0% \u2013 5\.0%", text)
    assert re.search(r"val\s+64\s+too few to tell", text)
    assert re.search(r"test\s+400\s+cannot be told", text)
    assert re.search(r"extra\s+200\s+not judged", text)
    assert "of fewer than 100 samples nothing is told" in text
    assert "where the sample itself looks like the class that it was given" in text
    assert 'href="#splits"' in (report / "index.html").read_text(encoding="utf-8")


def test_of_one_split_there_is_no_table_of_splits(closed):
    page = (closed / "index.html").read_text(encoding="utf-8")
    assert 'id="splits"' not in page
    assert 'href="#splits"' not in page


def test_nobody_who_decided_is_asked_to_begin(tmp_path, audited):
    case = replace(made_case(audited), people=None, retraining=None, audited=None)
    report = written(audited, case, tmp_path)
    assert "Nobody has decided about a sample yet" in section(report, "left")
    page = (report / "index.html").read_text(encoding="utf-8")
    assert 'id="people"' not in page
    assert 'id="audited"' not in page
    decided = written(audited, made_case(audited, audited=MeasuredRate(rate=None)), tmp_path)
    assert "Nobody has decided" not in section(decided, "left")
    assert "Begun: 180 of 200 drawn samples" in section(decided, "audited")


def test_the_measured_rate_is_told_with_its_interval_and_what_is_open(closed):
    text = " ".join(section(closed, "audited").split())
    assert "3.4%" in text
    assert "95% interval: 1.2% to 7.1%" in text
    assert "180 of 200 drawn samples were looked at." in text
    assert "As given, 13.1% of the labels were wrong (95% interval: 10.0% to 17.0%)." in text
    assert "were all 5 wrong that were skipped or are disputed, it would be 6.0%" in text
    assert text.count("<tr>") == 4
    assert "20 drawn samples of the blind audit are not looked at yet." in section(closed, "left")


def test_a_gain_that_chance_explains_is_called_within_noise(closed, tmp_path, audited):
    text = section(closed, "retraining")
    assert "within noise" in text
    assert "+2.0 points, 95% interval \N{MINUS SIGN}2.0 to +5.5" in text
    case = made_case(audited)
    paired = replace(case.retraining.paired, low=0.004, chance=0.01)
    sure = replace(case, retraining=replace(case.retraining, paired=paired))
    assert ">better<" in section(written(audited, sure, tmp_path), "retraining")


def test_every_change_is_in_the_annex_and_in_a_table_for_spreadsheets(tmp_path, audited):
    report = written(audited, made_case(audited, changes=601), tmp_path)
    assert section(report, "annex").count("<tr>") == 251
    pages = [report / f"changes_{number}.html" for number in (1, 2, 3)]
    rows = [page.read_text(encoding="utf-8").count('<th scope="row"') for page in pages]
    assert rows == [250, 250, 101]
    assert not (report / "changes_4.html").exists()
    table = pl.read_csv(report / "changes.csv")
    assert len(table) == 601
    assert table["id"][0] == "'=1+1.jpg"
    few = written(audited, made_case(audited, changes=2), tmp_path)
    assert not (few / "changes_1.html").exists()
    none = written(audited, made_case(audited, changes=0), tmp_path)
    assert "0 changes in all" in section(none, "annex")


def test_a_report_of_arrays_needs_nothing_of_a_run_folder(tmp_path):
    analysis = made_analysis()
    report = write_report(analysis, tmp_path / "report", embed=first_two).parent
    text = words_of_page(report / "index.html")
    assert "duplicates, leaks between splits" in text
    assert case_of(analysis).settings == ReportSettings()


def test_a_german_report_says_nothing_in_english_but_names_and_findings(tmp_path, audited):
    report = written(audited, made_case(audited, "de", changes=300), tmp_path)
    for page in report.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert '<html lang="de">' in text
        # What other rooms say in English is marked as that.
        own = re.sub(r'<span lang="en">.*?</span>', "", text.partition("<body>")[2])
        plain = re.sub(r"<[^>]*>", " ", own).replace("night &amp; fog", "")
        english = re.findall(r"\b(?:the|of|and|with|samples?|labels? are|is)\b", plain)
        assert english == [], page.name
    overview = words_of_page(report / "index.html")
    for expected in ("31. Januar 2026", "12,3 %", "Zu prüfen", "Was noch zu tun ist", "3,4 %"):
        assert expected in overview
    script = (report / "assets" / "report.js").read_text(encoding="utf-8")
    assert '"shared.review": "Zu prüfen"' in script
    chunk = (report / "class_0" / "hard_0.js").read_text(encoding="utf-8")
    assert "Klassifikatoren, die es nie gesehen haben" in chunk.encode().decode("unicode_escape")


def test_very_many_samples_make_the_closing_parts_no_larger(tmp_path):
    many = made_analysis([{"hard": 1200, "easy": 10}, {"hard": 3, "easy": 10}])
    case = replace(made_case(many), changes=None)
    report = write_report(many, tmp_path / "report", embed=first_two, case=case, pile_limit=16)
    page = (report.parent / "confused_0.html").read_text(encoding="utf-8")
    assert page.count('<li class="card hard"') == 48
    assert page.count('<li class="name">') == 200
    assert "952 more are in analysis.parquet" in page
