"""A recorded loop that is killed at random moments ends as one that is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dataparams.run.folder import RunFolder
from recorded_loops import assert_same_records


def test_a_loop_killed_twenty_times_ends_bit_for_bit_as_an_unbroken_one(tmp_path: Path) -> None:
    program = Path(__file__).parents[1] / "support" / "killed_recording.py"
    command = [sys.executable, str(program), str(tmp_path), "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 20
    whole, broken = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "broken")
    assert_same_records(whole, broken)
    assert broken.description()["status"] == "finished"
    assert not list(broken.path.glob("**/.*.tmp"))
