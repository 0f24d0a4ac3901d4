"""The review page in a browser, served as an annotator meets it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from made_reports import HOSTILE_CLASS, HOSTILE_FILE, as_audit
from made_reviews import doubted
from reviewed_pages import (
    DESKTOP,
    TABLET,
    ZOOMED,
    place_text,
    selected,
    wait_place,
    wait_saved,
    wait_told,
)
from waiting import wait

if TYPE_CHECKING:
    from playwright.sync_api import Page


def lasso_everything(page: Page, label: str) -> None:
    page.keyboard.press("m")
    page.locator("[name=label]").select_option(label)
    page.locator("#map-wait").wait_for(state="hidden")
    box = page.locator("#map").bounding_box()
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    page.mouse.move((left + right) / 2, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()


def test_one_key_decides_the_next_appears_and_all_can_be_undone(open_page, place):
    page = open_page()
    page.keyboard.press("o")
    for number, key in enumerate("kdus", start=1):
        wait(page, f"document.getElementById('fact-place').textContent === '{number} of 45'")
        page.locator("#fact-given:not(:empty)").wait_for()
        page.keyboard.press(key)
    wait(page, "document.getElementById('fact-place').textContent === '5 of 45'")
    page.keyboard.press("c")
    page.locator("#picker[open]").wait_for()
    page.keyboard.type("ela")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('fact-place').textContent === '6 of 45'")
    assert "Now élan" in page.locator("#toast").inner_text()
    wait_saved(page)
    assert "5 of 45" in page.locator("#progress-words").inner_text()
    actions = [action for action, _ in place.opinions().values()]
    assert sorted(actions) == ["discard", "keep", "relabel", "relabel", "skip"]
    assert ("relabel", 2) in place.opinions().values()
    for number in range(5, 0, -1):
        page.keyboard.press("z")
        wait(page, f"document.getElementById('fact-place').textContent === '{number} of 45'")
    wait_saved(page)
    assert place.opinions() == {}
    page.keyboard.press("Control+z")
    wait(page, "document.getElementById('toast').textContent.includes('nothing left')")


def test_many_are_selected_and_decided_at_once(open_page, place):
    page = open_page()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    keyed = selected(page)
    assert keyed == list(range(1, keyed[-1] + 1))
    assert keyed[-1] > 3
    page.keyboard.press("Escape")
    assert selected(page) == []
    page.locator(".tile[data-position='2'] .tile-box").click()
    page.locator(".tile[data-position='6']").click(modifiers=["Shift"])
    page.locator(".tile[data-position='4'] .tile-box").click()
    assert selected(page) == [2, 3, 5, 6]
    page.keyboard.press("d")
    wait_saved(page)
    assert [action for action, _ in place.opinions().values()] == ["discard"] * 4
    page.keyboard.press("a")
    wait(page, "document.getElementById('target').textContent === '45 selected'")
    page.get_by_role("button", name="Keep label").click()
    wait_saved(page)
    assert len(place.opinions()) == 45
    page.keyboard.press("z")
    wait(page, "document.getElementById('counted').textContent === '41 samples'")
    assert len(place.opinions()) == 4


def test_the_list_is_filtered_and_searched_by_keyboard(open_page):
    page = open_page()
    page.keyboard.press("/")
    page.keyboard.type("DOG/")
    wait(page, "document.getElementById('counted').textContent === '5 samples'")
    page.keyboard.press("Enter")
    wait(page, "document.activeElement.classList.contains('tile')")
    page.locator("[name=category][value=easy]").check()
    wait(page, "document.getElementById('counted').textContent === '11 samples'")
    page.reload()
    wait(page, "document.getElementById('counted').textContent === '11 samples'")
    page.get_by_role("button", name="Show the queue again").click()
    wait(page, "document.getElementById('counted').textContent === '45 samples'")
    page.locator("[name=label]").select_option("0")
    page.locator("[name=subgroup]").select_option("night & fog")
    wait(page, "document.getElementById('counted').textContent === '30 samples'")
    page.locator("[name=search]").fill("nothing is called so")
    page.locator("#empty").wait_for()


def test_help_lists_the_keys_and_can_turn_them_off(open_page, place):
    page = open_page()
    page.keyboard.press("?")
    page.locator("#help-dialog[open]").wait_for()
    assert page.evaluate("document.getElementById('help-dialog').scrollTop") == 0
    listed = page.locator("#help-dialog kbd").all_inner_texts()
    assert {"K", "S", "C", "D", "U", "Z", "G", "O", "M", "/", "?", "A"} <= set(listed)
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.get_by_role("button", name="Unsure").click()
    wait_saved(page)
    assert [action for action, _ in place.opinions().values()] == ["skip"]


def test_a_lasso_on_the_map_selects_a_group(open_page, place):
    page = open_page()
    page.keyboard.press("m")
    assert "Choose a given class" in page.locator("#map-wait").inner_text()
    lasso_everything(page, "1")
    wait(page, "document.getElementById('target').textContent === '11 selected'")
    page.get_by_role("button", name="Discard").click()
    wait(page, "document.getElementById('toast').textContent === '11 samples discarded.'")
    wait_saved(page)
    assert len(place.opinions()) == 11
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    page.locator("#map-tip").wait_for()
    page.keyboard.press(" ")
    wait(page, "document.getElementById('target').textContent === '1 selected'")
    page.keyboard.press("Enter")
    wait(page, "document.body.dataset.view === 'single'")
    assert "dog/" in page.locator("#fact-file").inner_text()


def test_what_the_lasso_selects_is_shown_and_can_be_taken_out_again(open_page, place):
    page = open_page()
    lasso_everything(page, "1")
    cards = page.locator("#picked-strip .picked-card[title]")
    wait(page, "document.querySelectorAll('.picked-card[title]').length === 11")
    assert "hard" in cards.first.get_attribute("class")
    assert "dog/" in cards.first.get_attribute("title")
    cards.nth(2).click()
    wait(page, "document.getElementById('target').textContent === '10 selected'")
    page.locator("#picked-strip [tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('target').textContent === '9 selected'")
    assert page.evaluate("document.activeElement.classList.contains('picked-card')")
    page.keyboard.press("d")
    wait_saved(page)
    assert len(place.opinions()) == 9
    assert cards.count() == 0


def test_nothing_of_another_sample_stands_beside_a_picture(open_page):
    page = open_page()
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    page.route("**/api/samples/*/similar", lambda route: route.abort())
    page.route("**/api/samples/*", lambda route: None)
    page.evaluate("document.getElementById('compare').dataset.of = 'the first'")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    wait(page, "document.getElementById('fact-place').textContent === '9 of 45'")
    assert page.locator("#compare img").first.is_hidden()
    assert page.locator("#fact-chart .own").get_attribute("d") == ""


def test_what_a_picture_is_compared_with_is_seen_without_scrolling(open_page):
    page = open_page({"width": 1280, "height": 830})
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    page.locator("#fact-given:not(:empty)").wait_for()
    compared, actions = (page.locator(one).bounding_box() for one in ("#compare", "#actions"))
    assert compared["y"] + compared["height"] <= actions["y"]
    assert page.locator("#stage-picture").bounding_box()["height"] > 300


def test_what_was_decided_is_asked_for_with_the_easy_ones(open_page):
    page = open_page()
    easy = page.locator("[name=category][value=easy]")
    for choice, is_asked_for in (("open", False), ("disputed", True)):
        page.locator("[name=decision]").select_option(choice)
        wait(page, f"location.hash.includes('decision={choice}')")
        assert easy.is_checked() == is_asked_for


def test_a_list_that_was_gone_through_ends_with_what_was_passed_over(open_page, place):
    page = open_page()
    page.locator("[name=label]").select_option("1")
    wait(page, "document.getElementById('counted').textContent === '5 samples'")
    page.keyboard.press("o")
    page.keyboard.press("k")
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("k")
    wait(page, "document.getElementById('fact-place').textContent === '1 of 1'")
    assert "1 sample comes again" in page.locator("#toast").inner_text()
    page.keyboard.press("d")
    page.locator("#empty").wait_for()
    assert "Well done" in page.locator("#empty").inner_text()
    wait_saved(page)
    actions = sorted(action for action, _ in place.opinions().values())
    assert actions == ["discard", "keep", "keep", "keep", "keep"]
    page.keyboard.press("z")
    wait(page, "document.getElementById('toast').textContent === 'Undone.'")
    wait(page, "document.getElementById('fact-place').textContent === '1 of 1'")
    wait_saved(page)
    assert len(place.opinions()) == 4


def test_while_the_network_is_cut_decisions_wait_and_are_sent_in_order(open_page, place):
    page = open_page()
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    for key in ("d", "k"):
        before = place_text(page)
        page.keyboard.press(key)
        wait(page, f"document.getElementById('fact-place').textContent !== '{before}'")
    page.keyboard.press("z")
    page.keyboard.press("s")
    page.locator("#banner:not([hidden])").wait_for()
    assert "nothing is lost" in page.locator("#banner").inner_text()
    assert "waiting" in page.locator("#saving-words").inner_text()
    assert place.opinions() == {}
    page.context.set_offline(False)
    wait_saved(page)
    page.locator("#banner").wait_for(state="hidden")
    assert sorted(action for action, _ in place.opinions().values()) == ["discard", "relabel"]


def test_the_server_may_be_restarted_and_the_page_reloaded_meanwhile(open_page, place, browser):
    page = open_page()
    page.keyboard.press("d")
    wait_saved(page)
    page.keyboard.press("k")
    wait_saved(page)
    place.stop()
    page.keyboard.press("u")
    page.locator("#banner:not([hidden])").wait_for()
    place.start()
    wait_saved(page)
    assert sorted(action for action, _ in place.opinions().values()) == ["discard", "keep", "skip"]
    other = open_page(context=page.context)
    wait_saved(other)
    other.keyboard.press("z")
    wait(other, "document.getElementById('toast').textContent === 'Undone.'")
    assert sorted(action for action, _ in place.opinions().values()) == ["discard", "keep"]


def test_two_annotators_see_each_other_and_disputes(open_page, place):
    ann = open_page(annotator=None)
    ann.locator("#who-name").fill("ann")
    ann.keyboard.press("Enter")
    ann.locator(".tile[data-filled]").first.wait_for()
    bob = open_page(annotator=None)
    bob.locator("#who-name").fill("<b>bob</b>")
    bob.keyboard.press("Enter")
    bob.locator(".tile[data-filled]").first.wait_for()
    ann.keyboard.press("d")
    wait_saved(ann)
    bob.keyboard.press("k")
    wait_saved(bob)
    bob.locator(".tile[data-position='0'] .others").wait_for()
    ann.locator(".tile.disputed").wait_for()
    wait(ann, "document.getElementById('progress-words').textContent.includes('1 disputed')")
    ann.locator("#people").click()
    ann.locator("#people-dialog[open]").wait_for()
    assert ann.locator("#people-rows th").all_inner_texts() == ["<b>bob</b>", "ann"]
    assert "0%" in ann.locator("#agreements").inner_text()
    ann.locator("#show-disputed").click()
    wait(ann, "document.getElementById('counted').textContent === '1 sample'")
    assert len(place.opinions()) == 2


def test_leaving_the_search_field_for_a_tile_leaves_the_tile_in_its_place(open_page):
    page = open_page()
    page.keyboard.press("/")
    page.keyboard.type("onerror")
    wait(page, "document.getElementById('counted').textContent === '1 sample'")
    wait(page, "document.querySelectorAll('.tile[data-filled]').length === 1")
    page.wait_for_timeout(400)  # every pause in typing has had its answer
    page.evaluate("document.querySelector('.tile').dataset.before = 'yes'")
    page.locator("#filters [name=search]").blur()
    page.wait_for_timeout(400)
    assert page.locator(".tile[data-before]").count() == 1


def test_hostile_names_do_nothing(open_page):
    page = open_page()
    page.keyboard.press("/")
    page.keyboard.type("onerror")
    page.keyboard.press("Enter")  # what was typed in between has been answered, too
    wait(page, "document.activeElement.closest('.tile[data-filled]')")
    assert page.locator("#counted").inner_text() == "1 sample"
    page.locator(".tile[data-filled]").click()
    page.locator("#fact-given:not(:empty)").wait_for()
    assert page.locator("#fact-file").inner_text() == HOSTILE_FILE
    assert page.locator("#fact-given").inner_text() == HOSTILE_CLASS
    page.locator("#compare img").first.wait_for()
    page.keyboard.press("c")
    assert HOSTILE_CLASS in page.locator("#picker-list").inner_text()
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("[onerror]").count() == 0
    assert page.locator("script").count() == 1


def test_dark_and_light_differ(open_page):
    def corner(scheme):
        page = open_page(color_scheme=scheme)
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            return sum(shot.convert("RGB").getpixel((5, 5)))

    assert corner("dark") < 140
    assert corner("light") > 700


PHONE = {"width": 390, "height": 844}
UNNAMED = """[...document.querySelectorAll('button, input, select, [role], img, canvas, a')]
  .filter((one) => one.checkVisibility() && !one.textContent.trim() && !one.labels?.length
    && !one.hasAttribute('aria-label') && !one.hasAttribute('aria-labelledby')
    && !one.hasAttribute('alt') && one.getAttribute('role') !== 'status')
  .map((one) => one.outerHTML)"""
SMALL = """[...document.querySelectorAll('button, select, input:not([type=checkbox]), .chip')]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML)"""
HIDDEN = """[...document.querySelectorAll('.action[data-action]')]
  .filter((one) => { const box = one.getBoundingClientRect();
    return box.left < 0 || box.right > innerWidth || box.bottom > innerHeight; })
  .map((one) => one.outerHTML)"""


@pytest.mark.parametrize("viewport", [DESKTOP, TABLET, ZOOMED], ids=["desktop", "tablet", "zoomed"])
def test_every_screen_fits_and_everything_has_a_name_and_a_size(open_page, viewport):
    page = open_page(viewport, has_touch=viewport == TABLET)
    for view in ("grid", "single", "map"):
        page.locator(f".views [data-view={view}]").click()
        if view == "single":
            page.locator("#compare img").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate(SMALL) == []
        assert page.evaluate(HIDDEN) == []
        height = page.locator(f"#{view}-view").bounding_box()["height"]
        assert height > 0.35 * viewport["height"]
    if viewport != DESKTOP:
        page.locator("#filters-open").click()
        page.locator("[name=decision]").select_option("disputed")
        page.locator("#filters-close").click()
        page.locator("#filters").wait_for(state="hidden")


def test_focus_is_always_seen_and_reaches_the_samples(open_page):
    page = open_page()
    seen = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(40):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const one = document.activeElement;"
            " const shown = one.matches('.chip input') ? one.nextElementSibling : one;"
            " return [one.id || one.name || one.className,"
            " getComputedStyle(shown).outlineStyle]; })()"
        )
        seen.add(style[0])
        assert style[1] != "none" or style[0] in ("app", "grid", "content"), style
    assert {"undo", "people", "help", "decision", "category", "search", "select-all"} <= seen
    assert any("tile" in name for name in seen)


def test_what_is_unsure_and_disputed_shows_on_the_card_and_beside_the_sample(open_page, place):
    decisions = [("ann", "keep"), ("bob", "skip"), ("eve", "discard")]
    place.start(annotator="ann")
    first = place.review.samples.index[0].item()
    for name, action in decisions:
        place.review.standing.record(f"request-{name}", name, [(0, action, None)])
    page = open_page()
    page.locator("[name=decision]").select_option("any")
    card = page.locator(f".tile[data-index='{first}']")
    card.locator(".others").wait_for()
    box = card.bounding_box()
    for part in (".own", ".others"):
        shown = card.locator(part).bounding_box()
        assert box["y"] < shown["y"] < box["y"] + box["height"]
        assert shown["x"] + shown["width"] < box["x"] + box["width"]
    assert card.locator(".tile-opinion").inner_text().split() == ["✓", "label", "kept", "disputed"]
    card.click()
    opinions = page.locator("#fact-opinions li")
    assert opinions.all_inner_texts() == [
        "Disputed",
        "✓ You: label kept",
        "? bob: unsure",
        "✕ eve: discard",
    ]
    # The list is made anew when what others decided arrives: all places are taken at once.
    assert page.evaluate(
        """() => {
            const top = document.querySelector("#facts").getBoundingClientRect().y;
            const opinions = [...document.querySelectorAll("#fact-opinions li")];
            return opinions.every((one) => one.getBoundingClientRect().y > top);
        }"""
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, ZOOMED], ids=["desktop", "phone", "zoomed"])
def test_warnings_stand_first_until_they_are_read(open_page, place, viewport):
    place.start(annotator="ann", changed=doubted)
    page = open_page(viewport)
    warnings = page.locator("#warnings")
    assert "The model learned <i>nothing</i>." in warnings.inner_text()
    box = warnings.bounding_box()
    assert box["y"] == 0
    assert box["height"] <= 0.35 * viewport["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert page.evaluate(SMALL) == []
    assert page.evaluate(UNNAMED) == []
    page.locator("#warnings-close").click()
    assert warnings.is_hidden()
    assert page.evaluate("document.activeElement.classList.contains('tile')")


def test_only_another_class_can_be_taken_as_suggested(open_page, place):
    place.start(annotator="ann", changed=doubted)
    page = open_page()
    assert "too small to judge" in page.locator("[name=label]").inner_text()
    page.keyboard.press("o")
    page.locator("#fact-given:not(:empty)").wait_for()
    facts, button = page.locator("#fact-suggested"), page.locator("[data-action=suggest]")
    seen = {}
    for place_in_list in range(1, 7):
        wait_place(page, f"{place_in_list} of 45")
        page.locator("#facts:not(.waiting)").wait_for()
        note = facts.locator(".note").inner_text()
        assert page.locator("#fact-outlier").is_visible() == (note != "")
        seen[note] = "likely" in facts.get_attribute("class")
        assert button.is_disabled() == ("no other class is likely" in note)
        assert page.locator("#fact-unjudged").is_visible()
        if button.is_disabled():
            page.keyboard.press("s")
            wait_told(page, f"There is no suggestion to take: {note}.")
            assert place.opinions() == {}
        page.keyboard.press("ArrowRight")
    assert seen == {"": True, "maybe": False, "no other class is likely": False}


def test_an_audit_says_what_was_found_and_which_samples_are_far_from_all(open_page, place):
    place.start(annotator="ann", changed=as_audit)
    page = open_page()
    flagged = page.locator(".tile:has(.flag)")
    flagged.first.wait_for()
    assert flagged.count() == 1
    assert "outlier?" in flagged.get_attribute("aria-label")
    page.locator("#only-outliers").click()
    page.locator("#counted", has_text="2 samples").wait_for()
    assert page.locator("[name=category][value=easy]").is_checked()
    page.keyboard.press("o")
    page.locator("#fact-evidence-row").wait_for()
    words = "Classifiers that never saw it give its label 3%, its neighbors 25% of their votes."
    assert page.locator("#fact-evidence").inner_text() == words
    assert page.locator("#fact-outlier").is_visible()
    assert "of the classifiers" in page.locator("#chart-title").inner_text()
    assert "outlier=true" in page.url
    page.reload()
    page.locator("#counted", has_text="2 samples").wait_for()
    assert page.evaluate(UNNAMED) == []
