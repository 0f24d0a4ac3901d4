"""The report that closes a case in a browser: from disk, at all widths, and on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.report import write_report
from dataparams.report.people import ClassBeforeAfter
from made_cases import made_case
from made_reports import ColoredContents, as_audit, first_two, made_analysis
from watched_pages import opened_from_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAMES = ("cat", "dog", "a name of a class that is quite long", *(f"class {n}" for n in range(21)))
LONG_NAMES = (
    "Schmetterlinge_und_Falter_suedlich",
    "Rotkehlchen-Weibchen-juvenil",
    "painted turtle (Chrysemys picta bellii)",
    "Donaudampfschifffahrtskapitaenspatent",
    "cat",
    "northern_cardinal_male_juvenile",
)
PAGES = ("index.html", "health.html", "confused_0.html", "changes_1.html", "class_0.html")
A4 = 182  # Millimeters between the margins.
PAPER = round(A4 / 25.4 * 96)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One report in each language, of 24 classes, with more changes than a page has."""
    folder = tmp_path_factory.mktemp("closed")
    sizes = [{"hard": 14, "review": 3, "easy": 9}, *[{"hard": 1, "easy": 2}] * 23]
    analysis = as_audit(made_analysis(sizes, names=NAMES, contents=ColoredContents((200, 300))))
    for code in ("en", "de"):
        case = made_case(analysis, code, changes=260)
        write_report(analysis, folder / code, embed=first_two, case=case)
    return folder


@pytest.fixture
def open_report(browser: Browser, reports: Path) -> Iterator[Callable[..., Page]]:
    """Opens pages of the reports."""
    with opened_from_disk(browser, reports) as opening:
        yield opening


@pytest.mark.parametrize("width", [360, 768, 1280, 2560])
def test_no_page_scrolls_sideways(open_report, width):
    page = open_report("de/index.html", width)
    for name in PAGES:
        page.goto(page.url.rpartition("/")[0] + f"/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") == width, name


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_worst_twelve_are_seen_first(open_report, language):
    page = open_report(f"{language}/index.html")
    shown = page.locator(".suspects .card")
    assert shown.count() == 12
    boxes = [one.bounding_box() for one in shown.all()]
    assert max(box["y"] + box["height"] for box in boxes) <= 900
    assert page.evaluate(
        "[...document.querySelectorAll('.suspects img')].every((one) => one.naturalWidth > 0)"
    )


def test_a_cell_opens_its_samples_and_these_the_enlarged_one(open_report):
    page = open_report("en/index.html")
    page.locator(".matrix td a").first.click()
    page.wait_for_url("**/confused_0.html#to-1")
    card = page.locator(".card-link").first
    name = card.get_attribute("aria-label")
    card.click()
    page.wait_for_url("**/class_0.html#hard-*")
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-file").inner_text() in name


def test_a_sample_of_a_finding_opens_in_its_class(open_report):
    page = open_report("en/index.html")
    page.locator("#health + p + .health-kinds .cited-link").first.click()
    page.wait_for_url("**/class_*.html#*")
    page.locator("dialog[open]").wait_for()


def test_what_was_decided_is_told_in_the_single_view(open_report):
    page = open_report("de/index.html")
    page.locator(".suspects .decided").first.wait_for()
    card = page.locator(".suspects .card", has=page.locator(".decided")).first
    words = card.locator(".decided .name").inner_text()
    assert words == "aussortiert" or words.startswith("jetzt ")
    card.locator(".card-link").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-decided").inner_text() == words
    page.locator("#zoom-close").click()
    told = page.locator(".card .decided:visible")
    assert words in told.locator(".name").all_inner_texts()
    assert told.count() < page.locator(".card").count()


def test_scripts_speak_the_language_of_the_report(open_report):
    page = open_report("de/class_0.html")
    page.locator("#hard-0 a").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-count").inner_text() == "1 von 14"
    assert "Schwer" in page.locator(".zoom-place").inner_text()
    assert "Klassifikatoren" in page.locator("#zoom-evidence").inner_text()
    assert page.locator("#print").inner_text() == "Alle drucken"
    assert "0,5" in page.locator("#zoom-chart").inner_text()


@pytest.mark.parametrize(("scheme", "language"), [("light", "de"), ("dark", "en")])
def test_a_checker_finds_nothing(open_report, complaints, scheme, language):
    page = open_report(f"{language}/index.html", color_scheme=scheme, bypass_csp=True)
    folder = page.url.rpartition("/")[0]
    for name in PAGES[:2] if language == "de" else PAGES[:4:2]:
        page.goto(f"{folder}/{name}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert complaints(page) == [], name


def test_on_paper_nothing_is_cut_and_nothing_is_missing(open_report):
    page = open_report("de/index.html", PAPER, color_scheme="dark")
    page.emulate_media(media="print")
    outside = page.evaluate(
        "(width) => [...document.querySelectorAll('main *')].filter((one) =>"
        " one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 90))",
        PAPER,
    )
    assert outside == []
    clipped = page.evaluate(
        "() => [...document.querySelectorAll('main p, main td, main th, main li')].filter((one) =>"
        " one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible')"
        ".map((one) => one.outerHTML.slice(0, 90))"
    )
    assert clipped == []
    paper = page.pdf(format="A4")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    # Of some 420 lines of tables, 250 are changes.
    assert 8 <= pages <= 24
    pictures = page.evaluate("document.querySelectorAll('main img').length")
    assert pictures > 24
    assert re.search(rb"/Subtype\s*/Image", paper)
    assert len(re.findall(rb"/Subtype\s*/Link", paper)) > 40
    rows = page.locator(".annex tbody tr")
    assert rows.count() == 250
    assert rows.last.evaluate("(one) => one.getBoundingClientRect().height") > 0


BROKEN = """() => {
  const cells = '.classes th, .subgroups tbody th, .two-columns tbody th, .changes .name';
  const broken = [];
  for (const cell of document.querySelectorAll(cells)) {
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(words.currentNode);
      const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
      if (lines.size > 1 && !/[\\s-]/.test(words.currentNode.data.trim())) {
        broken.push(words.currentNode.data);
      }
    }
  }
  return broken;
}"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_on_paper_names_are_broken_where_their_words_end(browser, tmp_path, language):
    sizes = [{"hard": 6, "review": 3, "easy": 9}] * len(LONG_NAMES)
    analysis = made_analysis(sizes, names=LONG_NAMES, has_class_temperatures=True)
    case = made_case(analysis, language, changes=len(LONG_NAMES))
    numbers = range(len(LONG_NAMES))
    changes = case.changes.with_columns(
        id=pl.Series([f"train/{LONG_NAMES[n]}/IMG_2026_{n}_original.jpg" for n in numbers]),
        old_label=pl.Series(LONG_NAMES),
        new_label=pl.Series([LONG_NAMES[n - 1] for n in numbers]),
    )
    rows = tuple(ClassBeforeAfter(name, 120, 12, 3, 9) for name in LONG_NAMES)
    people = replace(case.people, classes=rows)
    case = replace(case, changes=changes, people=people)
    write_report(analysis, tmp_path / "report", embed=first_two, case=case)
    with opened_from_disk(browser, tmp_path / "report") as opening:
        page = opening("index.html", PAPER)
        page.emulate_media(media="print")
        assert page.locator(".changes .name").count() >= 3 * len(LONG_NAMES)
        assert page.evaluate(BROKEN) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
        narrowest = page.evaluate(
            "[...document.querySelectorAll('.changes tbody td:last-child')]"
            ".map((one) => one.getBoundingClientRect().width)"
        )
        assert min(narrowest) > PAPER / 6
