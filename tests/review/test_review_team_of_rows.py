"""Two people decide about rows of a table through the server: blind, in dispute, agreeing."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.analysis import load_analysis
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.store import DecisionStore
from dataparams.review.run_in_review import open_review
from dataparams.run.folder import RunFolder
from made_reviews import client_of, decisions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class People:
    """A served run of rows, and ways to ask as somebody."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        with closing(DecisionStore(run.review)) as store:
            set_adjudicator(store.database, "eve")
        self.review = open_review(run, load_analysis(run), None)
        self.client = client_of(self.review)
        self.requests = 0

    def get(self, path: str, who: str, **query: Any) -> Any:
        answer = self.client.get(path, params={"annotator": who, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def queue(self, who: str, **query: Any) -> list[int]:
        return [one["index"] for one in self.get("/api/queue", who, **query)["samples"]]

    def decide(self, who: str, *decisions: tuple[Any, ...]) -> None:
        self.requests += 1
        body = decisions_of(self.review, f"request-{self.requests:05}", who, *decisions)
        answer = self.client.post("/api/decisions", json=body)
        assert answer.status_code == 200, answer.text

    def opinions(self, who: str, index: int) -> dict[str, str]:
        told = self.get(f"/api/samples/{index}", who)["opinions"]
        return {one["annotator"]: one["action"] for one in told}


@pytest.fixture
def people(row_run: RunFolder, tmp_path: Path) -> Iterator[People]:
    copy = RunFolder(tmp_path / "run")
    shutil.copytree(row_run.path, copy.path)
    made = People(copy)
    yield made
    made.review.close()


def test_rows_are_decided_blind_disputed_and_settled(people: People) -> None:
    first, second, third, *_ = people.queue("ann")
    shown = people.get("/api/queue", "ann")["samples"][0]
    people.decide("ann", (first, "relabel", 2), (second, "keep"), (third, "discard"))
    # Bob sees the same row, and nothing of what ann wants before he decides.
    told = people.get(f"/api/samples/{first}", "bob")
    assert (told["id"], told["label"]) == (shown["id"], shown["label"])
    assert people.opinions("bob", first) == {}
    assert first in people.queue("bob")
    people.decide("bob", (first, "relabel", 2), (second, "discard"), (third, "discard"))
    assert people.opinions("bob", first) == {"ann": "relabel", "bob": "relabel"}
    assert people.queue("eve", decision="disputed") == [second]
    agreed = people.get("/api/people", "ann")["agreements"]
    assert [(one["common"], one["agreed"]) for one in agreed] == [(3, 2)]
    # What is disputed is left out, and what both want is done.
    table = clean_run(
        people.run,
        load_analysis(people.run).frame,
        CleanSettings(strategy="reviewed"),
        out=people.run.path / "cleaned.parquet",
    )
    by_index = {row["index"]: row for row in table.iter_rows(named=True)}
    assert by_index[first]["new_label"] == 2
    assert by_index[second]["is_disputed"]
    assert by_index[second]["new_label"] is None
    assert by_index[third]["new_label"] is None
    people.decide("eve", (second, "keep"))
    assert people.queue("eve", decision="disputed") == []
