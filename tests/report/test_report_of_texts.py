"""The report of texts and of rows of tables, in files and in a browser."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.analysis import load_analysis
from dataparams.report import write_report
from dataparams.run.folder import RunFolder
from made_reports import first_two
from made_text_runs import HOSTILE_TEXTS, LONG_TEXT, SCRIPTS
from waiting import wait
from watched_pages import opened_from_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WIDTHS = (360, 1280, 2560)


@pytest.fixture(scope="module")
def reports(tmp_path_factory, text_run: RunFolder, row_run: RunFolder) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    for name, run in (("texts", text_run), ("rows", row_run)):
        write_report(load_analysis(run), folder / name, embed=first_two)
    return folder


@pytest.fixture
def open_report(browser: Browser, reports: Path) -> Iterator[Callable[..., Page]]:
    """Opens pages of the reports."""
    with opened_from_disk(browser, reports) as opening:
        yield opening


def samples_in(folder: Path) -> dict[int, dict[str, Any]]:
    """What the chunks of a class hand to the page, by index."""
    found: dict[int, dict[str, Any]] = {}
    for file in folder.glob("[!w]*_*.js"):
        (records,) = re.findall(r"\[.*\]", file.read_text(encoding="utf-8"))
        found |= {sample["index"]: sample for sample in json.loads(records)}
    return found


def test_texts_are_words_in_the_pages_and_whole_where_they_are_long(reports):
    page = (reports / "texts" / "class_1.html").read_text(encoding="utf-8")
    assert "No picture" not in page
    assert "Point at one to see its text" in page
    assert HOSTILE_TEXTS[0] not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    samples = samples_in(reports / "texts" / "class_1")
    assert samples[0]["text"] == HOSTILE_TEXTS[0]
    assert samples[0]["whole"] is None
    assert samples[3]["whole"] == "class_1/whole_0.js"
    whole = (reports / "texts" / "class_1" / "whole_0.js").read_text(encoding="utf-8")
    (record,) = re.findall(r"\{3:(\{.*\})\}", whole)
    assert json.loads(record)["text"] == LONG_TEXT
    assert not list(reports.rglob("*.jpg"))


def test_rows_are_keys_and_values_with_the_unusual_ones_marked(reports):
    samples = samples_in(reports / "rows" / "class_1")
    cells = {name: (words, unusual) for name, words, unusual in samples[0]["cells"]}
    assert cells["amount"] == ("9999.5", "high")
    assert cells["country"] == ("Atlantis", "rare")
    assert cells["years"] == ("10", None)
    assert samples[1]["cells"][0] == ["amount", None, "rare"]
    page = (reports / "rows" / "class_1.html").read_text(encoding="utf-8")
    assert "unusual for the given class" in page
    assert '<i class="lacking">missing</i>' in page
    overview = (reports / "rows" / "index.html").read_text(encoding="utf-8")
    assert "picture" not in re.sub(r'class="[^"]*"', "", overview).lower()


def test_where_nothing_was_kept_samples_are_listed_by_id(text_run, tmp_path):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(text_run.path, run.path)
    source = {**run.description()["source"], "content": None}
    run.update_description(source=source)
    (run.path / "contents.parquet").unlink()
    write_report(load_analysis(run), tmp_path / "report", embed=first_two)
    page = (tmp_path / "report" / "class_1.html").read_text(encoding="utf-8")
    assert "This run kept nothing to show" in page
    assert "train/0" in page
    assert "Nothing to show" in page
    changed = replace(load_analysis(run), contents=None)
    write_report(changed, tmp_path / "report", embed=first_two)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_pages_fit_the_screen_and_a_card_has_six_lines(open_report, kind, width):
    for name in ("index.html", "class_1.html", "class_0.html"):
        page = open_report(f"{kind}/{name}", width)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        outside = page.evaluate(
            "[...document.querySelectorAll('.card .words, .card .cell')].filter((one) => {"
            " const [own, card] = [one, one.closest('.card')].map((e) =>"
            " e.getBoundingClientRect());"
            " return own.width && (own.left < card.left || own.right > card.right + 1);"
            "}).length"
        )
        assert outside == 0
    if kind == "texts":
        lines = page.locator(".card .words").evaluate_all(
            "all => Math.max(...all.map(one => one.clientHeight / parseFloat("
            "getComputedStyle(one).lineHeight)))"
        )
        assert lines < 6.5


def test_scripts_have_their_direction_and_nothing_turns_what_is_around(open_report):
    page = open_report("texts/class_0.html")
    words = page.locator("#easy .words")
    directions = {}
    for one in words.all():
        text = one.text_content()
        if text in SCRIPTS:
            directions[text] = one.evaluate("one => getComputedStyle(one).direction")
    assert [directions[text] for text in SCRIPTS[:2]] == ["rtl", "rtl"]
    page = open_report("texts/class_1.html")
    card = page.locator("#hard .card", has_text="override")
    assert card.locator(".words").evaluate("e => getComputedStyle(e).unicodeBidi") == "plaintext"
    assert card.locator(".given").inner_text() == "loans"


def test_all_of_a_long_text_is_shown_when_enlarged_and_scrolls_by_keyboard(open_report):
    page = open_report("texts/class_1.html")
    page.locator("#hard .card-link", has_text="It begins with two blanks").click()
    page.locator("#zoom[open]").wait_for()
    wait(page, f"document.querySelector('.whole .words').textContent.length === {len(LONG_TEXT)}")
    assert page.locator(".whole .words").text_content() == LONG_TEXT
    assert page.locator(".whole").evaluate("e => e.scrollHeight > e.clientHeight")
    page.locator(".whole").focus()
    page.keyboard.press("End")
    wait(page, "document.querySelector('.whole').scrollTop > 100")
    page.keyboard.press("ArrowRight")
    wait(page, "document.querySelector('.whole').scrollTop === 0")


def test_an_enlarged_row_says_how_values_are_unusual(open_report):
    page = open_report("rows/class_1.html")
    page.locator("#hard .card-link", has_text="Atlantis").click()
    page.locator("#zoom[open]").wait_for()
    shown = page.locator(".whole").inner_text()
    assert re.search(r"amount\s+9999.5\s+!\s*unusually high", shown)
    assert re.search(r"Atlantis\s+!\s*rare in the class", shown)
    assert "a number far from the middle of the class" in shown


@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_a_checker_finds_nothing(open_report, complaints, kind):
    page = open_report(f"{kind}/class_1.html", bypass_csp=True)
    assert complaints(page, other_scheme=True) == []
    page.locator("#hard .card-link").first.click()
    page.locator(".whole").wait_for()
    assert complaints(page, other_scheme=True) == []
