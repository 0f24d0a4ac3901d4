"""A recorded loop that is killed at random moments ends as one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.run.folder import RunFolder
from forked_processes import SUPPORT, run_program
from recorded_loops import assert_same_records

if TYPE_CHECKING:
    from pathlib import Path


def test_a_loop_killed_twenty_times_ends_bit_for_bit_as_an_unbroken_one(tmp_path: Path) -> None:
    done = run_program(SUPPORT / "killed_recording.py", tmp_path, "11", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 20
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    assert_same_records(whole, broken)
    assert broken.description()["status"] == "finished"
    assert not list(broken.path.glob("**/.*.tmp"))
