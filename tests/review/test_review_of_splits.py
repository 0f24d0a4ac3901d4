"""The review knows of which split a sample is, and shows those of one alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.analysis import load_analysis
from dataparams.review.preparing import load_prepared, prepared_of, write_prepared
from dataparams.review.run_in_review import open_review
from made_reports import made_analysis
from made_reviews import client_of, made_review
from made_split_audits import COUNTS, audit_of_splits, split_photographs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from dataparams.analysis.result import Analysis

EVERY = {"category": ["easy", "hard", "review"], "decision": "any"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("review")
    run = audit_of_splits(folder / "audit", split_photographs(folder / "photos"))
    analysis = load_analysis(run)
    assert analysis is not None
    write_prepared(run, prepared_of(analysis))
    prepared = load_prepared(run)
    assert prepared is not None
    review = open_review(run, prepared)
    with client_of(review) as found:
        yield found
    review.close()


def test_the_page_learns_which_splits_there_are(client: TestClient) -> None:
    counts = [
        {"name": split, "count": 3 * count - (split == "train")} for split, count in COUNTS.items()
    ]
    assert client.get("/api/run").json()["splits"] == counts


def test_the_queue_is_filtered_by_split(client: TestClient) -> None:
    for split, count in (("val", 36), ("test", 24), ("dusk", 0)):
        found = client.get("/api/queue", params={**EVERY, "split": split}).json()
        assert found["total"] == count
        assert {one["split"] for one in found["samples"]} <= {split}
        assert all(one["id"].startswith(f"{split}/") for one in found["samples"])


def test_where_there_is_one_split_nothing_is_said_of_it(tmp_path: Path) -> None:
    review = made_review(tmp_path / "run")
    with client_of(review) as client:
        assert client.get("/api/run").json()["splits"] == []
        assert client.get("/api/queue", params=EVERY).json()["samples"][0]["split"] is None
    review.close()


def test_what_a_training_held_out_can_be_decided_about(tmp_path: Path) -> None:
    def with_validation(analysis: Analysis) -> Analysis:
        held_out = analysis.frame.head(2).select(
            pl.col("index") + 1000,
            pl.format("val/{}", "id").alias("id"),
            "label",
            pl.lit("val").alias("split"),
            "label_name",
            "category",
            "suspicion",
            "suggested_label",
            "suggested_name",
            "suggested_confidence",
        )
        frame = analysis.frame.with_columns(split=pl.lit("train"))
        return replace(analysis, frame=frame, validation=held_out)

    review = made_review(tmp_path / "run", changed=with_validation)
    with client_of(review) as client:
        found = client.get("/api/queue", params={**EVERY, "split": "val"}).json()
        assert found["total"] == 2
        one = client.get(f"/api/samples/{found['samples'][0]['index']}").json()
        assert set(one["trajectory"]) == {None}
        mapped = client.get("/api/maps/0").json()
        assert all(sample["index"] < 1000 for sample in mapped["samples"])
    review.close()
    assert made_analysis().validation is None
