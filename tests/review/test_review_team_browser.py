"""A team at work in browsers: blind, then side by side, then settled; notes, classes, an audit."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.assignments import Assignment, assign
from dataparams.decisions.audit_sample import draw_audit
from dataparams.decisions.notes import notes_in
from dataparams.decisions.store import DecisionStore
from dataparams.review.preparing import piles_of
from dataparams.review.ranked_facts import ranked_facts
from made_reports import made_analysis
from reviewed_pages import DESKTOP, NAMES, SIZES, wait_place, wait_saved
from waiting import wait

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "<img src=x onerror=alert(1)>"


def prepare(place, *, drawn=0, adjudicator=None, assignments=()):
    place.folder.mkdir(parents=True, exist_ok=True)
    with closing(DecisionStore(place.folder / "review.sqlite")) as store:
        if drawn:
            piles = piles_of(ranked_facts(made_analysis(SIZES, names=NAMES, contents=None)))
            draw_audit(store.database, piles, drawn)
        if adjudicator:
            set_adjudicator(store.database, adjudicator)
        assign(store.database, assignments)
    place.start(annotator=None, is_auditing=bool(drawn))


def named(open_page, who, **options) -> Page:
    page = open_page(viewport=DESKTOP, annotator=None, **options)
    page.locator("#who-name").fill(who)
    page.keyboard.press("Enter")
    page.locator(".tile[data-filled]").first.wait_for()
    return page


def first_sample(page: Page) -> None:
    page.keyboard.press("o")
    page.locator("#fact-given:not(:empty)").wait_for()


def opinions(page: Page) -> list[str]:
    return page.locator("#fact-opinions li").all_inner_texts()


def wait_opinions(page: Page, count: int) -> None:
    wait(page, f"document.querySelectorAll('#fact-opinions li').length === {count}")


def wait_class(page: Page, name: str) -> None:
    """Wait until a class can be filtered by."""
    options = "[...document.querySelectorAll('[name=label] option')]"
    wait(page, f"{options}.some((one) => one.text.startsWith('{name}'))")


def test_two_decide_blind_see_each_other_after_it_and_an_adjudicator_settles_it(
    open_page, place, complaints
):
    prepare(place, adjudicator="eve")
    ann, bob = (named(open_page, who) for who in ("ann", f"bob {HOSTILE}"))
    first_sample(ann)
    ann.locator("#note-text").fill(f"surely wrong {HOSTILE}")
    ann.locator("#note-tags").fill("blurry, <b>two</b>")
    ann.locator("#single-view").focus()
    wait(ann, "document.getElementById('note-saved').textContent === 'Note saved.'")
    ann.keyboard.press("d")
    wait_saved(ann)

    # Blind: neither the decision nor the note is there, in the grid or beside the sample.
    bob.wait_for_timeout(2700)  # the page asks for changes meanwhile
    assert bob.locator(".tile[data-position='0'] .others").count() == 0
    first_sample(bob)
    assert opinions(bob) == []
    assert bob.locator("#others-notes li").count() == 0
    sample = bob.locator("#fact-file").inner_text()

    # Side by side as soon as bob has decided.
    bob.keyboard.press("k")
    wait_saved(bob)
    bob.locator("[name=decision]").select_option("any")
    bob.locator("#previous").wait_for()
    wait_place(bob, "1 of 45")
    assert bob.locator("#fact-file").inner_text() == sample
    wait_opinions(bob, 3)
    assert opinions(bob) == ["Disputed", "✕ ann: discard", "✓ You: label kept"]
    bob.locator("#others-notes li").wait_for()
    assert bob.locator("#others-notes").inner_text() == (
        f"ann: surely wrong {HOSTILE} blurry <b>two</b>"
    )
    assert complaints(bob) == []
    bob.keyboard.press("z")
    wait_opinions(bob, 0)  # what was taken back is out of sight
    bob.keyboard.press("k")
    wait_saved(bob)

    # The adjudicator sees both before deciding, and settles it for everybody.
    eve = named(open_page, "eve")
    eve.locator("#people").click()
    eve.locator("#people-dialog[open]").wait_for()
    assert complaints(eve) == []
    rows = eve.locator("#activity tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["ann, today", f"bob {HOSTILE}, today"]
    eve.locator("#show-disputed").click()
    wait(eve, "document.getElementById('counted').textContent === '1 sample'")
    first_sample(eve)
    wait_opinions(eve, 3)
    assert opinions(eve)[0] == "Disputed"
    eve.keyboard.press("d")
    wait_saved(eve)
    wait(bob, "!document.getElementById('fact-opinions').textContent.includes('Disputed')")
    assert not place.review.standing.wanted("ann", "disputed").any()
    (note,) = notes_in(place.review.team.database)
    assert note.tags == ("blurry", "<b>two</b>")
    bob.keyboard.press("/")
    bob.keyboard.type("#blurry")
    wait(bob, "document.getElementById('counted').textContent === '1 sample'")


def test_a_class_is_added_and_renamed_for_all_while_others_work(open_page, place, complaints):
    prepare(place, assignments=(Assignment("bob", (1,)),))
    ann, bob = named(open_page, "ann"), named(open_page, "bob", expected="status of 422")
    wait(bob, "document.getElementById('counted').textContent === '5 samples'")
    assert bob.locator("[name=assigned]").is_checked()
    first_sample(ann)
    ann.keyboard.press("c")
    ann.locator("#picker[open]").wait_for()
    ann.keyboard.type(HOSTILE)
    assert "add this class" in ann.locator("#picker-list").inner_text()
    assert complaints(ann) == []
    ann.keyboard.press("Enter")
    wait(ann, f"document.getElementById('toast').textContent === 'Now {HOSTILE}.'")
    wait_saved(ann)
    wait_class(bob, HOSTILE)
    bob.keyboard.press("c")
    bob.locator("#picker[open]").wait_for()
    bob.keyboard.type("onerr")
    bob.locator("#picker-rename").click()
    assert "Everybody sees the new name" in bob.locator("#picker-target").inner_text()
    bob.locator("#picker-input").fill("dog")
    bob.keyboard.press("Enter")
    wait(bob, "document.getElementById('picker-trouble').textContent.includes('which class')")
    bob.locator("#picker-input").fill("fox")
    bob.locator("#picker-save").click()
    wait(bob, "document.getElementById('picker-title').textContent === 'Which class is it?'")
    bob.keyboard.press("Escape")
    wait_class(ann, "fox")
    assert place.review.team.class_names[-1] == "fox"
    assert list(place.opinions().values()) == [("relabel", 4)]


def test_an_audit_is_judged_blind_and_its_end_tells_what_it_found(open_page, place, complaints):
    prepare(place, drawn=12)
    page = named(open_page, "ann")
    wait(page, "document.getElementById('counted').textContent === '12 samples'")
    assert page.locator("#progress-words").inner_text() == "0 of 12 samples of the audit judged"
    grid = page.locator("#grid").inner_text()
    assert "Hard" not in grid
    assert "Easy" not in grid
    first_sample(page)
    facts = page.locator("#facts")
    assert "Judged blind" in facts.inner_text()
    assert not page.locator("#fact-chart .own").get_attribute("d")
    page.locator("#compare section").first.wait_for()
    assert page.locator("#compare h3").all_inner_texts()[0].startswith("Given:")
    assert page.locator("#compare h3").count() == 1
    page.keyboard.press("s")  # there is no suggestion to take
    for number in range(1, 13):
        wait_place(page, f"{number} of 12")
        page.locator("#fact-given:not(:empty)").wait_for()
        page.keyboard.press("d" if number == 3 else "k")
    page.locator("#audit-dialog[open]").wait_for()
    words = page.locator("#audit-words").inner_text()
    assert "12 of 12 samples drawn are decided, 12 by you" in words
    assert "95% interval" in words
    assert complaints(page) == []
    page.keyboard.press("Escape")
    wait(page, "document.getElementById('empty-words').textContent.startsWith('Nothing is left')")
    page.locator("#empty-more", has_text="You decided about 12 samples").wait_for()
    page.locator("[name=decision]").select_option("audited")
    page.locator("[name=category][value=easy]").check()
    wait(page, "document.getElementById('counted').textContent === '12 samples'")
