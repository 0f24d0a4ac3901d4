"""Decisions that come from Label Studio."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dataparams.cli import main
from dataparams.decisions.store import DecisionStore
from made_runs import made_run
from made_sources import photo_folder

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder

NAMES = ("7", "cat", "dog", "emu", "fox", "gnu", "hen", "yak")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    photos = photo_folder(tmp_path / "photos", per_class=2, classes=NAMES)
    return made_run(tmp_path / "run", photos)


@dataclass
class Project:
    """A project of Label Studio: tasks that were imported, and what people annotated since."""

    tasks: list
    is_minimal: bool

    def annotate(self, index, label, who=1, *, at=0):
        """Choose a class, or skip for None; ``at`` is the minute."""
        when = f"2026-03-04T05:{at:02}:00.000000Z"
        choice = {"from_name": "label", "to_name": "image", "type": "choices"}
        self.tasks[index].setdefault("annotations", []).append(
            {
                "completed_by": who,
                "result": [] if label is None else [{**choice, "value": {"choices": [label]}}],
                "was_cancelled": label is None,
                "created_at": when,
                "updated_at": when,
            }
        )

    def export(self, file: Path) -> Path:
        """As Label Studio does: JSON-MIN has the newest annotation of a task first."""
        annotated = [task for task in self.tasks if task.get("annotations")]
        minimal = [
            {
                **task["data"],
                "id": task["id"],
                "label": annotation["result"][0]["value"]["choices"][0],
                "annotator": annotation["completed_by"],
                "updated_at": annotation["updated_at"],
            }
            for task in annotated
            for annotation in reversed(task["annotations"])
            if not annotation["was_cancelled"]
        ]
        file.write_text(json.dumps(minimal if self.is_minimal else annotated), encoding="utf-8")
        return file


@pytest.fixture(params=["JSON", "JSON-MIN"])
def project(run: RunFolder, tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    out = tmp_path / "exported"
    assert main(["export", str(run.path), "--to", "label-studio", str(out)]) == 0
    tasks = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    numbered = [{**task, "id": 1000 + number} for number, task in enumerate(tasks)]
    return Project(numbered, request.param == "JSON-MIN")


def imported(run: RunFolder, file: Path, *words: str) -> int:
    return main(["decisions", str(run.path), "--import", str(file), *words])


def in_force(run: RunFolder) -> list:
    store = DecisionStore(run.review, read_only=True)
    rows = store.in_force().select("index", "annotator", "action", "label").rows()
    store.close()
    return rows


def given(run: RunFolder, index: int) -> int:
    return run.samples()["label"][index]


def other(run: RunFolder, index: int) -> int:
    return (given(run, index) + 1) % len(NAMES)


def test_choosing_the_given_label_keeps_it_and_another_relabels(run, project, tmp_path, capsys):
    project.annotate(0, NAMES[given(run, 0)], "ann@example.org")
    project.annotate(1, NAMES[other(run, 1)], {"id": 2, "email": "bob@example.org"})
    project.annotate(2, NAMES[given(run, 2)], None)
    # What is in the file is told by its beginning.
    file = project.export(tmp_path / "project-1-at-2026")
    expected = [
        (0, "ann@example.org", "keep", given(run, 0)),
        (1, "bob@example.org", "relabel", other(run, 1)),
        (2, "eve", "keep", given(run, 2)),
    ]
    assert imported(run, file) == 3
    assert "task 1002: it does not say who decided; give --annotator" in capsys.readouterr().err
    assert not run.review.exists()
    assert imported(run, file, "--annotator", "eve") == 0
    assert in_force(run) == expected
    assert imported(run, file, "--annotator", "eve") == 0
    assert "Imported 0 decisions; 3 were there already" in capsys.readouterr().out
    assert in_force(run) == expected


def test_the_last_word_of_a_person_counts(run, project, tmp_path, capsys):
    project.annotate(0, NAMES[other(run, 0)], at=1)
    project.annotate(0, NAMES[given(run, 0)], 2, at=3)
    project.annotate(0, NAMES[given(run, 0)], at=2)
    assert imported(run, project.export(tmp_path / "out.json")) == 0
    assert in_force(run) == [(0, who, "keep", given(run, 0)) for who in ("1", "2")]
    assert "1 annotations were replaced" in capsys.readouterr().out


def test_who_skips_a_task_skips_the_sample_where_the_file_tells_it(run, project, tmp_path):
    project.annotate(0, NAMES[given(run, 0)], at=1)
    project.annotate(1, NAMES[given(run, 1)], at=2)
    project.annotate(1, None, at=3)
    assert imported(run, project.export(tmp_path / "out.json")) == 0
    decided = {index: action for index, _, action, _ in in_force(run)}
    assert decided == {0: "keep", 1: "keep" if project.is_minimal else "skip"}


def test_a_file_with_any_wrong_task_changes_nothing(run, project, tmp_path, capsys):
    project.annotate(0, NAMES[given(run, 0)])
    project.annotate(1, "3")  # the number of a class, which is no name
    project.annotate(2, NAMES[0])
    project.tasks[2]["data"]["sample_index"] = 999
    project.annotate(3, NAMES[0])
    project.tasks[3]["data"]["sample_id"] = "nobody.jpg"
    project.annotate(4, NAMES[0])
    project.tasks[4]["data"]["sample_index"] = 5
    project.annotate(6, NAMES[0], " ")
    assert imported(run, project.export(tmp_path / "out.json")) == 3
    error = capsys.readouterr().err
    assert "5 problems" in error
    assert "task 1001: the run has no class '3'" in error
    assert "task 1002: there is no sample of index '999'" in error
    assert "task 1003: there is no sample of id 'nobody.jpg'" in error
    assert "task 1004: index 5 is" in error
    assert "task 1006: it does not say who decided" in error
    assert not run.review.exists()


def test_what_was_decided_otherwise_needs_a_word(run, project, tmp_path, capsys):
    project.annotate(0, NAMES[given(run, 0)], at=1)
    assert imported(run, project.export(tmp_path / "out.json")) == 0
    project.annotate(0, NAMES[other(run, 0)], at=2)
    file = project.export(tmp_path / "out.json")
    assert imported(run, file) == 3
    assert (
        "task 1000: 1 decided differently about index 0 already (keep)" in capsys.readouterr().err
    )
    assert imported(run, file, "--overwrite") == 0
    assert in_force(run) == [(0, "1", "relabel", other(run, 0))]


@pytest.mark.parametrize(
    ("name", "contents", "complaint"),
    [
        ("a.json", b"", "cannot be read as JSON"),
        ("a.json", b"index,action\n", "cannot be read as JSON"),
        ("a", b"\xef\xbb\xbf [", "cannot be read as JSON"),
        ("a", b'{"tasks": []}', "expected a JSON list"),
        ("a", b"[" * 100_000, "cannot be read as JSON"),
        ("a", b"[]", "expected tasks that people annotated"),
        ("a", b'[{"data": {"image": "a"}}]', "task 1 has no sample_index"),
        ("a.csv", b"annotation_id,sample_index,label\n", "export JSON or JSON-MIN"),
    ],
)
def test_another_file_is_told_what_was_expected(
    run: RunFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    contents: bytes,
    complaint: str,
) -> None:
    (tmp_path / name).write_bytes(contents)
    assert imported(run, tmp_path / name) == 3
    assert complaint in capsys.readouterr().err
    assert not run.review.exists()


def test_a_folder_is_no_file_of_decisions(run: RunFolder, tmp_path, capsys) -> None:
    for folder in (tmp_path / "a.json", tmp_path / "a"):
        folder.mkdir()
        assert imported(run, folder) == 3
        assert f"{folder} cannot be read" in capsys.readouterr().err
