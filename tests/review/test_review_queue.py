"""Which samples the review server gives, in which order, and what it tells of them."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataparams.review.preparing import load_prepared, prepared_of, write_prepared
from dataparams.review.ranked_facts import ranked_facts
from dataparams.review.samples import ReviewSamples
from dataparams.review.similar import Similar
from dataparams.run.folder import RunFolder
from made_reports import HOSTILE_CLASS, HOSTILE_FILE, as_audit, made_analysis
from made_reviews import (
    FEW,
    SIZES,
    client_of,
    decide,
    doubted,
    indices,
    made_review,
)


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
