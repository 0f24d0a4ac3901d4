"""Annotations that come back from Label Studio."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import polars as pl
import pytest

from dataparams.errors import DataError
from dataparams.export import read_label_studio

WHEN = "2026-03-04T05:06:07.890123Z"
TIME = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=timezone.utc)


def annotation(label, **changes):
    """As Label Studio exports it: https://labelstud.io/guide/task_format."""
    return {
        "id": 1001,
        "completed_by": 3,
        "result": [
            {
                "id": "x5aB",
                "from_name": "label",
                "to_name": "image",
                "type": "choices",
                "origin": "manual",
                "value": {"choices": [label]},
            }
        ],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-03-04T05:00:00.000000Z",
        "updated_at": WHEN,
        "lead_time": 3.2,
        **changes,
    }


def task(index, *annotations):
    data = {"image": "...", "sample_index": index, "sample_id": f"cat/{index}.jpg", "category": "x"}
    return {"id": 77 + index, "data": data, "annotations": list(annotations), "predictions": []}


def read(tmp_path, tasks):
    file = tmp_path / "project-1.json"
    file.write_text(json.dumps(tasks), encoding="utf-8")
    return read_label_studio(file)


def test_every_annotation_is_a_row(tmp_path):
    found = read(
        tmp_path,
        [
            task(4, annotation("dog"), annotation("c\u00e4t", completed_by={"email": "a@b.org"})),
            task(2, annotation("cat", updated_at=None, completed_by=None, created_at=None)),
        ],
    )
    assert found.columns == ["task", "index", "id", "label", "annotator", "time"]
    assert found.rows() == [
        (81, 4, "cat/4.jpg", "dog", "3", TIME),
        (81, 4, "cat/4.jpg", "c\u00e4t", "a@b.org", TIME),
        (79, 2, "cat/2.jpg", "cat", None, None),
    ]


def test_a_skipped_task_is_a_row_without_a_label(tmp_path):
    skipped = annotation("dog", was_cancelled=True, completed_by={"id": 7})
    assert read(tmp_path, [task(1, skipped)]).rows() == [(78, 1, "cat/1.jpg", None, "7", TIME)]


def test_a_task_without_a_number_is_known_by_its_place(tmp_path):
    tasks = [task(1, annotation("dog")), task(2, annotation("dog"))]
    for one in tasks:
        del one["id"]
    assert read(tmp_path, tasks)["task"].to_list() == [1, 2]


def test_what_decides_nothing_is_left_out(tmp_path):
    other = annotation("dog")
    other["result"][0]["from_name"] = "quality"
    found = read(
        tmp_path,
        [
            task(0),
            task(1, annotation("dog", result=[])),
            task(2, other),
            task(3, annotation("dog", result=[{"from_name": "label", "value": {"choices": []}}])),
        ],
    )
    assert found.shape == (0, 6)
    assert read(tmp_path, []).columns == found.columns


def test_the_minimal_form_is_read_too(tmp_path):
    minimal = {
        "image": "...",
        "sample_index": 5,
        "sample_id": "cat/5.jpg",
        "id": 82,
        "label": "dog",
        "annotator": 1,
        "annotation_id": 9,
        "created_at": WHEN,
        "updated_at": WHEN,
        "lead_time": 1.5,
    }
    unlabeled = {name: value for name, value in minimal.items() if name != "label"}
    assert read(tmp_path, [minimal, unlabeled]).rows() == [(82, 5, "cat/5.jpg", "dog", "1", TIME)]


def test_tasks_of_our_own_come_back(tmp_path):
    from dataparams.analysis.suggestions import is_suggestion
    from dataparams.export import ExportConfig, export
    from made_runs import made_run
    from made_sources import photo_folder

    run = made_run(tmp_path / "run", photo_folder(tmp_path / "pets"))
    export(ExportConfig(str(run.path), to="label-studio", out=tmp_path / "out"))
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    tasks = [one for one in tasks if one["predictions"]]
    for one in tasks:
        one["annotations"] = [annotation("x", result=one["predictions"][0]["result"])]
    found = read(tmp_path, tasks)
    frame = run.analysis()[0].filter(is_suggestion(), pl.col("suggested_confidence") >= 0.5)
    assert len(frame)
    assert found["index"].to_list() == frame["index"].to_list()
    assert found["id"].to_list() == frame["id"].to_list()
    assert found["label"].to_list() == frame["suggested_name"].to_list()


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({"tasks": []}, "expected a JSON list of tasks"),
        (["a"], "expected a JSON list of tasks"),
        ([{"id": 1, "data": {"image": "a"}, "annotations": []}], "no sample_index and sample_id"),
        ([{"id": 1, "data": {"sample_index": True, "sample_id": "a"}}], "no sample_index"),
        (
            [task(0, annotation("dog", result=[
                {"from_name": "label", "value": {"choices": ["dog", "cat"]}}
            ]))],
            "expected one class",
        ),
        ([task(0, annotation("dog", updated_at="yesterday"))], "task 77 has the time"),
        ([task(0, annotation("\ud800"))], "expected one class"),
        ([task(0, annotation("dog", completed_by="\ud800"))], "task 77 is by"),
        ([task(10**30, annotation("dog"))], "no sample_index"),
    ],
)  # fmt: skip
def test_another_file_is_an_error_that_says_what_was_expected(tmp_path, tasks, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, tasks)


def test_a_file_that_is_missing_or_no_json(tmp_path):
    file = tmp_path / "project-1.json"
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        read_label_studio(file)
    file.write_bytes(b"\xff[")
    with pytest.raises(DataError, match=r"cannot be read as JSON"):
        read_label_studio(file)
