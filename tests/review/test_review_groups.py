"""The same under different labels: first in the queue, shown side by side, and decided once."""

from __future__ import annotations

from contextlib import closing

import pytest
from starlette.testclient import TestClient

from dataparams.decisions.assignments import Assignment, assign
from dataparams.decisions.audit_sample import draw_audit
from dataparams.decisions.store import DecisionStore
from dataparams.health.findings import Finding, HealthFindings, findings_table, write_findings
from dataparams.review.application import renewable
from dataparams.review.guarding import Guard
from dataparams.review.preparing import piles_of
from dataparams.review.ranked_facts import ranked_facts
from dataparams.run.folder import RunFolder
from made_reports import made_analysis
from made_reviews import LOCAL, SIZES, client_of, decisions_of, made_review
from reviewed_pages import wait_place, wait_saved
from waiting import wait

KIND = "duplicates_with_different_labels"


def at(*rows: int) -> list[int]:
    """The numbers of samples by their rows in the made analysis."""
    return [3 * row + 1 for row in rows]


EASY = at(13, 33)
THREE = at(21, 3, 14)
GROUPS = (
    Finding(KIND, EASY, 1.0, "The same twice, labeled cat (1) and <b>dog</b> (1).", [0, 1]),
    Finding(KIND, THREE, 0.9, "Nearly the same 3 times, labeled cat (2) and dog (1).", [0, 1]),
    Finding(KIND, at(5, 3, 24), 0.8, "Nearly the same, of which one is in a surer group.", [0, 1]),
    Finding(KIND, at(0, 1), 0.7, "Labels that were others when somebody looked.", [0, 1]),
    Finding(KIND, at(99, 2), 0.6, "Of a sample that the analysis lacks.", [0, 1]),
)
FIRST = [*EASY, *THREE, *at(5, 24)]
"""The samples of three groups, in the order of the queue; three of them are easy ones."""


def write_groups(folder, groups=GROUPS):
    folder.mkdir(parents=True, exist_ok=True)
    write_findings(RunFolder(folder), HealthFindings(findings_table(groups), (KIND,), {}))


@pytest.fixture
def seen(tmp_path):
    write_groups(tmp_path / "run")
    review = made_review(tmp_path / "run")
    yield client_of(review), review
    review.close()


def queue(client, **query):
    parameters = {"annotator": "ann", "decision": "todo", "category": ["hard", "review"], **query}
    return client.get("/api/queue", params=parameters).json()


def indices(client, **query):
    return [one["index"] for one in queue(client, **query)["samples"]]


def test_groups_come_first_whatever_their_category_and_each_sample_once(seen):
    client, review = seen
    answer = queue(client)
    found = [one["index"] for one in answer["samples"]]
    assert found[: len(FIRST)] == FIRST
    assert answer["grouped"] == len(FIRST)
    assert len(found) == len(set(found)) == answer["total"] == 17 + 3
    assert [one["group"] for one in answer["samples"]][:6] == [0, 0, 1, 1, 1, 2]
    rest = [one for one in review.samples.index[: review.samples.suspicious] if one not in FIRST]
    assert found[len(FIRST) :] == rest
    easy = queue(client, category=["easy"])
    assert easy["grouped"] == 0
    assert queue(client, decision="any")["grouped"] == 0
    group = client.get("/api/groups/1", params={"annotator": "ann"}).json()
    assert group["samples"] == group["assigned"] == THREE
    assert client.get("/api/groups/3").status_code == 404


def test_paging_goes_on_where_it_was_while_groups_are_decided(seen):
    client, review = seen
    whole = indices(client)
    for last in (whole[0], whole[4], whole[6], whole[9]):
        assert indices(client, after=last, limit=50) == whole[whole.index(last) + 1 :]
    body = decisions_of(review, "request-1", "ann", *((one, "discard") for one in whole[:5]))
    assert client.post("/api/decisions", json=body).json()["added"] == 5
    assert indices(client, after=whole[4]) == whole[5:]
    assert queue(client)["grouped"] == 2
    undone = {"run": review.key, "request": "request-2", "annotator": "ann"}
    assert sorted(client.post("/api/undo", json=undone).json()["indices"]) == sorted(whole[:5])
    assert indices(client) == whole


def test_a_filter_leaves_those_that_it_wants_and_the_map_wants_the_same(seen):
    client, review = seen
    assert indices(client, label=1)[:3] == at(33, 21, 24)
    parameters = {"annotator": "ann", "decision": "todo", "category": ["hard"]}
    bits = client.get("/api/map/wanted", params=parameters).content
    wanted = [rank for rank in range(len(review.samples)) if bits[rank >> 3] >> (rank & 7) & 1]
    assert set(FIRST) <= set(review.samples.index[wanted].tolist())


def test_who_is_assigned_some_of_a_group_decides_about_these(tmp_path):
    write_groups(tmp_path / "run")
    with closing(DecisionStore(tmp_path / "run/review.sqlite")) as store:
        assign(store.database, (Assignment("ann", (0,)),))
    with closing(made_review(tmp_path / "run")) as review:
        client = client_of(review)
        assert indices(client, assigned=True)[:3] == at(13, 3, 14)
        group = client.get("/api/groups/1", params={"annotator": "ann"}).json()
        assert (group["samples"], group["assigned"]) == (THREE, at(3, 14))


def test_no_group_is_told_of_while_an_audit_goes_on(tmp_path):
    write_groups(tmp_path / "run")
    with closing(DecisionStore(tmp_path / "run/review.sqlite")) as store:
        draw_audit(store.database, piles_of(ranked_facts(made_analysis(SIZES))), 5)
    with closing(made_review(tmp_path / "run", is_auditing=True)) as review:
        client = client_of(review)
        answer = queue(client)
        assert answer["grouped"] == 0
        assert {one.get("group") for one in answer["samples"]} == {None}
        assert client.get("/api/groups/1").status_code == 404


def test_newer_findings_are_told_and_served_when_they_are_asked_for(tmp_path):
    folder = tmp_path / "run"
    write_groups(folder, ())
    first = made_review(folder)
    served = renewable(first, LOCAL, lambda: made_review(folder))
    with closing(served):
        client = TestClient(Guard(served, LOCAL), base_url="http://127.0.0.1:8000")
        run = client.get("/api/run").json()

        def heard():
            return client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()

        assert heard()["findings"] == run["findings"]
        assert not heard()["are_newer_findings_there"]
        write_groups(folder)
        told = heard()
        assert told["are_newer_findings_there"]
        assert not told["is_newer_there"]
        assert queue(client)["grouped"] == 0
        assert client.post("/api/renew", json={"run": run["run"]}).status_code == 200
        told = heard()
        assert not told["are_newer_findings_there"]
        assert told["findings"] != run["findings"]
        assert queue(client)["grouped"] == len(FIRST)


# --- in a browser ---------------------------------------------------------------------------------

PAGE_GROUPS = (
    Finding(KIND, at(46, 2, 51), 1.0, "The same 3 times, labeled <b>cat</b> (2), dog (1).", [0, 1]),
    Finding(KIND, at(4, 50), 0.9, "Nearly the same twice, labeled cat (1) and dog (1).", [0, 1]),
)


def told(page):
    return page.locator("#group-words").inner_text()


def test_a_group_is_shown_side_by_side_and_one_key_decides_about_all_of_it(
    open_page, place, complaints
):
    write_groups(place.folder, PAGE_GROUPS)
    page = open_page(bypass_csp=True)
    assert page.locator(".tile .flag", has_text="copy").count() == 5
    wait(page, "document.querySelectorAll('.tile.member').length === 3")
    assert page.locator("#target").inner_text() == "Applies to 3 samples"
    page.keyboard.press("o")
    page.locator(".group-card[aria-label*='given']").nth(2).wait_for()
    assert told(page).startswith("The same 3 times, labeled <b>cat</b>")
    assert told(page).endswith("One decision applies to 3 samples.")
    given = page.locator(".group-card b").all_inner_texts()
    assert len(set(given)) == 2
    for width, height in ((1280, 860), (360, 740), (2560, 1440), (640, 430)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints(page) == []
    page.set_viewport_size({"width": 1280, "height": 860})
    page.keyboard.press("ArrowRight")
    wait_place(page, page.locator("#fact-place").inner_text().replace("1 of", "2 of"))
    page.locator(".group-card[aria-current]:nth-child(2)").wait_for()
    label = page.locator("#fact-given").inner_text()
    assert page.locator("#keep-what").inner_text() == f"all 3: {label}"

    page.keyboard.press("k")
    wait_saved(page)
    cat, first, dog = at(2, 46, 51)
    assert place.opinions() == {
        ("ann", cat): ("keep", 0),
        ("ann", first): ("keep", 0),
        ("ann", dog): ("relabel", 0),
    }
    assert "Nearly the same twice" in told(page)  # the next group
    page.keyboard.press("z")
    wait_saved(page)
    assert place.opinions() == {}
    page.locator(".group-card[aria-current]:nth-child(2)").wait_for()

    # The others are discarded, or each is decided about alone.
    page.keyboard.press("x")
    wait_saved(page)
    actions = {index: action for (_, index), (action, _) in place.opinions().items()}
    assert actions == {cat: "keep", first: "discard", dog: "discard"}
    page.keyboard.press("e")
    wait(page, "document.getElementById('group-words').textContent.includes('alone')")
    assert page.locator("#discard-others").is_hidden()
    page.keyboard.press("u")
    wait_saved(page)
    assert len(place.opinions()) == 4
    page.keyboard.press("g")
    page.locator("#group").wait_for(state="hidden")


def test_on_a_phone_the_pictures_of_a_group_are_in_sight_without_scrolling(open_page, place):
    write_groups(place.folder, PAGE_GROUPS)
    page = open_page({"width": 360, "height": 740}, has_touch=True)
    page.locator(".views [data-view=single]").tap()
    page.locator(".group-card[aria-label*='given']").nth(2).wait_for()
    page.locator("#stage-picture img").first.wait_for()
    for width, height in ((360, 740), (360, 640), (375, 667), (414, 896)):
        page.set_viewport_size({"width": width, "height": height})
        strip, shown, bar = (
            page.locator(part).bounding_box()
            for part in ("#group-strip", "#stage-picture", "#actions")
        )
        assert strip["y"] + strip["height"] <= shown["y"]
        assert strip["height"] >= 44
        assert shown["y"] + shown["height"] <= bar["y"]
        assert shown["height"] >= height / 4
    page.locator("#group-apart").tap()
    wait(page, "document.getElementById('group-words').textContent.includes('alone')")


def test_of_a_group_that_the_server_has_no_longer_each_is_decided_about_alone(open_page, place):
    write_groups(place.folder, PAGE_GROUPS)
    page = open_page(expected="Failed to load resource")
    wait(page, "document.querySelectorAll('.tile.member').length === 3")
    place.stop()
    write_groups(place.folder, ())
    place.start()
    page.locator(".tile[data-position='3']").focus()
    wait(page, "document.getElementById('target').textContent === '0004.jpg'")
    page.keyboard.press("d")
    wait_saved(page)
    assert place.opinions() == {("ann", *at(4)): ("discard", None)}
