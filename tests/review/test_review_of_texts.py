"""The review of texts and of rows of tables, by its server and in a browser."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from dataparams.analysis import load_analysis
from dataparams.review.run_in_review import open_review
from dataparams.run.folder import RunFolder
from made_reviews import client_of, served
from made_text_runs import HOSTILE_TEXTS, LONG_TEXT
from waiting import wait
from watched_pages import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from starlette.testclient import TestClient

    from dataparams.review.run_in_review import RunInReview


@contextmanager
def reviewed(run: RunFolder, folder: Path, change: Callable[[RunFolder], None] | None = None):
    """A review of a copy of a run."""
    copy = RunFolder(folder / "run")
    shutil.copytree(run.path, copy.path)
    if change is not None:
        change(copy)
    review = open_review(copy, load_analysis(copy), "ann")
    yield review
    review.close()


@contextmanager
def client_for(
    run: RunFolder, folder: Path, change=None
) -> Iterator[tuple[RunInReview, TestClient]]:
    with reviewed(run, folder, change) as review, client_of(review) as client:
        yield review, client


def without_contents(run: RunFolder) -> None:
    run.update_description(source={**run.description()["source"], "content": None})
    (run.path / "contents.parquet").unlink()


def with_changed_text(run: RunFolder) -> None:
    table = pl.read_parquet(run.path / "contents.parquet")
    text = pl.when(pl.col("id") == "train/0").then(pl.lit("another")).otherwise("text")
    run.write_kept_contents(table.with_columns(text=text))


def found(client: TestClient, words: str, **query: Any) -> list[int]:
    parameters: dict[str, Any] = {"search": words, "category": ["hard", "review", "easy"], **query}
    samples = client.get("/api/queue", params=parameters).json()["samples"]
    return sorted(sample["index"] for sample in samples)


def test_the_page_is_told_what_samples_are_called(text_run, row_run, tmp_path):
    with client_for(text_run, tmp_path / "texts") as (_, client):
        run = client.get("/api/run").json()
        assert (run["kind"], run["words"]["search"], run["legend"]) == ("text", "Text contains", "")
    with client_for(row_run, tmp_path / "rows") as (_, client):
        run = client.get("/api/run").json()
        assert (run["kind"], run["words"]["search"]) == ("row", "A value contains")
        assert run["legend"].startswith("unusual for the given class")
    with client_for(text_run, tmp_path / "nothing", without_contents) as (_, client):
        run = client.get("/api/run").json()
        assert run["kind"] is None
        assert "kept nothing to show" in run["words"]["instead"]
        assert found(client, "TRAIN/1") == [1, *range(10, 20)]


def test_texts_come_many_at_once_and_whole_one_by_one(text_run, tmp_path):
    with client_for(text_run, tmp_path) as (review, client):
        answer = client.get(f"/api/texts/{review.key}", params={"index": [3, 0, 2]})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        long, script, override = answer.json()
        assert [script["text"], override["text"]] == [HOSTILE_TEXTS[0], HOSTILE_TEXTS[2]]
        assert len(long["text"]) <= 400
        assert not long["is_whole"]
        (whole,) = client.get(f"/api/texts/{review.key}/3").json()
        assert (whole["text"], whole["is_whole"]) == (LONG_TEXT, True)
        assert client.get("/api/texts/other/3").status_code == 404
        assert client.get(f"/api/texts/{review.key}/999").status_code == 404
        # No file is written for a text, and none is taken for a picture.
        picture = client.get(f"/api/pictures/{review.key}/small/3")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert not list((tmp_path / "run" / "review_cache").glob("pictures_*/*/*"))


def test_rows_come_with_their_unusual_values_marked(row_run, tmp_path):
    with client_for(row_run, tmp_path) as (review, client):
        first, second = client.get(f"/api/texts/{review.key}", params={"index": [0, 1]}).json()
        cells = {name: (words, unusual) for name, words, unusual in first["cells"]}
        assert cells["amount"] == ("9999.5", "high")
        assert cells["country"] == ("Atlantis", "rare")
        assert second["cells"][0] == ["amount", None, "rare"]


def test_words_are_found_within_texts_in_large_or_small_letters(text_run, tmp_path):
    with client_for(text_run, tmp_path) as (_, client):
        assert found(client, "MY CARD") == [3, *range(9, 24)]
        assert found(client, "${ALERT(3)}") == [1]
        assert found(client, "بطاقتي") == [4]
        assert found(client, "train/") == []
        assert found(client, "my card", category=["hard"]) == [3, 11, 19]
        numbers = client.get("/api/queue/numbers", params={"search": "a flight"})
        assert len(numbers.content) == 4 * 24


def test_words_are_found_in_any_value_of_a_row(row_run, tmp_path):
    with client_for(row_run, tmp_path) as (_, client):
        assert found(client, "atlantis") == [0]
        assert found(client, "9999.5") == [0]
        assert found(client, "1970-01-02") == [1]
        assert found(client, "NOTE 7") == [7, 70, 71]


def test_what_is_like_a_text_or_row_comes_first(text_run, row_run, tmp_path):
    for name, run in (("texts", text_run), ("rows", row_run)):
        with client_for(run, tmp_path / name) as (_, client):
            given, suggested = client.get("/api/samples/11/similar").json()
            assert (given["label"], suggested["label"]) == (1, 0)
            assert len(given["samples"]) == len(suggested["samples"]) == 5
            assert {sample["category"] for sample in suggested["samples"]} == {"easy"}
            if name == "texts":
                nearest = {sample["index"] for sample in suggested["samples"]}
                assert nearest <= set(range(9, 24))


def test_a_text_that_changed_is_told_and_hides_no_other(text_run, tmp_path):
    with client_for(text_run, tmp_path, with_changed_text) as (review, client):
        texts = client.get(f"/api/texts/{review.key}", params={"index": [0, 1]}).json()
        assert (texts[0], texts[1]["text"]) == (None, HOSTILE_TEXTS[1])
        changes = client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()
        assert "train/0" in changes["trouble"]


def test_a_search_without_its_source_says_why(text_run, tmp_path):
    with client_for(text_run, tmp_path, lambda run: run.path) as (review, client):
        (tmp_path / "run" / "contents.parquet").unlink()
        answer = client.get("/api/queue", params={"search": "card"})
        assert answer.status_code == 422
        assert "contents.parquet" in answer.json()["detail"]
        assert client.get("/api/queue").status_code == 200
        assert client.get(f"/api/texts/{review.key}", params={"index": 0}).json() == [None]


@pytest.fixture
def open_review_page(
    browser: Browser, tmp_path: Path
) -> Iterator[Callable[..., AbstractContextManager[Page]]]:
    """Serves a run and opens its page; what a hostile text might do fails the test at its end."""
    troubles: list[str] = []

    @contextmanager
    def opening(run: RunFolder, width: int = 1280, change=None, **options: Any):
        with reviewed(run, tmp_path, change) as review, served(review) as address:
            context = browser.new_context(
                viewport={"width": width, "height": 860}, reduced_motion="reduce", **options
            )
            context.set_default_timeout(20_000)
            page = context.new_page()
            watch(page, troubles)
            page.goto(address)
            page.locator(".tile[data-filled]").first.wait_for()
            page.locator("#warnings-close").click()
            yield page
            context.close()

    yield opening
    assert troubles == []


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_texts_are_read_decided_and_searched_in_the_page(open_review_page, text_run, width):
    with open_review_page(text_run, width) as page:
        page.locator(".tile .words").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        tile = page.locator(".tile", has_text="It begins with two blanks").first
        words = tile.locator(".words")
        lines = words.evaluate("e => e.clientHeight / parseFloat(getComputedStyle(e).lineHeight)")
        assert 5.5 < lines < 6.5
        label = tile.get_attribute("aria-label")
        assert "It begins with two blanks. Then a tab." in label
        tile.click()
        whole = page.locator("#stage-picture .whole .words")
        wait(
            page,
            f"document.querySelector('.whole .words')?.textContent.length === {len(LONG_TEXT)}",
        )
        assert whole.text_content() == LONG_TEXT
        page.locator("#stage-picture .whole").focus()
        page.keyboard.press("End")
        wait(page, "document.querySelector('.whole').scrollTop > 100")
        page.locator("#compare .words").first.wait_for()
        page.keyboard.press("k")
        wait(page, "document.querySelector('.whole')?.scrollTop === 0")
        page.keyboard.press("g")
        page.keyboard.press("/")
        assert page.get_by_label("Text contains").is_visible()
        page.keyboard.type("A FLIGHT")
        wait(page, "document.getElementById('counted').textContent === '4 samples'")
        page.locator(".tile mark").first.wait_for()
        assert set(page.locator(".tile mark").all_inner_texts()) == {"a flight"}
        page.locator("[name=search]").fill("(3)} ja")
        wait(page, "document.querySelector('.tile mark')?.textContent === '(3)} ja'")


def test_rows_are_read_in_the_page(open_review_page, row_run):
    with open_review_page(row_run) as page:
        page.locator(".tile", has_text="Atlantis").first.click()
        page.locator(".whole .unusual").first.wait_for()
        shown = page.locator(".whole").inner_text()
        assert "unusually high" in shown
        assert "a number far from the middle of the class" in shown
        page.keyboard.press("g")
        page.keyboard.press("/")
        page.keyboard.type("atlan")
        wait(page, "document.getElementById('counted').textContent === '1 sample'")
        page.locator("[name=search]").fill("70-01-02")
        wait(page, "document.querySelector('.tile mark')?.textContent === '70-01-02'")


def test_a_run_that_kept_nothing_is_reviewed_by_id(open_review_page, text_run):
    with open_review_page(text_run, change=without_contents) as page:
        assert "kept nothing to show" in page.locator(".instead").inner_text()
        assert "train/" in page.locator(".tile .words").first.inner_text()
        page.keyboard.press("o")
        page.locator("#fact-given:not(:empty)").wait_for()
        page.keyboard.press("k")
        wait(page, "document.getElementById('saving-words').textContent === 'All saved'")


@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_a_checker_finds_nothing(open_review_page, complaints, text_run, row_run, kind):
    run = text_run if kind == "texts" else row_run
    with open_review_page(run, bypass_csp=True) as page:
        page.locator(".tile .written").first.wait_for()
        page.keyboard.press("k")
        page.locator(".tile .mine").first.wait_for()
        assert complaints(page, other_scheme=True) == []
        page.keyboard.press("o")
        page.locator("#compare .written").first.wait_for()
        assert complaints(page, other_scheme=True) == []


WRITTEN = """() => {
  window.written = [];
  const fill = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (words, ...rest) {
    window.written.push(words);
    return fill.call(this, words, ...rest);
  };
}"""


@pytest.mark.parametrize(("kind", "words"), [("text", "Question"), ("row", "amount: ")])
def test_points_with_room_on_a_map_have_the_first_words_or_values(
    request, open_review_page, kind, words
):
    with open_review_page(request.getfixturevalue(f"{kind}_run")) as page:
        page.evaluate(WRITTEN)
        page.locator("[name=label]").select_option("0")
        page.keyboard.press("m")
        wait(page, f"window.written.some((one) => one.startsWith('{words}'))")
        assert int(page.locator("#map-frame").get_attribute("data-pictures")) > 0
