"""Two people decide about rows of a table through the server: blind, in dispute, agreeing."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dataparams.analysis import load_analysis
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.decisions.adjudicators import set_adjudicator
from dataparams.decisions.store import DecisionStore
from dataparams.review.run_in_review import open_review
from dataparams.run.folder import RunFolder
from made_reviews import Team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def people(row_run: RunFolder, tmp_path: Path) -> Iterator[Team]:
    copy = RunFolder(tmp_path / "run")
    shutil.copytree(row_run.path, copy.path)
    with closing(DecisionStore(copy.review)) as store:
        set_adjudicator(store.database, "eve")
    made = Team(open_review(copy, load_analysis(copy), None))
    yield made
    made.review.close()


def test_rows_are_decided_blind_disputed_and_settled(people: Team) -> None:
    first, second, third, *_ = people.indices("ann")
    shown = people.get("/api/queue", "ann")["samples"][0]
    people.decide("ann", (first, "relabel", 2), (second, "keep"), (third, "discard"))
    # Bob sees the same row, and nothing of what ann wants before he decides.
    told = people.get(f"/api/samples/{first}", "bob")
    assert (told["id"], told["label"]) == (shown["id"], shown["label"])
    assert people.opinions("bob", first) == {}
    assert first in people.indices("bob")
    people.decide("bob", (first, "relabel", 2), (second, "discard"), (third, "discard"))
    assert people.opinions("bob", first) == {"ann": "relabel", "bob": "relabel"}
    assert people.indices("eve", decision="disputed") == [second]
    agreed = people.get("/api/people", "ann")["agreements"]
    assert [(one["common"], one["agreed"]) for one in agreed] == [(3, 2)]
    # What is disputed is left out, and what both want is done.
    table = clean_run(
        people.review.folder,
        load_analysis(people.review.folder).frame,
        CleanSettings(strategy="reviewed"),
        out=people.review.folder.path / "cleaned.parquet",
    )
    by_index = {row["index"]: row for row in table.iter_rows(named=True)}
    assert by_index[first]["new_label"] == 2
    assert by_index[second]["is_disputed"]
    assert by_index[second]["new_label"] is None
    assert by_index[third]["new_label"] is None
    people.decide("eve", (second, "keep"))
    assert people.indices("eve", decision="disputed") == []
