"""Maps of the review, and what was prepared for it in other processes."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from dataparams.errors import RunError
from dataparams.review.maps import positions_of
from dataparams.review.own_process import OwnProcess
from dataparams.review.preparing import load_prepared, prepared_of, write_prepared
from dataparams.review.run_in_review import open_review
from dataparams.run.folder import RunFolder
from made_reports import made_analysis
from made_reviews import (
    SIZES,
    client_of,
    made_review,
)


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
