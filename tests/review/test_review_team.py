"""What the server tells whom: blind until decided, an audit, notes, classes, assignments."""

from __future__ import annotations

import shutil
from contextlib import closing
from itertools import chain
from typing import Any

import pytest

from dataparams.cli import main
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.assignments import Assignment, assign
from dataparams.decisions.audit_sample import draw_audit
from dataparams.decisions.class_changes import LONGEST_CLASS
from dataparams.decisions.notes import LONGEST_NOTE
from dataparams.decisions.store import DecisionStore
from dataparams.review.guarding import Access
from dataparams.review.preparing import piles_of
from dataparams.review.ranked_facts import ranked_facts
from made_reports import made_analysis
from made_reviews import SIZES, TOKEN, Team, client_of, decisions_of, made_review

HIDDEN = ("confidence", "evidence", "subgroup", "suggested")
AWAY = Access("0.0.0.0", 8000, TOKEN)  # noqa: S104


def prepare(folder, *, drawn=0, adjudicator=None, assignments=()):
    folder.mkdir(exist_ok=True)
    with closing(DecisionStore(folder / "review.sqlite")) as store:
        if drawn:
            draw_audit(store.database, piles_of(ranked_facts(made_analysis(SIZES))), drawn)
        if adjudicator:
            set_adjudicator(store.database, adjudicator)
        if assignments:
            assign(store.database, assignments)


@pytest.fixture
def team(tmp_path):
    prepare(tmp_path / "run", adjudicator="eve")
    made = Team(made_review(tmp_path / "run"))
    yield made
    made.review.close()


@pytest.fixture
def audit(tmp_path):
    prepare(tmp_path / "run", drawn=20, adjudicator="eve")
    made = Team(made_review(tmp_path / "run", is_auditing=True))
    yield made
    made.review.close()


# --- blind until decided -------------------------------------------------------------------------


def test_nobody_is_told_what_others_want_before_having_decided(team):
    first, second, *_ = team.indices("ann")
    team.decide("ann", (first, "discard"), (second, "keep"))
    number = team.get("/api/run", "bob")["number"]
    for who, told in (("bob", {}), ("nobody", {}), ("ann", {"ann": "discard"})):
        assert team.opinions(who, first) == told
    assert team.opinions("eve", first) == {"ann": "discard"}  # who settles disputes sees all
    # Unsure is no decision: it shows nothing.
    team.decide("bob", (first, "skip"))
    assert team.opinions("bob", first) == {"bob": "skip"}
    listed = team.get("/api/queue", "bob")["samples"]
    assert [len(one["opinions"]) for one in listed if one["index"] in (first, second)] == [1, 0]
    several = team.get("/api/samples", "bob", index=[first, second])
    assert [len(one["opinions"]) for one in several] == [1, 0]
    changes = team.get("/api/changes", "bob", after=number - 2)["opinions"]
    assert [one["annotator"] for one in changes[str(first)]] == ["bob"]
    assert changes[str(second)] == []
    # Side by side with the answer to one's own decision, and out of sight again after an undo.
    answer = team.decide("bob", (first, "keep"))
    assert {one["annotator"] for one in answer["opinions"][str(first)]} == {"ann", "bob"}
    assert team.opinions("bob", first) == {"ann": "discard", "bob": "keep"}
    taken = team.post("/api/undo", "bob").json()
    assert [one["annotator"] for one in taken["opinions"][str(first)]] == ["bob"]


def test_a_third_is_led_to_a_dispute_without_being_told_what_it_is_about(team):
    first, *_ = team.indices("ann")
    team.decide("ann", (first, "discard"))
    team.decide("bob", (first, "keep"))
    assert team.indices("cid", decision="disputed") == [first]
    assert team.opinions("cid", first) == {}
    team.decide("cid", (first, "keep"))
    assert team.indices("cid", decision="disputed") == []  # two of three
    team.decide("dan", (first, "discard"))
    assert team.indices("cid", decision="disputed") == [first]
    team.decide("eve", (first, "discard"))
    assert team.indices("cid", decision="disputed") == []


def test_agreement_is_of_blind_decisions_and_days_are_told(team):
    first, second, third, *_ = team.indices("ann")
    team.decide("ann", (first, "keep"), (second, "keep"), (third, "discard"))
    team.decide("bob", (first, "keep"), (second, "discard"), (third, "discard"))
    people = team.get("/api/people", "ann")
    assert [(one["common"], one["agreed"]) for one in people["agreements"]] == [(3, 2)]
    team.decide("bob", (second, "keep"))  # after having seen what ann wants
    people = team.get("/api/people", "ann")
    assert [(one["common"], one["agreed"]) for one in people["agreements"]] == [(2, 2)]
    today = {one["annotator"]: one for one in people["activity"]}
    assert (today["ann"]["decided"], today["ann"]["kept"], today["ann"]["discarded"]) == (3, 2, 1)
    assert (today["bob"]["decided"], today["bob"]["kept"]) == (3, 2)
    assert {one["day"] for one in people["activity"]} == {people["today"]}


# --- the audit -----------------------------------------------------------------------------------


def hidden_of(team, who):
    return team.indices(who, decision="audit")


def test_of_a_sample_of_the_audit_nothing_is_told_but_its_label(audit):
    queue = hidden_of(audit, "ann")
    assert len(queue) == 20
    frame = {row["index"]: row for row in made_analysis(SIZES).frame.iter_rows(named=True)}
    assert len({frame[index]["category"] for index in queue[:8]}) > 1  # in random order
    audit.decide("bob", *((index, "discard") for index in queue))
    listed = audit.get("/api/queue", "ann", decision="audit")["samples"]
    several = audit.get("/api/samples", "ann", index=queue)
    for index, *told in zip(queue, listed, several, strict=True):
        one = audit.get(f"/api/samples/{index}", "ann")
        assert one.pop("trajectory") is None
        for facts in (*told, one):
            assert facts["category"] == "audit"
            assert [facts[name] for name in HIDDEN] == [None] * 4
            assert (facts["opinions"], facts["is_outlier"]) == ([], False)
            assert (facts["label"], facts["id"]) == (frame[index]["label"], frame[index]["id"])
        similar = audit.get(f"/api/samples/{index}/similar", "ann")
        assert [group["label"] for group in similar] == [facts["label"]]
        shown = {other["index"] for group in similar for other in group["samples"]}
        assert not shown & set(queue)  # whose place among the clear cases would tell their pile
    changes = audit.get("/api/changes", "ann", after=0)
    assert not any(changes["opinions"].values())


def test_no_list_and_no_map_tells_of_a_sample_of_the_audit_to_whom_it_waits_for(audit):
    queue = set(hidden_of(audit, "ann"))
    queries: list[dict[str, Any]] = [
        {"decision": "any"},
        {"decision": "todo"},
        {"decision": "open"},
        {"category": ["hard"]},
        {"category": ["easy"]},
        {"suggested": 1},
    ]
    for query in queries:
        assert not queue & set(audit.indices("ann", **query)), query
    # And no other filter narrows the list of the audit itself.
    for query in [*queries[3:], {"outlier": True}, {"subgroup": "night & fog"}]:
        assert set(audit.indices("ann", decision="audit", **query)) == queue
    label = audit.indices("ann", decision="audit", label=1)
    assert set(label) < queue
    for number in (0, 1):
        shown = {one["index"] for one in audit.get(f"/api/maps/{number}", "ann")["samples"]}
        assert shown
        assert not shown & queue
    numbers = audit.client.get(
        "/api/queue/numbers", params={"annotator": "ann", "decision": "audit"}
    )
    assert len(numbers.content) == 4 * len(queue)


def test_paging_through_the_audit_neither_skips_nor_repeats(audit):
    queue = hidden_of(audit, "ann")
    pages = audit.indices("ann", decision="audit", limit=7)
    while more := audit.indices("ann", decision="audit", limit=7, after=pages[-1]):
        pages += more
    assert pages == queue
    audit.decide("ann", (queue[4], "keep"), audit=True)
    assert audit.indices("ann", decision="audit", limit=5, after=queue[4]) == queue[5:10]


def test_who_decided_is_told_everything_and_the_sample_leaves_the_queue(audit):
    first, second, *_ = hidden_of(audit, "ann")
    # What was decided in the ordinary list is asked for again.
    audit.decide("ann", (first, "keep"))
    assert audit.opinions("ann", first) == {}
    assert first in hidden_of(audit, "ann")
    answer = audit.decide("ann", (first, "keep"), audit=True)
    assert [one["annotator"] for one in answer["opinions"][str(first)]] == ["ann"]
    assert answer["progress"]["audit_mine"] == 1
    assert audit.get(f"/api/samples/{first}", "ann")["category"] != "audit"
    assert first not in hidden_of(audit, "ann")
    assert audit.indices("ann", decision="audited") == [first]
    # For others it waits as before; who settles disputes is told.
    assert audit.get(f"/api/samples/{first}", "bob")["category"] == "audit"
    assert audit.get(f"/api/samples/{first}", "eve")["category"] != "audit"
    assert audit.get(f"/api/samples/{second}", "eve")["category"] == "audit"
    audit.post("/api/undo", "ann")
    assert first in hidden_of(audit, "ann")


def test_the_result_is_told_and_goes_on_after_a_restart_without_hiding_anything(audit, tmp_path):
    queue = hidden_of(audit, "ann")
    assert audit.get("/api/audit", "ann")["remaining"] is None
    audit.decide("ann", *((index, "keep") for index in queue[1:]), audit=True)
    audit.decide("ann", (queue[0], "discard"), audit=True)
    found = audit.get("/api/audit", "ann")
    assert (found["drawn"], found["reviewed"], found["mine"]) == (20, 20, 20)
    assert 0 < found["before"]["rate"] < 0.2
    assert found["remaining"]["rate"] <= found["before"]["rate"]
    audit.review.close()
    again = Team(made_review(tmp_path / "run"))  # without --audit
    assert again.get("/api/run", "ann")["audit"] is None
    assert again.indices("ann", decision="audit") == []
    assert again.get(f"/api/samples/{queue[0]}", "bob")["category"] != "audit"
    assert again.get("/api/audit", "ann")["reviewed"] == 20
    again.review.close()


# --- notes ---------------------------------------------------------------------------------------


def notes(team, who, index):
    return {one["annotator"]: one["text"] for one in team.get(f"/api/samples/{index}/notes", who)}


def test_notes_are_found_by_their_words_and_hidden_as_decisions_are(team):
    first, second, *_ = team.indices("ann")
    body = {"index": first, "text": "Surely a <b>DOG</b>", "tags": ["Blurry", "two dogs"]}
    assert team.post("/api/notes", "ann", **body).json()["written"]
    team.post("/api/notes", "bob", index=second, tags=["two"])
    assert notes(team, "ann", first) == {"ann": "Surely a <b>DOG</b>"}
    assert notes(team, "bob", first) == {}
    for words, found in (
        ("surely a", [first]),
        ("#blurry", [first]),
        ("#two", []),
        ("dogs", [first]),
    ):
        assert team.indices("ann", search=words) == found
        assert team.indices("bob", search=words) == ([second] if words == "#two" else [])
    team.decide("bob", (first, "discard"))
    assert notes(team, "bob", first) == {"ann": "Surely a <b>DOG</b>"}
    assert team.indices("bob", search="#blurry") == [first]
    assert notes(team, "eve", second) == {"bob": ""}
    team.post("/api/notes", "ann", index=first)
    assert notes(team, "ann", first) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"index": 1, "text": "x" * LONGEST_NOTE}, 200),
        ({"index": 1, "text": "x" * (LONGEST_NOTE + 1)}, 422),
        ({"index": 1, "text": "a\0b"}, 422),
        ({"index": 1, "tags": ["x" * 41]}, 422),
        ({"index": 1, "tags": ["x"] * 11}, 422),
        ({"index": 1, "tags": [" "]}, 422),
        ({"index": 999_999}, 404),
        ({"index": -1}, 422),
        ({"index": 1, "more": 1}, 422),
        ({"index": 1, "run": "0" * 16}, 409),
        ({"index": 1, "request": "short"}, 422),
        ({"index": 1, "annotator": "x" * 61}, 422),
    ],
)
def test_notes_that_cannot_be_are_refused(team, body, status):
    assert team.post("/api/notes", "ann", **body).status_code == status


# --- classes -------------------------------------------------------------------------------------


def test_a_class_that_is_added_can_be_given_and_everybody_hears_of_it(team):
    first, *_ = team.indices("ann")
    before = [one["name"] for one in team.get("/api/run", "ann")["classes"]]
    answer = team.post("/api/classes", "ann", name="<img src=x onerror=alert(1)>").json()
    assert answer["label"] == len(before)
    assert answer["class_names"] == [*before, "<img src=x onerror=alert(1)>"]
    assert team.post("/api/classes", "bob", name=answer["class_names"][-1]).json() == answer
    team.decide("ann", (first, "relabel", len(before)))
    assert team.opinions("ann", first) == {"ann": "relabel"}
    assert team.indices("ann", decision="relabeled") == [first]
    renamed = team.post("/api/classes", "bob", name="fox", label=len(before)).json()
    assert renamed["class_names"][-1] == "fox"
    assert team.get("/api/changes", "ann", after=0)["class_names"][-1] == "fox"
    assert team.get("/api/run", "ann")["classes"][-1]["name"] == "fox"
    assert team.indices("ann", label=len(before)) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x" * LONGEST_CLASS}, 200),
        ({"name": "x" * (LONGEST_CLASS + 1)}, 422),
        ({"name": ""}, 422),
        ({"name": " "}, 422),
        ({"name": "a\nb"}, 422),
        ({"name": "a\u202eb"}, 422),
        ({"name": "fox", "label": 99}, 422),
        ({"name": "fox", "label": -1}, 422),
        ({"name": "fox", "run": "0" * 16}, 409),
        ({"name": "fox", "more": 1}, 422),
    ],
)
def test_classes_that_cannot_be_are_refused(team, body, status):
    before = team.get("/api/changes", "ann", after=0)["class_names"]
    assert team.post("/api/classes", "ann", **body).status_code == status
    if status != 200:
        assert team.get("/api/changes", "ann", after=0)["class_names"] == before


def test_a_class_that_another_process_adds_and_gives_counts(team, tmp_path):
    first, *_ = team.indices("ann")
    other = made_review(tmp_path / "run")
    second = client_of(other)
    body = {"run": other.key, "annotator": "bob", "request": "elsewhere-1", "name": "fox"}
    label = second.post("/api/classes", json=body).json()["label"]
    second.post(
        "/api/decisions",
        json=decisions_of(other, "elsewhere-2", "bob", (first, "relabel", label)),
    )
    changes = team.get("/api/changes", "bob", after=0)
    assert changes["class_names"][label] == "fox"
    assert team.opinions("bob", first) == {"bob": "relabel"}
    other.close()


# --- assignments ---------------------------------------------------------------------------------


def test_everybody_has_a_list_of_what_is_theirs(tmp_path):
    plan = (Assignment("ann", (1,)), Assignment("bob", share=0.5), Assignment("cid", share=0.5))
    prepare(tmp_path / "run", assignments=plan)
    team = Team(made_review(tmp_path / "run"))
    theirs = {who: team.indices(who, assigned=True) for who in ("ann", "bob", "cid")}
    assert theirs["ann"] == team.indices("ann", label=1)
    assert sorted(chain.from_iterable(theirs.values())) == sorted(team.indices("ann"))
    assert team.indices("dan", assigned=True) == team.indices("dan")
    team.decide("ann", (theirs["ann"][0], "keep"), (theirs["bob"][0], "keep"))
    progress = team.get("/api/queue", "ann")["progress"]
    assert (progress["assigned"], progress["assigned_mine"]) == (len(theirs["ann"]), 1)
    team.review.close()


# --- who is answered -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/samples/1/notes"),
        ("GET", "/api/audit"),
        ("POST", "/api/notes"),
        ("POST", "/api/classes"),
    ],
)
def test_no_stranger_is_answered(team, method, path):
    own = {"content-type": "application/json"}
    away = client_of(team.review, AWAY, base_url="http://10.0.0.1:8000")
    assert away.request(method, path, content="{}", headers=own).status_code == 401
    for headers, status in (
        ({"host": "evil.example:8000"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ):
        answer = team.client.request(method, path, content="{}", headers={**own, **headers})
        assert answer.status_code == status
    if method == "POST":
        plain = {"content-type": "text/plain"}
        assert team.client.request(method, path, content="{}", headers=plain).status_code == 415


def test_the_command_draws_an_audit_and_keeps_who_does_what(
    text_run, tmp_path, monkeypatch, capsys
):
    shutil.copytree(text_run.path, tmp_path / "run")
    served = []
    monkeypatch.setattr("dataparams.review.serve", lambda made, **_: served.append(made))
    first = text_run.class_names()[0]
    team = ["--adjudicator", "eve", "--assign", f"ann={first}", "bob=50%"]
    for flags in (["--audit", "10", *team], ["--audit", "12"], ["--no-adjudicator", "eve"]):
        assert main(["review", str(tmp_path / "run"), "--no-open", *flags]) == 0
    assert "Audit: 12 samples of 72" in capsys.readouterr().out
    assert [len(one.team.drawn) for one in served] == [10, 12, 0]
    assert served[1].team.drawn.tolist()[:10] == served[0].team.drawn.tolist()
    assert [sorted(one.team.adjudicators) for one in served] == [["eve"], ["eve"], []]
    assert served[2].team.assignments == (Assignment("ann", (0,)), Assignment("bob", share=0.5))
    assert main(["review", str(tmp_path / "run"), "--no-open", "--assign", "ann=no such"]) != 0
    assert "there is no class 'no such'" in capsys.readouterr().err
    for one in served:
        one.close()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--audit", "0"], "--audit is 0"),
        (["--adjudicator", " "], "--adjudicator is ' '"),
    ],
)
def test_flags_that_make_no_sense_are_refused(tmp_path, capsys, flags, words):
    assert main(["review", str(tmp_path), "--no-open", *flags]) != 0
    assert words in capsys.readouterr().err
