"""What the review server writes of one annotator and of several."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.agreement import disputes, kappa_of
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.review.preparing import prepared_of
from dataparams.review.samples import ReviewSamples
from dataparams.review.standing import Standing
from made_reports import made_analysis
from made_reviews import (
    FEW,
    SIZES,
    client_of,
    decide,
    decisions_of,
    indices,
    made_review,
    undo,
)

ANN = {"annotator": "ann"}
EVE = "eve"


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
