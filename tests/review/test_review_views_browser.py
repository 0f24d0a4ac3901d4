"""The review page in a browser, where people look around: the map of all, lists, large pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dataparams.health.findings import Finding, HealthFindings, findings_table, write_findings
from dataparams.run.folder import RunFolder
from made_features import featured
from reviewed_pages import DESKTOP, REFLOWED, TABLET, selected, wait_saved
from waiting import wait

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 390, "height": 844}
COPIES = (
    Finding("exact_duplicates", [1, 4, 130], 1.0, "The same <b>three</b> times."),
    Finding("exact_duplicates", [7, 10], 0.9, "The same twice."),
)
SHOWN = "document.getElementById('map-wait').hidden && !document.getElementById('map-view').hidden"
MIDDLE = """(() => { const box = document.querySelector('#toast').getBoundingClientRect();
  return document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    .some((one) => one.closest('.view, .action, .tile')); })()"""


@pytest.fixture
def seen(place):
    """A run with features and findings."""
    place.folder.mkdir()
    findings = HealthFindings(findings_table(COPIES), ("exact_duplicates", "dark"), {})
    write_findings(RunFolder(place.folder), findings)
    place.start(annotator="ann", changed=featured(place.folder))
    return place


def open_map(page: Page) -> None:
    page.keyboard.press("m")
    wait(page, SHOWN)


def zoom_of(page: Page) -> float:
    return float(page.locator("#map-frame").get_attribute("data-zoom") or 1)


def drag_around(page: Page) -> None:
    box = page.locator("#map").bounding_box()
    left, top = box["x"] + 3, box["y"] + 3
    right, bottom = left + box["width"] - 6, top + box["height"] - 6
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()


def test_all_samples_lie_on_one_map_where_a_lasso_selects_and_a_key_decides(open_page, seen):
    page = open_page()
    open_map(page)
    assert "All 62 samples" in page.locator("#map-words").inner_text()
    drag_around(page)
    wait(page, "document.getElementById('target').textContent === '62 selected'")
    page.locator("#map-color").select_option("class")
    names = page.locator("#map-legend-list .name")
    assert names.count() == 4
    page.locator("#map-legend-list button", has_text="dog").click()
    drag_around(page)
    wait(page, "document.getElementById('target').textContent === '11 selected'")
    page.keyboard.press("d")
    wait_saved(page)
    assert len(seen.opinions()) == 11
    page.locator("#map-legend-list button[aria-pressed=true]").click()
    page.locator("#map-wanted").check()
    wait(page, "document.getElementById('map-wanted').checked")
    page.locator("[name=label]").select_option("1")
    page.locator("[name=decision]").select_option("discarded")
    wait(page, "location.hash.includes('decision=discarded')")
    page.locator("[name=category][value=easy]").check()
    page.locator("#map-frame[data-wanted='11']").wait_for()
    drag_around(page)
    wait(page, "document.getElementById('target').textContent === '11 selected'")


def test_the_map_is_enlarged_by_wheel_keys_and_buttons_until_pictures_show(open_page, seen):
    page = open_page()
    open_map(page)
    page.locator("#map").focus()
    page.keyboard.press("+")
    assert zoom_of(page) > 1
    page.keyboard.press("0")
    assert zoom_of(page) == 1
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -400)
    wait(page, "Number(document.getElementById('map-frame').dataset.zoom) > 1")
    page.locator("[data-map-zoom=whole]").click()
    page.locator("#map-frame[data-pictures]:not([data-pictures='0'])").wait_for()
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#map-tip").wait_for()
    assert page.locator("#map").get_attribute("aria-label").startswith("Map. ")
    page.keyboard.press("f")
    page.locator("#list-line", has_text="most like").wait_for()
    assert page.evaluate("document.body.dataset.view") == "grid"


def test_pointing_and_a_lasso_leave_the_points_as_they_are_drawn(open_page, seen):
    page = open_page()
    open_map(page)
    box = page.locator("#map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#map-tip").wait_for()
    drawn = page.locator("#map-frame").get_attribute("data-draws")
    page.keyboard.press("ArrowDown")
    page.mouse.move(middle[0] + 40, middle[1] + 30, steps=4)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1], steps=4)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => resolve()))")
    assert page.locator("#map-frame").get_attribute("data-draws") == drawn
    page.mouse.up()
    page.mouse.wheel(0, -200)
    wait(page, f"Number(document.getElementById('map-frame').dataset.draws) > {drawn}")


def test_the_map_has_most_of_the_height_and_what_is_selected_stands_beside_it(open_page, seen):
    page = open_page({"width": 1280, "height": 830})
    open_map(page)
    height = "document.getElementById('map-frame').clientHeight"
    tall = page.evaluate(height)
    assert tall > 0.6 * 830
    drag_around(page)
    page.locator(".picked-card[title]").first.wait_for()
    frame, cards = (page.locator(one).bounding_box() for one in ("#map-frame", "#picked-strip"))
    assert cards["x"] > frame["x"] + frame["width"]
    assert cards["height"] > 100
    assert page.evaluate(height) == tall


def test_the_box_beside_a_point_leaves_with_it_and_covers_no_button(open_page, seen):
    page = open_page()
    open_map(page)
    tip = page.locator("#map-tip")
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    tip.wait_for()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    buttons = page.locator(".map-buttons").bounding_box()
    assert tip.bounding_box()["x"] + tip.bounding_box()["width"] <= buttons["x"]
    for _ in range(6):
        page.keyboard.press("+")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowRight")
    tip.wait_for(state="hidden")
    page.keyboard.press("0")
    tip.wait_for()


THINNED = """async () => {
  const { drawerOn } = await import("/page/points_drawn.js");
  const { thinned } = await import("/page/thinning.js");
  const canvas = document.createElement("canvas");
  const drawer = drawerOn(canvas);
  const count = 100_000;
  const xs = Float32Array.from({ length: count }, (_, i) => i / count);
  drawer.setPoints({ xs, ys: xs });
  drawer.setLooks(() => 0);
  const color = "#123456";
  const how = { width: 300, height: 150, density: 1, scale: 300, left: 0, top: 0, diameter: 2,
    colors: [color], surface: color, accent: color, faded: color, inView: () => [3, 5, 8] };
  const drawn = [[count, false], [count, true], [count, false], [20, true], [20, false]];
  const some = thinned(count, 1);
  return {
    drawn: drawn.map(([seen, isMoving]) => drawer.draw({ ...how, seen, isMoving })),
    some: some.length,
    isInOrder: some.every((one, i) => i === 0 || one > some[i - 1]),
  };
}"""


def test_while_a_map_of_very_many_moves_some_stand_for_all(open_page, seen):
    told = open_page().evaluate(THINNED)
    assert 23_000 < told["some"] < 27_000
    assert told["isInOrder"]
    assert told["drawn"] == [100_000, told["some"], 100_000, 3, 3]


def test_without_webgl_the_map_is_drawn_all_the_same(open_page, seen):
    script = """const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind === "webgl2" ? null : get.call(this, kind, ...rest); };"""
    page = open_page(script=script)
    open_map(page)
    drag_around(page)
    wait(page, "document.getElementById('target').textContent === '62 selected'")


def test_a_group_of_copies_is_decided_once_and_the_next_group_follows(open_page, seen):
    page = open_page()
    page.locator("#finding-lists > summary").click()
    page.locator("#finding-list .kind summary").click()
    page.locator("#finding-list .list-entry", has_text="three").click()
    wait(page, "document.getElementById('target').textContent === '3 selected'")
    assert "<b>three</b>" in page.locator("#list-words").inner_text()
    page.keyboard.press("d")
    wait_saved(page)
    assert len(seen.opinions()) == 3
    page.keyboard.press("n")
    wait(page, "document.getElementById('target').textContent === '2 selected'")
    assert page.locator("#list-next").is_hidden()
    page.locator("#list-leave").click()
    page.locator("#list-line").wait_for(state="hidden")
    assert "finding" not in page.url


def test_confusions_and_similar_samples_open_as_lists_and_can_be_saved(open_page, seen):
    page = open_page()
    page.locator("#confusion-lists summary").click()
    cell = page.locator("#confusion-list button").first
    cell.wait_for()
    many = cell.locator(".muted").inner_text()
    cell.click()
    wait(page, f"document.getElementById('counted').textContent === '{many} samples'")
    page.locator("#saved-lists summary").click()
    page.locator("#save-filter").click()
    page.locator("#save-name").fill("<i>mine</i>")
    page.keyboard.press("Enter")
    page.locator("#saved-list .list-entry").wait_for()
    page.keyboard.press("Escape")
    page.locator(".tile").first.click()
    page.locator("#find-similar").click()
    page.locator("#list-line", has_text="most like").wait_for()
    wait(page, "document.getElementById('counted').textContent === '62 samples'")
    page.reload()
    page.locator("#list-line", has_text="most like").wait_for()
    page.locator("#saved-lists summary").click()
    page.locator("[name=search]").fill("nothing is called so")
    wait(page, "location.hash.includes('search=')")
    page.locator("#saved-list .list-entry", has_text="<i>mine</i>").click()
    wait(page, f"document.getElementById('counted').textContent === '{many} samples'")
    page.locator("#saved-list .remove").click()
    page.locator("#saved-none").wait_for()


def test_a_picture_is_enlarged_with_all_its_pixels_and_made_whole_again(open_page, place):
    page = open_page()
    page.keyboard.press("o")
    page.locator("#stage-picture img").first.wait_for()
    page.keyboard.press("+")
    page.locator("#zoom-words", has_text="300 \u00d7 200 pixels").wait_for()
    page.keyboard.press("Shift+ArrowLeft")
    moved = "document.getElementById('stage-picture').style.getPropertyValue('--right')"
    assert float(page.evaluate(moved).removesuffix("px")) > 0
    page.keyboard.press("0")
    assert page.locator("#stage-picture.zoomed").count() == 0
    box = page.locator("#stage-picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -300)
    page.locator("#stage-picture.zoomed").wait_for()
    page.locator("#zoom-whole").click()
    page.locator("#stage-picture:not(.zoomed)").wait_for()
    page.mouse.dblclick(box["x"] + 40, box["y"] + 40)
    page.locator("#stage-picture.zoomed").wait_for()
    page.keyboard.press("ArrowRight")
    page.locator("#stage-picture:not(.zoomed)").wait_for()


def test_two_fingers_enlarge_a_picture(open_page, place):
    page = open_page(TABLET, has_touch=True)
    page.locator(".views [data-view=single]").click()
    page.locator("#stage-picture img").first.wait_for()
    box = page.locator("#stage-picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def fingers(kind, apart):
        points = [] if apart is None else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    for apart in (30, 50, 80):
        fingers("touchMove", apart)
    fingers("touchEnd", None)
    page.locator("#stage-picture.zoomed").wait_for()


def test_the_end_of_the_queue_says_what_was_done_and_which_commands_come_next(open_page, place):
    page = open_page()
    page.keyboard.press("a")
    wait(page, "document.getElementById('target').textContent === '45 selected'")
    page.keyboard.press("k")
    page.locator(".commands").wait_for()
    said = page.locator("#empty").inner_text()
    assert "Well done" in said
    assert "You decided about 45 samples: 45 labels kept" in said
    for verb in ("apply", "clean", "report"):
        assert f"dataparams {verb} {place.folder}" in said
    page.locator(".commands button").first.click()
    wait(page, "/^(Copied|Selected)/.test(document.getElementById('toast').textContent)")


def test_an_empty_list_says_why_and_a_button_widens_it(open_page, place):
    page = open_page()
    page.locator("[name=label]").select_option("1")
    page.locator("[name=search]").fill("cat/")
    page.locator("#empty .choices").wait_for()
    page.locator("#empty button", has_text="without the words sought").click()
    wait(page, "document.getElementById('counted').textContent === '5 samples'")
    page.locator("[name=search]").fill("nothing at all")
    page.locator("#empty button", has_text="Clear all filters").click()
    wait(page, "document.getElementById('counted').textContent === '62 samples'")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, REFLOWED], ids=["desktop", "phone", "small"])
def test_what_is_told_covers_nothing(open_page, place, viewport):
    page = open_page(viewport)
    page.keyboard.press("d")
    page.locator("#toast.shown").wait_for()
    assert page.evaluate(MIDDLE) is False
    page.keyboard.press("o")
    page.keyboard.press("u")
    page.locator("#toast.shown").wait_for()
    assert page.evaluate(MIDDLE) is False


def test_on_a_tablet_the_comparison_stands_before_the_chart(open_page, place):
    page = open_page({"width": 768, "height": 1024})
    page.keyboard.press("o")
    page.locator("#compare img").first.wait_for()
    tops = [
        page.locator(part).bounding_box()["y"]
        for part in ("#fact-suggested", "#compare", "#fact-chart")
    ]
    assert tops == sorted(tops)


def test_fingers_select_from_one_sample_up_to_another(open_page, place):
    page = open_page(PHONE, has_touch=True)
    page.locator(".tile[data-position='1'] .tile-box").tap()
    page.locator("#range").tap()
    assert page.locator("#range").get_attribute("aria-pressed") == "true"
    page.locator(".tile[data-position='5']").tap()
    wait(page, "document.querySelectorAll('.tile[aria-selected=true]').length === 5")
    assert selected(page) == [1, 2, 3, 4, 5]
    assert page.locator("#range").get_attribute("aria-pressed") == "false"


def test_a_newer_analysis_is_announced_while_the_page_is_open(open_page, place):
    page = open_page()
    assert page.locator("#renewal").is_hidden()
    analysis = place.folder / "analysis.parquet"
    analysis.write_bytes(b"newer")
    os.utime(analysis, (1, 1))
    page.locator("#renewal:not([hidden])").wait_for()
    assert page.locator("#renew").inner_text() == "Load the new analysis"


def test_newer_findings_are_announced_while_the_page_is_open(open_page, place):
    page = open_page()
    assert page.locator("#renewal").is_hidden()
    (place.folder / "health.parquet").write_bytes(b"newer")
    page.locator("#renewal:not([hidden])").wait_for()
    assert page.locator("#renew").inner_text() == "Load the new findings"
    assert "duplicates and other findings may be others" in page.locator("#renewal").inner_text()
    (place.folder / "analysis.parquet").write_bytes(b"newer too")
    page.locator("#renew", has_text="Load the new analysis").wait_for()


def states(page: Page):
    """Brings the page into each of the states that are not in the other test of this kind."""
    open_map(page)
    yield "map of all"
    if page.locator("#map-legend").evaluate("(one) => !one.open"):
        page.locator("#map-legend summary").click()
    page.locator("#map-color").select_option("class")
    page.locator("#map-legend-list button").first.click()
    yield "highlighted"
    drag_around(page)
    page.locator(".picked-card[title]").first.wait_for()
    yield "selected"
    page.locator(".views [data-view=single]").click()
    page.locator("#compare img").first.wait_for()
    page.locator("#zoom-in").click()
    page.locator("#zoom-words", has_text="pixels,").wait_for()
    yield "enlarged"
    page.locator(".views [data-view=grid]").click()
    is_narrow = page.locator("#filters-open").is_visible()
    if is_narrow:
        page.locator("#filters-open").click()
    for name in ("#finding-lists", "#confusion-lists", "#saved-lists"):
        page.locator(f"{name} > summary").click()
    page.locator("#confusion-list button").first.wait_for()
    page.locator("#finding-list .kind summary").click()
    page.locator("#finding-list .list-entry").nth(1).wait_for()
    yield "lists"
    page.locator("#save-filter").click()
    page.locator("#save-dialog[open]").wait_for()
    yield "saving"
    page.keyboard.press("Escape")
    page.locator("#finding-list .list-entry").nth(1).click()
    page.locator("#list-next:not([hidden])").wait_for()
    yield "a group"
    page.locator("#list-leave").click()
    page.locator("#list-line").wait_for(state="hidden")
    page.keyboard.press("a")
    page.keyboard.press("k")
    page.locator(".commands").wait_for()
    yield "the end"


WIDE = "document.documentElement.scrollWidth"
SMALL = """[...document.querySelectorAll('button, select, input:not([type=checkbox]), summary')]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML)"""


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")], ids=["desktop", "phone"]
)
def test_a_checker_finds_nothing_in_the_new_states(open_page, seen, complaints, viewport, scheme):
    page = open_page(viewport, color_scheme=scheme, bypass_csp=True)
    found = {}
    for state in states(page):
        wide = page.evaluate(WIDE) - viewport["width"]
        found[state] = [*complaints(page), *page.evaluate(SMALL), *([wide] if wide > 0 else [])]
    assert {state: wrong for state, wrong in found.items() if wrong} == {}
