"""The report in a browser, opened from disk as a client would."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dataparams.report import write_report
from dataparams.report.samples import CHUNK
from made_reports import HOSTILE_CLASS, HOSTILE_FILE, ColoredContents, first_two, made_analysis
from waiting import wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Dialog, Page

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """Hostile names, a pile of three chunks, pictures that can be enlarged, one unreadable."""
    analysis = made_analysis(
        [{"hard": 4, "review": 3, "easy": 2 * CHUNK + 5}, {"hard": 1, "easy": 12}],
        contents=ColoredContents((200, 300), unreadable=["dog/0204.jpg"]),
        has_truth=True,
        hostile=True,
        has_class_temperatures=True,
        warnings=("The model learned nothing: no ranking here means anything.",),
    )
    folder = tmp_path_factory.mktemp("browser") / "report"
    return write_report(analysis, folder, embed=first_two).parent


@dataclass
class Watched:
    """A page, and everything that it should not do."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        note = self.troubles.append
        self.page.on("console", lambda message: note(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: note(f"error: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
        self.page.on(
            "request",
            lambda request: None if request.url.startswith("file:") else note(request.url),
        )

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture
def open_page(browser, report) -> Iterator:
    """Opens pages of the report; whatever they should not do fails the test at its end."""
    opened = []

    def opening(name, viewport=DESKTOP, **options) -> Page:
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        context.set_default_timeout(60_000)
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.page.goto((report / name).as_uri())
        return watched.page

    yield opening
    troubles = [trouble for watched in opened for trouble in watched.troubles]
    for watched in opened:
        watched.page.context.close()
    assert troubles == []


@pytest.mark.parametrize("name", ["index.html", "class_0.html", "class_1.html"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_open_from_disk_and_fit_the_screen(open_page, name, viewport):
    page = open_page(name, viewport)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    first = page.locator(".card img").first
    first.scroll_into_view_if_needed()
    wait(page, "document.querySelector('.card img').naturalWidth > 0")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_warning_is_seen_before_anything_else(open_page, viewport):
    for name in ("index.html", "class_0.html"):
        page = open_page(name, viewport)
        warning = page.locator(".warnings").bounding_box()
        assert warning["y"] == 0
        assert warning["y"] + warning["height"] < page.locator("h1").bounding_box()["y"]
        assert warning["height"] < 0.3 * viewport["height"]


def test_classes_can_be_sorted_by_their_temperature(open_page):
    page = open_page("index.html")
    page.get_by_role("button", name="Temperature").click()
    assert page.locator(".classes tbody th").all_inner_texts() == ["dog", HOSTILE_CLASS]
    names = page.locator(".class-chart .line-name").all_text_contents()
    assert [name.partition(" ")[0] for name in names] == ["2.23", "0.449"]


def test_pointing_at_the_map_shows_the_picture(open_page):
    page = open_page("class_0.html")
    drawing = page.locator("#map-drawing")
    drawing.scroll_into_view_if_needed()
    box = page.locator(".point[data-sample='hard:1']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#map-tip img").wait_for()
    assert "Hard" in page.locator("#map-tip").inner_text()
    assert "Suggested: dog" in page.locator("#map-tip").inner_text()
    page.mouse.move(5, 5)
    page.locator("#map-tip").wait_for(state="hidden")


def test_the_map_can_be_walked_with_the_keyboard(open_page):
    page = open_page("class_0.html")
    drawing = page.locator("#map-drawing")
    drawing.focus()
    page.locator("#map-tip").wait_for()
    before = page.locator("#map-ring").get_attribute("cx")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#map-ring").get_attribute("cx") != before
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    wait(page, "document.activeElement.id === 'map-drawing'")


def test_a_sample_is_enlarged_and_the_keys_go_on_from_it(open_page):
    page = open_page("class_0.html")
    page.locator("#hard-0 a").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-count").inner_text() == "1 of 4"
    assert page.locator("#zoom-previous").is_disabled()
    assert page.locator("#zoom-picture img").get_attribute("src").endswith("_large.jpg")
    assert page.locator("#zoom-truth").inner_text() == "dog"
    assert page.locator("#zoom-subgroup").inner_text() == "night & fog"
    assert page.locator("#zoom-chart .own").get_attribute("d").count("L") == 4
    first = page.locator("#zoom-file").inner_text()
    page.keyboard.press("ArrowRight")
    wait(page, "document.getElementById('zoom-count').textContent === '2 of 4'")
    assert page.locator("#zoom-file").inner_text() != first
    page.keyboard.press("ArrowLeft")
    wait(page, "document.getElementById('zoom-count').textContent === '1 of 4'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait(page, "document.getElementById('zoom-count').textContent === '3 of 4'")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    wait(page, "document.activeElement.closest('.card')?.id === 'hard-2'")


def test_enter_enlarges_the_focused_sample(open_page):
    page = open_page("class_0.html")
    page.locator("#review-1 a").focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    assert "Need review" in page.locator(".zoom-place").inner_text()
    page.locator("#zoom-close").click()
    wait(page, "document.activeElement.closest('.card')?.id === 'review-1'")


def test_going_on_beyond_what_is_loaded_loads_it(open_page):
    page = open_page("class_0.html")
    page.evaluate(f"document.querySelector('#easy-{CHUNK - 1} a').click()")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("ArrowRight")
    wait(page, f"document.getElementById('zoom-count').textContent.startsWith('{CHUNK + 1} of')")
    page.keyboard.press("Escape")
    wait(page, f"document.activeElement.closest('.card')?.id === 'easy-{CHUNK}'")


def test_large_piles_load_as_they_are_scrolled(open_page):
    page = open_page("class_0.html")
    assert page.locator("#easy .card").count() == CHUNK
    page.locator("#easy .more").scroll_into_view_if_needed()
    page.locator(f"#easy-{CHUNK}").wait_for()
    page.locator("#easy .more").scroll_into_view_if_needed()
    page.locator(f"#easy-{2 * CHUNK + 4}").wait_for()
    assert page.locator("#easy .more").is_hidden()
    late = page.locator(f"#easy-{2 * CHUNK + 4}")
    first = page.locator("#easy-0")
    shape = "one => [...one.querySelectorAll('*')].map(each => each.tagName + each.className)"
    assert late.evaluate(shape) == first.evaluate(shape)


def test_hostile_names_do_nothing(open_page):
    for name in ("index.html", "class_0.html"):
        page = open_page(name)
        assert page.locator("body script").count() == 0
        assert page.locator("head script").count() == 1
        assert page.locator("[onerror]").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE_CLASS
    card = page.locator(".card", has=page.locator(f"p[title='{HOSTILE_FILE}']"))
    card.locator("a").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-file").inner_text() == HOSTILE_FILE
    assert page.locator("#zoom-given").inner_text() == HOSTILE_CLASS
    assert page.locator("dialog img").count() == 1
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    for _ in range(4):
        # Each focuses the map: closing the dialog gives the focus back to the card, a moment later.
        page.locator("#map-drawing").press("ArrowRight")
    page.locator("#map-tip .picture").wait_for()
    assert page.locator("img[src='x']").count() == 0


def test_the_overview_leads_to_the_enlarged_sample(open_page):
    page = open_page("index.html")
    page.locator(".cards a").first.click()
    page.wait_for_url("**/class_*.html#hard-*")
    page.locator("dialog[open]").wait_for()


def test_classes_can_be_sorted(open_page):
    page = open_page("index.html")
    names = page.locator(".classes tbody th")
    page.get_by_role("button", name="Samples").click()
    assert names.all_inner_texts() == [HOSTILE_CLASS, "dog"]
    page.get_by_role("button", name="Samples").click()
    assert names.all_inner_texts() == ["dog", HOSTILE_CLASS]


def test_an_unreadable_picture_has_a_placeholder(open_page):
    page = open_page("class_1.html")
    page.locator("#hard-0 a").click()
    page.locator("dialog[open]").wait_for()
    assert page.locator("#zoom-picture").inner_text() == "No picture"


def test_dark_and_light_differ(open_page):
    def corner(scheme):
        page = open_page("index.html", color_scheme=scheme)
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            return sum(shot.convert("RGB").getpixel((5, 5)))

    assert corner("dark") < 120
    assert corner("light") > 700


def test_paper_is_light_and_has_no_controls(open_page):
    page = open_page("class_0.html", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".sections").is_hidden()
    assert page.pdf().startswith(b"%PDF")


def test_everything_is_loaded_before_it_is_printed(open_page):
    page = open_page("class_0.html")
    # A function that an expression gives would be called at once.
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.locator("#print").click()
    wait(page, "window.printed")
    assert page.locator("#easy .card").count() == 2 * CHUNK + 5
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth)")


def test_without_scripts_the_first_of_every_pile_are_there(open_page):
    page = open_page("class_0.html", java_script_enabled=False)
    assert page.locator("#hard .card").count() == 4
    assert page.locator("#easy .card").count() == CHUNK
    assert page.locator("#print").is_hidden()
