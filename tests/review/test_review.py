"""The review server: which samples it gives, what it writes, and whom it answers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import struct
import tempfile
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from dataparams.cli import main
from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.agreement import disputes, kappa_of
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import ChangedDataError, RunError, UserError
from dataparams.review.application import make_unguarded
from dataparams.review.content_views import ContentViews
from dataparams.review.guarding import MOST_BODY_BYTES, Access
from dataparams.review.maps import positions_of
from dataparams.review.own_process import OwnProcess
from dataparams.review.preparing import load_prepared, prepared_of, write_prepared
from dataparams.review.ranked_facts import ranked_facts
from dataparams.review.run_in_review import open_review
from dataparams.review.samples import ReviewSamples
from dataparams.review.serving import FIRST_PORT, address_of, is_local, listening_socket
from dataparams.review.similar import Similar
from dataparams.review.standing import Standing
from dataparams.run.folder import RunFolder
from forked_processes import SUPPORT, run_program
from made_reports import HOSTILE_CLASS, HOSTILE_FILE, ColoredContents, as_audit, made_analysis
from made_reviews import LOCAL, SIZES, TOKEN, client_of, decisions_of, doubted, made_review

ANN = {"annotator": "ann"}
EVE = "eve"
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
AWAY = Access("0.0.0.0", 8000, TOKEN)  # noqa: S104


@pytest.fixture
def review(tmp_path):
    made = made_review(tmp_path / "run")
    yield made
    made.close()


@pytest.fixture
def client(review):
    return client_of(review)


def indices(client, **query):
    return [one["index"] for one in client.get("/api/queue", params=query).json()["samples"]]


def decide(client, review, request, annotator, *decisions):
    return client.post("/api/decisions", json=decisions_of(review, request, annotator, *decisions))


def undo(client, review, request, annotator):
    body = {"run": review.key, "request": request, "annotator": annotator}
    return client.post("/api/undo", json=body)


# --- the queue -----------------------------------------------------------------------------------


def test_suspicious_samples_come_first_the_most_suspicious_in_front(client):
    samples = client.get("/api/queue").json()["samples"]
    frame = made_analysis(SIZES).frame
    suspicion = dict(zip(frame["index"], frame["suspicion"], strict=True))
    order = [(one["category"] == "easy", -suspicion[one["index"]]) for one in samples]
    assert len(samples) == len(frame)
    assert order == sorted(order)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "label": st.sampled_from([0, 1, 5]),
        "category": st.lists(st.sampled_from(["easy", "hard", "review"]), unique=True),
        "suggested": st.sampled_from([0, 1]),
        "subgroup": st.sampled_from(["night & fog", "none of these"]),
        "search": st.sampled_from(["CAT", "dog/00", "3", "é", ".*"]),
        "decision": st.sampled_from(["any", "todo", "open", "mine", "others", "disputed"]),
    },
)


def other_class(row):
    """The class that is suggested; the given one is not."""
    return None if row["suggested_label"] == row["label"] else row["suggested_label"]


def passes(row, query, opinions):
    mine = "ann" in opinions
    return (
        row["label"] == query.get("label", row["label"])
        and (not query.get("category") or row["category"] in query["category"])
        and ("suggested" not in query or query["suggested"] == other_class(row))
        and row["subgroup"] == query.get("subgroup", row["subgroup"])
        and query.get("search", "").lower() in row["id"].lower()
        and {
            "any": True,
            "todo": not mine,
            "open": not opinions,
            "mine": mine,
            "others": bool(opinions) and not mine,
            "disputed": len(set(opinions.values()) - {("skip", None)}) > 1,
        }[query.get("decision", "any")]
    )


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """Samples decided about by one, the other, both alike, both differently; and not at all."""
    made = made_review(tmp_path_factory.mktemp("queue") / "run")
    client = client_of(made)
    every = indices(client)
    opinions: dict[int, Any] = {index: {} for index in every}
    choices = [None, ("keep", None), ("relabel", 1), ("discard", None), ("skip", None)]
    for number, (index, (one, other)) in enumerate(
        zip(every, product(choices, choices), strict=False)
    ):
        for name, choice in (("ann", one), ("bob", other)):
            if choice is not None:
                request = f"request{number}{name}"
                assert decide(client, made, request, name, (index, *choice)).status_code == 200
                is_kept = (
                    choice == ("relabel", 1)
                    and made.samples.label[made.samples.ranks_of([index])[0]] == 1
                )
                opinions[index][name] = ("keep", None) if is_kept else choice
    yield SimpleNamespace(review=made, client=client, opinions=opinions, every=every)
    made.close()


@FEW
@given(query=FILTERS, limit=st.integers(1, 50))
def test_pages_neither_skip_nor_repeat_whatever_is_wanted(decided, query, limit):
    rows = {row["index"]: row for row in made_analysis(SIZES).frame.iter_rows(named=True)}
    wanted = [i for i in decided.every if passes(rows[i], query, decided.opinions[i])]
    found: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        asked = {**query, **after, "limit": limit, "annotator": "ann"}
        answer = decided.client.get("/api/queue", params=asked).json()
        assert answer["total"] == len(wanted)
        if not answer["samples"]:
            break
        found += [one["index"] for one in answer["samples"]]
        after = {"after": found[-1]}
    assert found == wanted
    numbers = decided.client.get("/api/queue/numbers", params={**query, "annotator": "ann"}).content
    assert np.frombuffer(numbers, "<u4").tolist() == wanted


def test_what_is_suggested_is_never_the_given_class_and_doubts_are_told(tmp_path):
    made = made_review(tmp_path / "run", changed=doubted)
    client = client_of(made)
    samples = client.get("/api/queue").json()["samples"]
    hard = [one for one in samples if one["category"] == "hard"]
    assert all(one["suggested"] != one["label"] for one in samples)
    told = {
        (one["index"] // 3 % 3, one["is_likely"], one["note"], one["is_outlier"]) for one in hard
    }
    assert told == {
        (0, False, "no other class is likely", True),
        (1, False, "maybe", True),
        (2, True, "", False),
    }
    only = client.get("/api/queue", params={"outlier": "true"}).json()
    assert {one["is_outlier"] for one in only["samples"]} == {True}
    assert only["total"] == sum(one["is_outlier"] for one in samples)
    for one in samples:
        assert (one["suggested"] is None) == (one["confidence"] is None)
        groups = client.get(f"/api/samples/{one['index']}/similar").json()
        wanted = [one["label"], one["suggested"]]
        assert [group["label"] for group in groups] == [k for k in wanted if k is not None]
    made.close()


def test_of_an_audit_it_is_told_what_was_found_for_a_label(tmp_path):
    made = made_review(tmp_path / "run", changed=as_audit)
    client = client_of(made)
    assert client.get("/api/run").json()["judged_by"].startswith("Every label was judged by 3")
    found = client.get("/api/queue", params={"outlier": "true"}).json()["samples"]
    assert sorted(one["category"] for one in found) == ["easy", "hard"]
    words = "Classifiers that never saw it give its label 3%, its neighbors 25% of their votes."
    assert {one["evidence"] for one in found} == {words}
    made.close()
    made = made_review(tmp_path / "training")
    run, queue = (client_of(made).get(f"/api/{name}").json() for name in ("run", "queue"))
    assert run["judged_by"] is None
    assert {one["evidence"] for one in queue["samples"]} == {None}
    made.close()


def test_clear_cases_are_the_easy_ones_that_are_nearest_by_features():
    samples = ReviewSamples(ranked_facts(made_analysis(SIZES)))
    rng = np.random.default_rng(0)
    features = {int(index): rng.normal(size=8) for index in samples.index}
    rank, label = 0, int(samples.label[0])
    easy = samples.easy_of(label, 1000)
    twin = int(easy[3])
    features[int(samples.index[twin])] = features[int(samples.index[rank])] + 0.01
    similar = Similar(samples, None, lambda index: np.stack([features[one] for one in index]))
    # In a thread of its own: another test's event loop may still run in this one.
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: asyncio.run(similar.most_similar(rank, label, 4))).result()
    assert found[0] == twin
    assert samples.is_easy(found).all()
    assert len(found) == 4


def test_warnings_and_what_cannot_be_judged_are_told(tmp_path):
    made = made_review(tmp_path / "run", changed=doubted)
    run = client_of(made).get("/api/run").json()
    assert run["warnings"][1] == "No ranking here means anything."
    assert [one["unjudged"] for one in run["classes"]] == ["too small to judge", None]
    made.close()


def test_what_was_prepared_before_there_were_warnings_does_not_count(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_description({"class_names": ["cat", "dog"]})
    write_prepared(run, prepared_of(made_analysis(SIZES)))
    (file,) = run.path.glob("review_cache/samples_*/facts.json")
    kept = json.loads(file.read_text())
    del kept["overview"]["warnings"]
    file.write_text(json.dumps(kept))
    assert load_prepared(run) is None


def test_paging_goes_on_where_it_was_while_samples_are_decided(review, client):
    query = {"decision": "todo", "annotator": "ann", "limit": 5}
    first = indices(client, **query)
    decide(client, review, "request1", "ann", *((index, "keep") for index in first[:4]))
    second = indices(client, **query, after=first[-1])
    assert first + second == indices(client, decision="any")[:10]


def test_names_of_samples_and_classes_pass_through_unchanged(tmp_path):
    made = made_review(tmp_path / "run", hostile=True)
    client = client_of(made)
    ids = [one["id"] for one in client.get("/api/queue").json()["samples"]]
    assert HOSTILE_FILE in ids
    run = client.get("/api/run")
    assert run.json()["classes"][0]["name"] == HOSTILE_CLASS
    assert run.headers["content-type"] == "application/json"
    made.close()


# --- decisions -----------------------------------------------------------------------------------


def test_what_is_acknowledged_is_in_the_file(tmp_path, review, client):
    hard, other, third, last, *_ = indices(client)
    answer = decide(client, review, "request1", "ann", (hard, "keep"), (other, "relabel", 1))
    assert answer.json()["added"] == 2
    decide(client, review, "request2", "ann", (third, "discard"), (last, "skip"))
    rows = DecisionStore(tmp_path / "run" / "review.sqlite").in_force()
    assert {row["index"]: (row["action"], row["label"]) for row in rows.iter_rows(named=True)} == {
        hard: ("keep", 0),
        other: ("relabel", 1),
        third: ("discard", None),
        last: ("skip", None),
    }


def test_giving_the_class_that_was_given_is_keeping(review, client):
    sample = client.get("/api/queue").json()["samples"][0]
    decide(client, review, "request1", "ann", (sample["index"], "relabel", sample["label"]))
    (opinion,) = client.get(f"/api/samples/{sample['index']}", params=ANN).json()["opinions"]
    assert opinion == {"annotator": "ann", "action": "keep", "label": sample["label"]}


def test_a_request_sent_twice_counts_once(review, client):
    first, second, *_ = indices(client)
    assert decide(client, review, "request1", "ann", (first, "discard")).json()["added"] == 1
    decide(client, review, "request2", "ann", (first, "keep"))
    assert decide(client, review, "request1", "ann", (first, "discard")).json()["added"] == 0
    (opinion,) = client.get(f"/api/samples/{first}", params=ANN).json()["opinions"]
    assert opinion["action"] == "keep"
    assert undo(client, review, "request3", "ann").json()["indices"] == [first]
    assert undo(client, review, "request3", "ann").json()["indices"] == [first]
    (opinion,) = client.get(f"/api/samples/{first}", params=ANN).json()["opinions"]
    assert opinion["action"] == "discard"
    assert client.get(f"/api/samples/{second}", params=ANN).json()["opinions"] == []


def test_everything_can_be_undone_and_nothing_more(review, client):
    every = indices(client)
    for number, index in enumerate(every):
        decide(client, review, f"request{number}", "ann", (index, "discard"))
    decide(client, review, "request-all", "ann", *((index, "keep") for index in every))
    decide(client, review, "request-bob", "bob", (every[0], "skip"))
    assert undo(client, review, "undo-all", "ann").json()["indices"] == sorted(every)
    for number, index in enumerate(reversed(every)):
        assert undo(client, review, f"undo-{number:04}", "ann").json()["indices"] == [index]
    assert undo(client, review, "undo-none", "ann").json()["indices"] == []
    assert indices(client, annotator="ann", decision="mine") == []
    assert indices(client, annotator="bob", decision="skipped") == [every[0]]


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        ((1_000_000, "keep"), 404),
        ((2**60, "keep"), 422),
        ((-1, "keep"), 422),
        ((1, "relabel"), 422),
        ((1, "relabel", 2), 422),
        ((1, "relabel", -1), 422),
        ((1, "keep", 0), 422),
        ((1, "discard", 0), 422),
        ((1, "undo"), 422),
        ((1, "keep", None, "more"), 200),
    ],
)
def test_what_cannot_be_is_refused_whole(review, client, decision, status):
    good = indices(client, label=1)[0]
    answer = decide(client, review, "request1", "ann", (good, "keep"), decision)
    assert answer.status_code == status
    assert len(indices(client, annotator="ann", decision="mine")) == (2 if status == 200 else 0)


def test_decisions_for_another_run_are_refused(review, client):
    body = {**decisions_of(review, "request1", "ann", (1, "keep")), "run": "0" * 16}
    assert client.post("/api/decisions", json=body).status_code == 409
    assert client.post("/api/undo", json={**body, "decisions": None}).status_code == 422
    del body["decisions"]
    assert client.post("/api/undo", json=body).status_code == 409


# --- several annotators --------------------------------------------------------------------------


def test_nobody_overwrites_anybody_and_disputes_are_listed(review, client):
    first, second, third, *_ = indices(client)
    number = client.get("/api/run").json()["number"]
    for name, action in (("ann", "keep"), ("bob", "discard"), ("eve", "skip")):
        decide(client, review, f"request-{name}", name, (first, action), (second, "discard"))
    decide(client, review, "request-more", "eve", (third, "skip"))
    assert indices(client, decision="disputed") == [first]
    changes = client.get("/api/changes", params={"annotator": "ann", "after": number}).json()
    assert {int(index): len(all_of) for index, all_of in changes["opinions"].items()} == {
        first: 3,
        second: 3,
        third: 0,
    }
    assert changes["progress"]["disputed"] == 1
    decide(client, review, "request-yield", "bob", (first, "keep"))
    assert indices(client, decision="disputed") == []
    asked = {"annotator": "ann", "after": changes["number"]}
    assert list(client.get("/api/changes", params=asked).json()["opinions"]) == [str(first)]


def test_what_another_process_writes_and_takes_back_appears(tmp_path, review, client):
    first, second, *_ = indices(client)
    decide(client, review, "request1", "ann", (first, "keep"))
    number = client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()["number"]
    other = DecisionStore(tmp_path / "run" / "review.sqlite")
    other.record("elsewhere", "bob", [Decision(second, "discard"), Decision(999_999, "skip")])
    changes = client.get("/api/changes", params={"annotator": "bob", "after": number}).json()
    assert [one["annotator"] for one in changes["opinions"][str(second)]] == ["bob"]
    blind = client.get("/api/changes", params={"annotator": "ann", "after": number}).json()
    assert blind["opinions"][str(second)] == []
    other.undo("elsewhere-undo", "bob")
    decide(client, review, "request2", "ann", (first, "discard"))
    asked = {"annotator": "ann", "after": changes["number"]}
    later = client.get("/api/changes", params=asked).json()
    assert later["opinions"][str(second)] == []
    assert later["opinions"][str(first)][0]["action"] == "discard"


@settings(FEW, max_examples=25)
@given(
    acts=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["ann", "bob"]),
            st.none()
            | st.dictionaries(
                st.sampled_from([1, 4, 7, 10, 999_999]),
                st.sampled_from([("keep", 0), ("relabel", 1), ("discard", None), ("skip", None)]),
                max_size=3,
            ),
        ),
        max_size=14,
    )
)
def test_what_counts_is_what_a_fresh_reading_tells_whoever_wrote(acts):
    """Writers are two servers and a process that is none; None takes back."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "review.sqlite"
        samples = ReviewSamples(prepared_of(made_analysis(SIZES)).facts)
        other = DecisionStore(file)
        set_adjudicator(other.database, EVE)
        servers = [Standing(DecisionStore(file), samples) for _ in range(2)]
        told = servers[0].number
        for number, (writer, annotator, wanted) in enumerate(acts):
            name = f"request{number}"
            if wanted is None:
                (*servers, other)[writer].undo(name, annotator)
            elif writer == 2:
                other.record(name, annotator, [Decision(i, *one) for i, one in wanted.items()])
            else:
                known = {index: one for index, one in wanted.items() if index < len(samples)}
                ranks = samples.ranks_of(list(known)).tolist()
                choices = [(r, *one) for r, one in zip(ranks, known.values(), strict=True)]
                servers[writer].record(name, annotator, choices)
            if number == len(acts) // 2:
                servers[0].refresh()
                told, opinions = servers[0].number, opinions_of(servers[0], samples)
        in_force = other.in_force().filter(pl.col("index") < 999_999)
        expected: dict[int, Any] = {index: [] for index in samples.index.tolist()}
        for row in in_force.iter_rows(named=True):
            given = samples.label[samples.ranks_of([row["index"]])[0]]
            action = "keep" if row["label"] == given else row["action"].replace("keep", "relabel")
            expected[row["index"]].append((row["annotator"], action, row["label"]))
        for standing in servers:
            standing.refresh()
            assert opinions_of(standing, samples) == expected
            disputed = samples.index[standing.wanted("ann", "disputed")]
            assert set(disputed.tolist()) == set(disputes(in_force)["index"])
        if acts:
            changed = samples.index[servers[0].changed_since(told)].tolist()
            assert {i for i in expected if opinions[i] != expected[i]} <= set(changed)
        for server in servers:
            server.close()
        other.close()


@pytest.mark.parametrize("which", ["review.sqlite", "review.sqlite-wal"])
def test_nothing_is_acknowledged_that_goes_into_a_file_which_was_taken_away(
    tmp_path, review, client, which
):
    first, second, third, *_ = indices(client)
    decide(client, review, "request1", "ann", (first, "keep"))
    file = tmp_path / "run" / which
    contents = file.read_bytes()
    kept = file.rename(tmp_path / "kept")
    for _ in range(2):
        answers = [
            decide(client, review, "request2", "ann", (second, "keep")),
            undo(client, review, "request3", "ann"),
            client.get("/api/changes", params={"annotator": "ann", "after": 0}),
        ]
        assert [answer.status_code for answer in answers] == [503] * 3
        assert "review.sqlite was removed or replaced" in answers[0].json()["detail"]
        file.write_bytes(contents)  # the same is not the same file
    kept.replace(file)
    assert decide(client, review, "request4", "ann", (third, "discard")).status_code == 200
    rows = DecisionStore(tmp_path / "run" / "review.sqlite").in_force()
    assert rows["index"].to_list() == sorted([first, third])


def opinions_of(standing, samples):
    return {
        index: [(one.annotator, one.action, one.label) for one in standing.opinions(rank, EVE)]
        for rank, index in enumerate(samples.index.tolist())
    }


def test_decisions_count_again_after_a_restart(tmp_path, review, client):
    first, second, *_ = indices(client)
    decide(client, review, "request1", "ann", (first, "keep"), (second, "skip"))
    again = made_review(tmp_path / "run")
    restarted = client_of(again)
    assert again.key == review.key
    assert indices(restarted, annotator="ann", decision="mine") == [first, second]
    assert undo(restarted, again, "request2", "ann").json()["indices"] == sorted([first, second])
    asked: dict[str, Any] = {"annotator": "ann", "after": 0}
    assert restarted.get("/api/changes", params=asked).json()["reload"]
    again.close()


def test_agreement_is_told_for_every_pair(review, client):
    every = indices(client)[:8]
    ann = ["keep", "keep", "discard", "keep", "keep", "discard", "skip"]
    bob = ["keep", "discard", "discard", "keep", "keep", "keep", "keep"]
    decide(client, review, "request1", "ann", *zip(every, ann, strict=False))
    decide(client, review, "request2", "bob", *zip(every, bob, strict=False))
    people = client.get("/api/people").json()
    assert people["annotators"][0] == {"name": "ann", "decided": 6, "unsure": 1}
    (pair,) = people["agreements"]
    labels = {one["index"]: one["label"] for one in client.get("/api/queue").json()["samples"]}
    kinds = [
        [(action, labels[i] if action == "keep" else None) for i, action in zip(every, who)]  # noqa: B905
        for who in (ann[:6], bob[:6])
    ]
    assert (pair["common"], pair["agreed"]) == (6, 4)
    assert pair["kappa"] == pytest.approx(reference_kappa(*kinds), abs=1e-3)


def reference_kappa(one, other):
    observed = np.mean([a == b for a, b in zip(one, other, strict=True)])
    expected = sum(
        np.mean([a == c for a in one]) * np.mean([b == c for b in other]) for c in {*one, *other}
    )
    return (observed - expected) / (1 - expected)


@FEW
@given(st.lists(st.tuples(st.integers(2, 5), st.integers(2, 5)), min_size=1, max_size=30))
def test_kappa_is_cohens(pairs):
    one, other = (np.array(side) for side in zip(*pairs, strict=True))
    kappa = kappa_of(one, other)
    if len({*one.tolist(), *other.tolist()}) < 2:
        assert kappa is None
    else:
        assert kappa == pytest.approx(reference_kappa(one.tolist(), other.tolist()), abs=1e-3)


# --- who is answered -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("[::1]:8000", True),
        ("localhost:9000", True),
        ("127.8.9.1:8000", True),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.5:8000", False),
        ("localhost:8000@evil.example", False),
        ("evil.example@localhost", False),
        ("", False),
        ("[::1", False),
        ("localhost:x", False),
    ],
)
def test_only_its_own_names_are_answered(client, host, is_answered):
    for path in ("/", "/api/run", "/page/main.js"):
        status = client.get(path, headers={"host": host}).status_code
        assert status == (200 if is_answered else 421), path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
)
def test_other_sites_are_refused(review, client, headers):
    body = decisions_of(review, "request1", "ann", (1, "keep"))
    assert client.post("/api/decisions", json=body, headers=headers).status_code == 403
    assert client.get("/api/run", headers=headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/api/decisions", json=body, headers=own).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "a/json"])
def test_only_json_is_taken(review, client, kind):
    body = json.dumps(decisions_of(review, "request1", "ann", (1, "keep")))
    answer = client.post("/api/decisions", content=body, headers={"content-type": kind})
    assert answer.status_code == 415


def test_too_long_a_request_is_not_read(client):
    headers = {"content-type": "application/json"}
    long = b"[" + b" " * MOST_BODY_BYTES + b"]"
    assert client.post("/api/decisions", content=long, headers=headers).status_code == 413
    in_pieces = (b" " * 100_000 for _ in range(1 + MOST_BODY_BYTES // 100_000))
    assert client.post("/api/undo", content=in_pieces, headers=headers).status_code == 411


def test_every_answer_has_the_headers_that_confine_it(review, client):
    answers = [
        client.get("/"),
        client.get("/page/main.js"),
        client.get("/api/queue"),
        client.get("/api/nothing"),
        client.get("/api/queue", params={"label": "x"}),
        client.get("/api/run", headers={"host": "evil.example"}),
        client.get(f"/api/pictures/{review.key}/small/1"),
        client.request("BREW", "/"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


def test_away_from_this_machine_a_token_is_demanded(review):
    client = client_of(review, AWAY, base_url="http://192.168.1.5:8000")
    assert client.get("/").status_code == 200
    for path in ("/api/run", "/api/queue", f"/api/pictures/{review.key}/small/1"):
        assert client.get(path).status_code == 401
    for wrong in ("", "x", "t" * 42, "t" * 44, "\U0001f600"):
        answer = client.post("/api/session", json={"token": wrong})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    answer = client.post("/api/session", json={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/run").status_code == 200
    forged = client_of(review, AWAY, base_url="http://192.168.1.5:8000")
    values: tuple[Any, ...] = (
        "x",
        f"{AWAY.cookie}=x",
        f"{AWAY.cookie}=",
        f'{AWAY.cookie}="é'.encode("latin-1"),
    )
    for value in values:
        assert forged.get("/api/run", headers={"cookie": value}).status_code == 401


def test_the_printed_address_has_the_token_where_no_log_sees_it():
    assert (
        address_of(Access("192.168.1.5", 8000, TOKEN)) == f"http://192.168.1.5:8000/#token={TOKEN}"
    )
    assert [is_local(host) for host in ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.5", "a.b")] == [
        *(True, True),
        *(False, False, False),
    ]


# --- files and pictures --------------------------------------------------------------------------


def test_no_file_is_served_that_is_no_sample(tmp_path, review):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "run" / "secret.txt").write_bytes(b"secret")
    with client_of(review, raise_server_exceptions=False) as client:
        ups = [
            "..",
            "%2e%2e",
            "%252e%252e",
            "..%2f..",
            "..%5c..",
            "....//",
            "%c0%ae%c0%ae",
            "\\..\\..",
        ]
        names = ["secret.txt", "review.sqlite", "run.json", "/etc/passwd", "application.py"]
        for base in ("/page/", f"/api/pictures/{review.key}/small/", "/api/samples/", "/"):
            for up, name in product([*ups, "", "/"], names):
                answer = client.get(f"http://127.0.0.1:8000{base}{up}/{name}")
                assert answer.status_code in (404, 422), (base, up, name)
                assert b"secret" not in answer.content.replace(name.encode(), b"")
        for index in ("1.5", "-1", "1e3", "0x1", "\u0661", "99999999", "1/..", "1%00"):
            answer = client.get(f"/api/pictures/{review.key}/small/{index}")
            assert answer.status_code in (404, 422), index


def png_claiming(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


class FilesIn:
    """The image files of a folder, by their paths in it."""

    def __init__(self, folder):
        self._folder = folder

    def read(self, ids):
        return [EncodedImage(None, str(self._folder / one)) for one in ids]


def test_what_is_no_picture_has_a_placeholder(tmp_path):
    folder = tmp_path / "images" / "cat"
    folder.mkdir(parents=True)
    good = io.BytesIO()
    Image.new("RGB", (900, 600), "red").save(good, "JPEG")
    files = {
        "0000.jpg": good.getvalue(),
        "0001.jpg": good.getvalue()[:300],
        "0002.jpg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "0003.jpg": b"",
        "0004.jpg": png_claiming(60_000, 60_000),
    }
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    (folder / "0005.jpg").symlink_to(tmp_path / "nowhere.jpg")
    made = made_review(tmp_path / "run", sizes=({"hard": 7},), names=("cat",))
    made.views._contents = FilesIn(tmp_path / "images")
    with client_of(made) as client:
        for number in range(7):
            answer = client.get(f"/api/pictures/{made.key}/small/{3 * number + 1}")
            assert answer.status_code == 200
            if number:
                assert answer.headers["content-type"] == "image/svg+xml"
                assert b"onload" not in answer.content
                assert answer.headers["cache-control"] == "no-cache"
            else:
                with Image.open(io.BytesIO(answer.content)) as picture:
                    assert picture.size == (240, 160)
        large = client.get(f"/api/pictures/{made.key}/large/1").content
        with Image.open(io.BytesIO(large)) as picture:
            assert picture.size == (640, 427)
        assert client.get(f"/api/pictures/{made.key[::-1]}/small/1").status_code == 404
    made.close()


def test_pictures_are_read_once_and_kept_within_bounds(tmp_path):
    pictures = ColoredContents((24, 32))
    made = made_review(tmp_path / "run", contents=pictures)
    with client_of(made) as client:
        every = indices(client)
        for _ in range(2):
            for index in every:
                client.get(f"/api/pictures/{made.key}/small/{index}")
    assert sorted(name for block in pictures.blocks for name in block) == sorted(
        one for one in made.samples.ids(np.arange(len(every)))
    )
    made.close()
    (folder,) = (tmp_path / "run" / "review_cache").glob("pictures_*")
    one_file = max(file.stat().st_size for file in folder.glob("*/*.jpg"))
    bounded = ContentViews(pictures, folder, most_bytes=5 * one_file)
    made = made_review(tmp_path / "run")
    made.views._kept, made.views._most_bytes = bounded._kept, bounded._most_bytes
    made.views._bytes = bounded._bytes
    bounded.close()
    with client_of(made) as client:
        client.get(f"/api/pictures/{made.key}/large/{every[0]}")
        kept = sum(file.stat().st_size for file in folder.glob("*/*.jpg"))
        assert kept <= 5 * one_file
        assert client.get(f"/api/pictures/{made.key}/large/{every[0]}").status_code == 200
    made.close()


def test_without_the_data_the_page_is_told_why_there_are_no_pictures(tmp_path):
    class Gone:
        def read(self, ids):
            raise UserError("The images are gone.")

    made = made_review(tmp_path / "run", contents=Gone())
    with client_of(made) as client:
        answer = client.get(f"/api/pictures/{made.key}/small/1")
        assert answer.headers["content-type"] == "image/svg+xml"
        changes = client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()
        assert changes["trouble"] == "The images are gone."
        assert [len(one["samples"]) for one in client.get("/api/samples/1/similar").json()] == [
            5,
            5,
        ]
    made.close()


def test_samples_that_changed_are_named_and_take_no_other_picture_away(tmp_path):
    class Changing(ColoredContents):
        """Some samples are others than they were; one cannot be read."""

        changed = frozenset({"cat/0001.jpg", "cat/0005.jpg"})

        def read(self, ids):
            if others := sorted(self.changed.intersection(ids)):
                raise ChangedDataError(f"Changed: {', '.join(others)}.")
            return super().read(ids)

    def trouble():
        return client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()["trouble"]

    def is_shown(number):
        answer = client.get(f"/api/pictures/{made.key}/small/{3 * number + 1}")
        return answer.headers["content-type"] == "image/jpeg"

    contents = Changing(unreadable=["cat/0003.jpg"])
    made = made_review(tmp_path / "run", contents=contents)
    with client_of(made) as client:
        names = [f"cat/{number:04}.jpg" for number in range(3)]
        wanted = {3 * number + 1: name for number, name in enumerate(names)}
        together = made.views._make(wanted, [(index, "small") for index in wanted])
        assert [index for index, _ in together] == [1, 7]
        assert trouble() == "Changed: cat/0001.jpg."
        assert [is_shown(number) for number in (4, 5, 3, 6, 1)] == [True, False, False, True, False]
        assert trouble() == "Changed: cat/0001.jpg, cat/0005.jpg."
        before = len(contents.blocks)
        assert not is_shown(3)
        assert len(contents.blocks) == before
        contents.changed = frozenset({"cat/0005.jpg"})
        assert is_shown(1)
        assert trouble() == "Changed: cat/0005.jpg."
        contents.changed = frozenset()
        assert is_shown(5)
        assert trouble() is None
    made.close()


def test_clear_cases_that_look_alike_stand_beside_a_sample(tmp_path):
    class Named:
        """Pictures as light as the number in their name; the sample looks like number 30."""

        def read(self, ids):
            numbers = [int(one[-8:-4]) for one in ids]
            return [
                PixelImage(np.full((8, 8, 3), 150 if n == 0 else 5 * n, np.uint8)) for n in numbers
            ]

    made = made_review(
        tmp_path / "run", sizes=({"hard": 1, "easy": 40}, {"easy": 3}), contents=Named()
    )
    with client_of(made) as client:
        groups = client.get("/api/samples/1/similar").json()
        assert [group["label"] for group in groups] == [0, 1]
        assert {one["id"] for one in groups[0]["samples"]} == {
            f"cat/{number:04}.jpg" for number in range(28, 33)
        }
        assert {one["category"] for group in groups for one in group["samples"]} == {"easy"}
    made.close()


def test_the_map_of_a_class_is_computed_once_and_kept(tmp_path, monkeypatch):
    made = made_review(tmp_path / "run")
    with client_of(made) as client:
        first = client.get("/api/maps/0").json()
        assert first["total"] == len(first["samples"]) == sum(SIZES[0].values())
        assert client.get("/api/maps/9").status_code == 404
    monkeypatch.setattr("dataparams.figures.embed", None)
    with client_of(made) as client:
        assert client.get("/api/maps/0").json() == first
    made.close()


def test_a_map_that_another_process_lays_out_is_the_same_and_can_be_broken_off():
    trajectories = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    process = OwnProcess("the map")
    here = positions_of(trajectories)
    np.testing.assert_array_equal(process.run(positions_of, trajectories), here)
    told = []

    def lay_out() -> None:
        try:
            process.run(positions_of, trajectories)
        except RunError as error:
            told.append(str(error))

    thread = threading.Thread(target=lay_out)
    thread.start()
    process.close()
    thread.join()
    lay_out()
    assert len(told) == 2


def test_a_process_that_ends_before_it_answers_is_told():
    with pytest.raises(RunError, match="the map, and ended with status 3"):
        OwnProcess("the map").run(os._exit, 3)


def test_what_was_prepared_in_another_process_serves_the_same(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_description({"class_names": ["cat", "dog"]})
    analysis = made_analysis(SIZES)
    write_prepared(run, prepared_of(analysis))
    prepared = load_prepared(run)
    answers = []
    for source in (analysis, prepared):
        made = open_review(run, source)
        client = client_of(made)
        answers.append(
            [client.get(path).json() for path in ("/api/run", "/api/queue", "/api/samples/1")]
        )
        made.close()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["facts.json", "ids.parquet", "label.npy", "trajectories.npy"])
def test_what_was_prepared_and_is_damaged_does_not_count(tmp_path, name):
    run = RunFolder(tmp_path / "run")
    run.write_description({"class_names": ["cat", "dog"]})
    write_prepared(run, prepared_of(made_analysis(SIZES)))
    (file,) = run.path.glob(f"review_cache/samples_*/{name}")
    contents = file.read_bytes()
    for damaged in (contents[: len(contents) // 2], b"", b"\x80\x04."):
        file.write_bytes(damaged)
        assert load_prepared(run) is None
    file.write_bytes(contents)
    assert load_prepared(run) is not None
    np.save(file.with_name("label.npy"), np.full(sum(sum(s.values()) for s in SIZES), 9))
    assert load_prepared(run) is None


# --- anything at all -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The interface as it describes itself."""
    made = made_review(tmp_path_factory.mktemp("any") / "run")
    app = make_unguarded(made, LOCAL)
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    yield SimpleNamespace(review=made, operations=operations)
    made.close()


@settings(FEW, max_examples=200)
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_as_described(described, data):
    operation = data.draw(st.sampled_from(described.operations))
    case = data.draw(operation.as_strategy())
    if isinstance(case.body, dict) and "run" in case.body and data.draw(st.booleans()):
        case.body["run"] = described.review.key
    case.call_and_validate(
        checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
    )


# --- starting ------------------------------------------------------------------------------------


def test_a_port_in_use_is_told_and_another_found():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} .*`port`"):
            listening_socket("127.0.0.1", port)
    with (
        listening_socket("127.0.0.1", None) as first,
        listening_socket("127.0.0.1", None) as second,
    ):
        assert FIRST_PORT <= first.getsockname()[1] < second.getsockname()[1]
    with pytest.raises(UserError, match="no address of this machine"):
        listening_socket("no.such.host.invalid", None)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--port", "70000"], 2, "0 ... 65535"),
        (["--annotator", " "], 2, "expected a name"),
        ([], 4, "not a run folder"),
    ],
)
def test_wrong_use_is_told(tmp_path, capsys, words, status, says):
    assert main(["review", str(tmp_path), "--no-open", *words]) == status
    assert says in capsys.readouterr().err


def test_killing_the_server_loses_nothing_that_was_acknowledged(tmp_path):
    program = SUPPORT / "killed_review.py"
    done = run_program(program, tmp_path / "run", "3", "7", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["acknowledged"] > 0
    assert told["lost"] == []
    assert told["halves"] == []
    assert told["on_their_way"] > 0
