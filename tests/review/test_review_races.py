"""The review page where things happen at once: two pages, cut networks, other runs, quick keys."""

from __future__ import annotations

from reviewed_pages import SIZES, wait_place, wait_saved, wait_told
from waiting import wait

FAKE_CLOCK = "{ const now = Date.now; Date.now = () => window.fakeNow ?? now(); }"
NO_STORAGE = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } });"""
FULL_STORAGE = """Storage.prototype.setItem = () => {
  throw new DOMException("full", "QuotaExceededError"); };"""


def named(open_page, annotator):
    """The page, opened by somebody whom it asks for the name."""
    page = open_page(annotator=None)
    page.locator("#who-name").fill(annotator)
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    return page


def wait_actions(page, *wanted):
    """Wait until the first cards say that the annotator wants this."""
    texts = ",".join(wanted)
    wait(
        page,
        "[...document.querySelectorAll('.tile')]"
        ".sort((a, b) => a.dataset.position - b.dataset.position).slice(0, 4)"
        ".map((one) => one.querySelector('.own')?.className.replace('own is-', '') ?? '')"
        f".join(',') === '{texts}'",
    )


def test_undo_takes_back_what_was_decided_last_also_on_another_page(open_page, place):
    first = open_page()
    second = open_page(context=first.context)
    first.keyboard.press("d")
    wait_saved(first)
    wait_actions(second, "discard", "", "", "")
    second.keyboard.press("ArrowDown")
    second.keyboard.press("ArrowRight")
    second.keyboard.press("k")
    wait_saved(second)
    first.keyboard.press("z")
    wait(first, "document.getElementById('toast').textContent.startsWith('Undone')")
    wait_saved(first)
    wait_actions(first, "discard", "", "", "")
    wait_actions(second, "discard", "", "", "")
    assert [action for action, _ in place.opinions().values()] == ["discard"]


def test_undo_at_once_after_another_page_decided_shows_what_was_taken_back(open_page, place):
    first = open_page()
    second = open_page(context=first.context)
    first.keyboard.press("d")
    wait_saved(first)
    first.route("**/api/changes*", lambda route: route.abort())
    second.keyboard.press("ArrowDown")
    second.keyboard.press("ArrowRight")
    second.keyboard.press("k")
    wait_saved(second)
    first.keyboard.press("z")
    wait(first, "document.getElementById('toast').textContent.startsWith('Undone')")
    wait(first, "document.getElementById('saving-words').textContent !== 'Saving …'")
    wait_actions(first, "discard", "", "", "")
    assert [action for action, _ in place.opinions().values()] == ["discard"]


def test_what_waits_under_one_name_is_not_taken_for_anothers(open_page, place):
    page = named(open_page, "ann")
    page.route("**/api/decisions", lambda route: route.abort())
    page.keyboard.press("d")
    wait_actions(page, "discard", "", "", "")
    page.locator("#people").click()
    page.locator("#change-name").click()
    page.locator("#who-name").fill("bob")
    page.keyboard.press("Enter")
    wait_actions(page, "", "", "", "")
    page.unroute("**/api/decisions")
    wait_saved(page)
    assert [name for name, _ in place.opinions()] == ["ann"]


def test_steps_are_sent_in_order_also_where_the_clock_was_set_back(open_page, place):
    page = open_page(script=FAKE_CLOCK)
    page.keyboard.press("u")
    wait_saved(page)
    page.context.set_offline(True)
    page.evaluate("window.fakeNow = 2e12")
    page.keyboard.press("d")
    page.evaluate("window.fakeNow = 1e12")
    page.keyboard.press("z")
    wait(page, "document.getElementById('saving-words').textContent === '2 waiting'")
    page.context.set_offline(False)
    wait_saved(page)
    assert [action for action, _ in place.opinions().values()] == ["skip"]


def test_another_run_at_the_same_address_is_neither_shown_nor_written_to(open_page, place):
    page = open_page(expected="Failed to load resource")
    known = page.evaluate(
        "[...document.querySelectorAll('.tile[data-filled]')]"
        ".map((one) => [Number(one.dataset.position), one.getAttribute('aria-label')])"
    )
    names = dict(known)
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    place.stop()
    place.start(folder=place.folder.with_name("other"), sizes=SIZES[::-1])
    for position in range(1, 12):
        page.keyboard.press("ArrowRight")
        wait_place(page, f"{position + 1} of 45")
        page.wait_for_timeout(100)
        said = page.locator("#spoken").inner_text()
        assert said == f"{position + 1} of 45: {names[position]}"
    wait(page, "document.getElementById('banner').textContent.startsWith('Another run')")
    page.keyboard.press("d")
    wait(page, "document.getElementById('saving-words').textContent === '1 waiting'")
    place.stop()
    place.start()
    wait_saved(page)
    assert [action for action, _ in place.opinions().values()] == ["discard"]


def test_without_storage_decisions_are_saved_and_no_alarm_is_raised(open_page, place):
    page = open_page(script=NO_STORAGE)
    page.evaluate(
        "{ window.alarms = []; const banner = document.getElementById('banner');"
        " new MutationObserver(() => banner.hidden || window.alarms.push(banner.textContent))"
        ".observe(banner, { attributes: true, childList: true }); }"
    )
    for key in "dku":
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    wait_saved(page)
    assert page.evaluate("window.alarms") == []
    assert sorted(action for action, _ in place.opinions().values()) == ["discard", "keep", "skip"]


def test_with_full_storage_and_no_network_the_page_warns_and_sends_later(open_page, place):
    page = open_page(script=FULL_STORAGE)
    page.context.set_offline(True)
    page.keyboard.press("d")
    wait(page, "document.getElementById('banner').textContent.includes('do not close')")
    page.context.set_offline(False)
    wait_saved(page)
    page.locator("#banner").wait_for(state="hidden")
    assert [action for action, _ in place.opinions().values()] == ["discard"]


def test_a_key_that_is_held_decides_once_and_quick_ones_about_one_sample_each(open_page, place):
    page = open_page()
    page.keyboard.press("ArrowDown")
    for _ in range(40):
        page.keyboard.down("k")
    page.keyboard.up("k")
    wait_saved(page)
    assert len(place.opinions()) == 1
    for _ in range(15):
        page.keyboard.press("d")
    wait_saved(page)
    assert len(place.opinions()) == 16
    wait(page, "document.activeElement.dataset.position === '16'")


def test_a_choice_counts_for_the_sample_it_was_begun_for_whatever_others_do(open_page, place):
    page, bob = named(open_page, "ann"), named(open_page, "bob")
    page.keyboard.press("c")
    page.locator("#picker[open]").wait_for()
    index = int(page.locator(".tile.current").get_attribute("data-index"))
    bob.keyboard.press("d")
    bob.keyboard.press("k")
    wait_saved(bob)
    # What others want is not told before one's own decision, but how far they have come is.
    wait(page, "Number(document.querySelector('.others-part').getAttribute('width')) > 0")
    page.keyboard.type("zebra")
    page.keyboard.press("Enter")
    wait_told(page, "Now zebra.")
    wait_saved(page)
    assert place.opinions()["ann", index] == ("relabel", 3)


def test_what_was_decided_on_the_map_is_undone_in_the_grid(open_page, place):
    page = open_page()
    page.locator("[name=label]").select_option("1")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.locator("#map-wait").wait_for(state="hidden")
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    page.keyboard.press("d")
    wait_told(page, "Discarded.")
    page.keyboard.press("g")
    page.keyboard.press("z")
    wait_told(page, "Undone.")
    wait_saved(page)
    assert place.opinions() == {}


def test_the_list_keeps_what_was_decided_until_it_is_hidden(open_page):
    page = open_page()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    page.keyboard.press("d")
    wait(page, "document.getElementById('refresh').textContent === 'Hide 2 decided'")
    assert page.locator(".tile.decided").count() == 2
    page.keyboard.press("z")
    wait(page, "document.getElementById('refresh').textContent === 'Hide 1 decided'")
    page.keyboard.press("z")
    page.locator("#refresh").wait_for(state="hidden")
    page.keyboard.press("k")
    page.locator("#refresh").click()
    wait(page, "document.getElementById('counted').textContent === '44 samples'")
    wait(page, "document.activeElement.dataset.position === '0'")


def test_the_class_given_last_is_given_again_with_one_key(open_page, place):
    page = open_page()
    page.keyboard.press("o")
    page.keyboard.press("r")
    wait_told(page, "Choose a class first: C.")
    page.keyboard.press("c")
    page.locator("#picker[open]").wait_for()
    page.keyboard.type("zebra")
    page.keyboard.press("Enter")
    wait_place(page, "2 of 45")
    page.keyboard.press("r")
    wait_place(page, "3 of 45")
    wait_saved(page)
    assert list(place.opinions().values()) == [("relabel", 3)] * 2
