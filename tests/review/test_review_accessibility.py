"""The review page for those who do not see it, do not point, or made everything larger."""

from __future__ import annotations

import pytest

from reviewed_pages import DESKTOP, REFLOWED, ZOOMED, wait_place, wait_saved, wait_told
from waiting import wait


def open_states(page):
    """Brings the page into each of its states, and names it."""
    page.locator("#who[open]").wait_for()
    yield "name"
    page.locator("#who-name").fill("ann")
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    yield "grid"
    for key in ("ArrowDown", "k", "s", "d", "u", " ", "Shift+ArrowRight"):
        page.keyboard.press(key)
    yield "selection"
    page.keyboard.press("Escape")
    for key, dialog in (("c", "picker"), ("?", "help-dialog")):
        page.keyboard.press(key)
        page.locator(f"#{dialog}[open]").wait_for()
        yield dialog
        page.keyboard.press("Escape")
    page.locator("#people").click()
    page.locator("#people-dialog[open]").wait_for()
    yield "people"
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    page.keyboard.press("ArrowLeft")
    yield "one at a time"
    page.keyboard.press("m")
    yield "no map"
    if page.locator("#filters-open").is_visible():
        page.locator("#filters-open").click()
        yield "filter"
    page.locator("[name=label]").select_option("1")
    page.locator("#map-wait").wait_for(state="hidden")
    close_filters(page)
    yield "map"
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    page.locator(".picked-card[title]").wait_for()
    yield "selection on the map"
    page.keyboard.press("/")
    page.keyboard.type("nothing is called so")
    close_filters(page)
    page.locator(".views [data-view=grid]").click()
    page.locator("#empty").wait_for()
    yield "nothing found"
    wait_saved(page)
    page.context.set_offline(True)
    page.locator("#banner:not([hidden])").wait_for()
    yield "network cut"
    page.context.set_offline(False)


def close_filters(page):
    """Where the filters lie above the samples."""
    if page.locator("#filters-close").is_visible():
        page.locator("#filters-close").click()


@pytest.mark.parametrize("viewport", [DESKTOP, REFLOWED], ids=["desktop", "reflowed"])
def test_a_checker_finds_nothing_in_any_state(open_page, complaints, viewport):
    page = open_page(viewport, annotator=None, bypass_csp=True)
    found = {state: complaints(page, other_scheme=True) for state in open_states(page)}
    assert len(found) >= 10
    assert {state: wrong for state, wrong in found.items() if wrong} == {}


def test_at_400_percent_nothing_is_cut_off_and_nothing_scrolls_sideways(open_page):
    page = open_page(REFLOWED, annotator=None)
    for state in open_states(page):
        assert page.evaluate("document.documentElement.scrollWidth") == REFLOWED["width"], state
        cut = page.evaluate(
            "[...document.querySelectorAll('button, select, input')]"
            ".filter((one) => one.checkVisibility())"
            ".filter((one) => { const box = one.getBoundingClientRect();"
            " return box.left < 0 || box.right > innerWidth; }).map((one) => one.outerHTML)"
        )
        assert cut == [], state


def test_on_a_very_low_screen_the_page_scrolls_and_samples_keep_their_room(open_page):
    page = open_page({"width": 320, "height": 256})
    for view in ("grid", "single", "map"):
        page.keyboard.press(view[0] if view != "single" else "o")
        page.locator(f"#{view}-view").wait_for()
        assert page.locator(f"#{view}-view").bounding_box()["height"] > 150
    page.keyboard.press("g")
    page.locator("[data-action=discard]").click()
    wait_told(page, "Discarded.")


def test_twenty_decisions_from_page_load_with_the_keyboard_alone(open_page, place):
    page = open_page(annotator=None)
    page.locator("#who[open]").wait_for()
    page.keyboard.type("ann")
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    for key in "kdukdukdu":
        page.keyboard.press(key)
    page.keyboard.press("o")
    wait_place(page, "10 of 45")
    for number, key in enumerate("kdukdukduk", start=10):
        wait_place(page, f"{number} of 45")
        page.keyboard.press(key)
    page.keyboard.press("c")
    page.locator("#picker[open]").wait_for()
    page.keyboard.type("zeb")
    page.keyboard.press("Enter")
    wait_place(page, "21 of 45")
    wait_saved(page)
    assert len(place.opinions()) == 20


def test_a_card_says_file_labels_decisions_and_whether_it_is_selected(open_page):
    page = open_page()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    card = page.locator(".tile[aria-selected=true]")
    said = card.get_attribute("aria-label")
    assert said.startswith(card.get_attribute("title").split("\n")[0])
    assert ", hard, given " in said
    assert ", suggested dog " in said
    assert said.endswith(", you: discard")
    assert card.get_attribute("aria-posinset") == "2"


def test_one_at_a_time_each_sample_that_comes_is_read_out(open_page):
    page = open_page()
    page.keyboard.press("o")
    wait(page, "document.getElementById('spoken').textContent.startsWith('1 of 45: ')")
    page.keyboard.press("d")
    wait(page, "document.getElementById('spoken').textContent.startsWith('2 of 45: ')")
    assert page.locator("#toast").inner_text() == "Discarded."
    page.keyboard.press("z")
    wait(page, "document.getElementById('spoken').textContent.startsWith('1 of 45: ')")
    for live in ("#spoken", "#toast", "#counted"):
        assert page.locator(live).get_attribute("role") == "status"


FOCUS = "document.activeElement.dataset.position ?? document.activeElement.id"


def test_the_focus_stays_where_work_goes_on(open_page):
    page = open_page()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("d")
    wait(page, f"({FOCUS}) === '1'")
    page.keyboard.press("z")
    wait(page, f"({FOCUS}) === '0'")
    page.keyboard.press("c")
    page.locator("#picker[open]").wait_for()
    page.keyboard.press("Escape")
    wait(page, f"({FOCUS}) === '0'")
    page.keyboard.press("?")
    page.locator("#help-dialog[open]").wait_for()
    page.keyboard.press("Escape")
    wait(page, f"({FOCUS}) === '0'")
    page.keyboard.press(" ")
    page.locator("#clear").click()
    wait(page, f"({FOCUS}) === '0'")
    page.keyboard.press("k")
    page.locator("#refresh").click()
    wait(page, f"({FOCUS}) === '0'")
    page.keyboard.press("o")
    wait(page, f"({FOCUS}) === 'single-view'")
    page.keyboard.press("g")
    wait(page, f"({FOCUS}) === '0'")


def test_arrows_go_on_from_a_button_that_was_clicked(open_page):
    page = open_page()
    page.locator("[data-action=discard]").click()
    wait_told(page, "Discarded.")
    page.keyboard.press("ArrowRight")
    wait(page, f"({FOCUS}) === '2'")


def test_single_keys_that_are_turned_off_do_nothing(open_page, place):
    page = open_page()
    page.locator("#help").click()
    page.locator("#keys-on").uncheck()
    page.locator("#help-dialog [data-close]").click()
    for key in "kdsucrzgoma/?":
        page.keyboard.press(key)
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.body.dataset.view") == "grid"
    assert place.opinions() == {}


@pytest.mark.parametrize("viewport", [DESKTOP, ZOOMED], ids=["desktop", "zoomed"])
def test_in_colors_of_the_readers_own_what_is_chosen_shows(open_page, viewport):
    page = open_page(viewport, forced_colors="active")
    pressed = "getComputedStyle(document.querySelector('.views [aria-pressed=true]')).outlineStyle"
    assert page.evaluate(pressed) == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    width = "getComputedStyle(document.querySelector('.tile.selected')).borderTopWidth"
    assert page.evaluate(width) == "4px"
