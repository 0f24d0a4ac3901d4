"""An apply that is killed at any step is finished by the next call, or undone."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING

import pytest

from dataparams.applying.apply import apply_plan
from dataparams.applying.journal import only_one
from dataparams.applying.planning import plan
from dataparams.errors import RunError
from dataparams.run.source import ContentsOfRun
from forked_processes import SUPPORT, run_program
from made_applied import decide, run_on, tree_of

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


STRIDE = "11"
"""With 1 a kill comes before each change to a file system, which takes a minute or two."""


def test_killed_at_any_step_it_is_finished_or_undone(tmp_path: Path) -> None:
    done = run_program(SUPPORT / "killed_applying.py", tmp_path, STRIDE, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 8


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    place = tmp_path / "data"
    place.mkdir()
    rows = "".join(f"a longer text of some words {row},{'ab'[row % 2]}\n" for row in range(4000))
    (place / "texts.csv").write_text(f"text,label\n{rows}")
    run = run_on(tmp_path / "run", place / "texts.csv")
    decide(run, {"train/0": "b"})
    return run


def test_while_it_is_stopped_other_commands_say_so(run: RunFolder) -> None:
    apply_plan(plan(run))
    step = run.applied_folder / "0001/step.json"
    step.write_text(step.read_text().replace('"applied"', '"applying"'))
    with pytest.raises(RunError, match="was stopped before it was done"):
        ContentsOfRun(run).read(["train/0"])


def test_two_at_once_are_one_too_many(run: RunFolder, tmp_path: Path) -> None:
    planned, before = plan(run), tree_of(tmp_path / "data")
    with only_one(run, "elsewhere"), pytest.raises(RunError, match="Another dataparams apply"):
        apply_plan(planned)
    other = run_on(tmp_path / "other", tmp_path / "data/texts.csv")
    with (
        only_one(other, str(planned.place)),
        pytest.raises(RunError, match="Another dataparams apply"),
    ):
        apply_plan(planned)
    assert tree_of(tmp_path / "data") == before


def test_a_full_disk_loses_nothing(run: RunFolder, tmp_path: Path) -> None:
    before = tree_of(tmp_path / "data")
    planned = plan(run)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(RunError, match="cannot be written"):
            apply_plan(planned)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert tree_of(tmp_path / "data") == before
    assert not run.applied_folder.exists()
    apply_plan(planned)
    assert not len(plan(run))
