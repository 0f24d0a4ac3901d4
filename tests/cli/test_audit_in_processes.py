"""An audit in two processes is the audit of one; where one fails or dies, none waits for it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import NamedTuple

import pytest

from dataparams.cli import main
from dataparams.run.folder import RunFolder
from forked_processes import SUPPORT, run_program
from made_folders import dark_and_light

WORDS = ["audit", "photos", "--encoder", "pixels", "--rand-fraction", "0.2", "--out"]


class Ended(NamedTuple):
    """How a process ended, what it wrote, and how many pictures it encoded."""

    code: int
    out: str
    error: str
    encoded: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with twenty dark and twenty light pictures, and no features of them yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    dark_and_light(tmp_path / "photos")
    return tmp_path


def in_two_processes(*attempts: tuple[list[str], dict[str, int]]) -> list[list[Ended]]:
    program = SUPPORT / "audited_in_processes.py"
    done = run_program(program, json.dumps(attempts), folder=Path.cwd())
    assert done.returncode == 0, done.stderr[-3000:]
    return [[Ended(*one) for one in attempt] for attempt in json.loads(done.stdout)]


def test_two_processes_share_the_features_and_make_the_run_of_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((first, second),) = in_two_processes(([*WORDS, "two"], {}))
    assert (first.code, second.code) == (0, 0), first.error + second.error
    assert "40 samples of 2 classes" in first.out
    assert "Next:" in first.out
    assert second.out == second.error == ""
    assert int(first.encoded) + int(second.encoded) == 40
    assert int(second.encoded) >= 18
    monkeypatch.setenv("DATAPARAMS_CACHE", str(folder / "other"))
    assert main([*WORDS, "one"]) == 0
    names = {path.name for path in Path("one").iterdir() if path.suffix in (".parquet", ".tar")}
    assert {"samples.parquet", "held_out.parquet", "analysis.parquet"} < names
    for name in names:
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes(), name
    assert Path("two/report/index.html").is_file()
    capsys.readouterr()
    monkeypatch.setenv("DATAPARAMS_CACHE", str(folder / "cache"))
    assert main([*WORDS, "two"]) == 0
    assert "it is opened again" in capsys.readouterr().out


def test_two_processes_train_the_whole_network(folder: Path) -> None:
    words = ["audit", "photos", "--recipe", "scratch", "--rand-fraction", "0.2"]
    for first, second in in_two_processes((words, {}), (words, {})):
        assert (first.code, second.code) == (0, 0), first.error + second.error
        assert first.out.count("Next:") == 1
        assert second.out == second.error == ""
    run = RunFolder("weights_CL/photos/audit-scratch")
    assert run.description()["status"] == "finished"
    assert (run.report / "index.html").is_file()


def test_a_process_that_fails_or_dies_ends_both_and_is_told_of_once(folder: Path) -> None:
    killed, damaged, unwritable = in_two_processes(
        ([*WORDS, "run"], {"killed": 1}),
        ([*WORDS, "run"], {"damaged": 1}),
        # The first process alone writes the run, so it alone sees this.
        ([*WORDS, "photos/dark/00.png/run"], {}),
    )
    assert [process.code for process in killed] == [4, -signal.SIGKILL]
    assert "Another of 2 processes has died" in killed[0].error
    assert "give the same command again" in killed[0].error
    assert int(killed[0].encoded) >= 18
    assert [process.code for process in damaged] == [3, 3]
    assert "Process 1 of 2 failed: The encoder pixels gave numbers" in damaged[0].error
    assert damaged[0].encoded == "0", "what the first made before the other was killed is kept"
    assert [process.code for process in unwritable] == [4, 4]
    assert "photos/dark/00.png/run cannot be written" in unwritable[0].error
    for first, second in (killed, damaged, unwritable):
        assert len(first.error.splitlines()) == 1, first.error
        assert second.out == second.error == ""
    assert not (folder / "run").exists()
