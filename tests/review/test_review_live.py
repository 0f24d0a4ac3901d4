"""What others do while a page is open: notes that they write, and corrections of the data."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import polars as pl
import pytest
from PIL import Image

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.planning import plan
from dataparams.decisions.notes import write_note
from dataparams.review.run_in_review import open_review
from dataparams.run.source import ContentsOfRun
from made_applied import decide, run_on
from made_reports import made_analysis
from made_reviews import client_of, decisions_of, made_review
from reviewed_pages import wait_saved, wait_told
from waiting import wait

MOVED = (
    "dataparams apply changed the data: samples are read from where they are now, "
    "labels are shown as given."
)


@pytest.fixture
def plain(tmp_path):
    with closing(made_review(tmp_path / "run")) as review:
        yield client_of(review), review


def test_a_note_is_told_of_as_soon_as_it_is_there_to_those_who_have_decided(plain):
    client, review = plain
    number = client.get("/api/run").json()["last_note"]

    def heard(annotator, after=number):
        parameters = {"annotator": annotator, "after": 0, "after_note": after}
        return client.get("/api/changes", params=parameters).json()

    write_note(review.team.database, "note-1", "bob", 4, "Look at this.", ["odd"])
    assert heard("ann")["noted"] == []
    client.post("/api/decisions", json=decisions_of(review, "request-1", "ann", (4, "keep")))
    answer = heard("ann")
    assert answer["noted"] == [4]
    assert heard("ann", answer["last_note"])["noted"] == []
    assert heard("eve")["noted"] == []


def test_pictures_are_found_where_apply_moved_them_and_where_undo_brought_them_back(tmp_path):
    analysis = made_analysis()
    for number, name in enumerate(analysis.frame["id"]):
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), (number, 0, 0)).save(file)
    run = run_on(tmp_path / "run", tmp_path / "data")
    moved = ("cat/0000.jpg", "cat/0001.jpg", "cat/0002.jpg")
    decide(run, dict.fromkeys(moved[:2], "dog") | {moved[2]: None})
    index = dict(analysis.frame.select("id", "index").iter_rows())
    review = open_review(run, replace(analysis, contents=ContentsOfRun(run)), "ann")
    with closing(review), client_of(review) as client:

        def kinds(size):
            places = (f"/api/pictures/{review.key}/{size}/{index[one]}" for one in moved)
            return {client.get(one).headers["content-type"] for one in places}

        def mark():
            parameters = {"annotator": "ann", "after": 0}
            answer = client.get("/api/changes", params=parameters).json()
            assert answer["trouble"] is None
            return answer["data"]

        marks = [mark()]
        assert kinds("small") == {"image/jpeg"}
        apply_plan(plan(run))
        marks.append(mark())
        assert kinds("large") == {"image/jpeg"}
        undo(run)
        marks.append(mark())
        assert kinds("original") == {"image/jpeg"}
        assert len(set(marks)) == 3


def test_what_could_not_be_read_while_apply_was_at_work_is_read_afterwards(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"Question {i},c{i % 2}\n" for i in range(12)))
    run = run_on(tmp_path / "run", data, text_column="text", label_column="label")
    contents = ContentsOfRun(run)
    ids = run.samples()["id"].to_list()
    assert [one.text for one in contents.read(ids[:1])] == ["Question 0"]
    decide(run, {ids[1]: "c0"})
    apply_plan(plan(run))
    assert [one.text for one in contents.read(ids[1:3])] == ["Question 1", "Question 2"]
    assert pl.read_csv(data)["label"][1] == "c0"


def test_an_open_page_shows_notes_and_corrections_of_others_when_they_come(open_page, place):
    page = open_page()
    page.keyboard.press("o")
    page.locator("#fact-given:not(:empty)").wait_for()
    page.locator("[name=decision]").select_option("any")
    wait(page, "document.getElementById('fact-place').textContent.startsWith('1 of')")
    page.locator("#single-view").focus()
    page.keyboard.press("k")
    wait_saved(page)
    page.keyboard.press("ArrowLeft")
    (index,) = (one for _, one in place.opinions())
    page.locator("#fact-opinions li").wait_for()
    page.locator("#note-text").fill("mine, not yet saved")
    write_note(place.review.team.database, "note-1", "bob", index, "<b>look</b>", ["odd"])
    page.locator("#others-notes li").wait_for()
    assert page.locator("#others-notes").inner_text() == "bob: <b>look</b> odd"
    assert page.locator("#note-text").input_value() == "mine, not yet saved"
    step = place.folder / "applied/0001"
    step.mkdir(parents=True)
    (step / "step.json").write_text(json.dumps({"status": "applied"}))
    wait_told(page, MOVED)
    wait(page, "document.querySelector('#stage-picture img').src.includes('again=1')")
