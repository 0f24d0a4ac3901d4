"""A loop in several processes is recorded as one that has them all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dataparams.run.folder import RunFolder
from recorded_in_processes import record_in
from recorded_loops import assert_same_records

PROGRAM = Path(__file__).parents[1] / "support" / "recorded_in_processes.py"


def run_in(processes: int, folder: Path, epochs: int, *words: str) -> RunFolder:
    """Record a loop in so many processes."""
    folder.with_suffix(".store").unlink(missing_ok=True)
    started = [
        subprocess.Popen(
            [sys.executable, PROGRAM, folder, str(rank), str(processes), str(epochs), *words],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    said = [process.communicate(timeout=200)[1] for process in started]
    assert [process.returncode for process in started] == [0] * processes, said
    return RunFolder(folder)


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_two_processes_record_what_one_does_also_after_a_stop(tmp_path: Path) -> None:
    # 301 samples: the sampler gives the first one to both processes in the last step.
    both = run_in(2, tmp_path / "both", 3)
    last = both.epoch_record(3)
    assert bool((last.predicted >= 0).all())
    assert bool(last.margin.isfinite().all())
    assert set(both.validation()["count"].to_list()) <= {0, 1, 2}
    assert both.validation().filter(epoch=3)["count"].sum() == 7
    assert len(both.held_out()) == 7
    assert both.description()["status"] == "finished"
    record_in(tmp_path / "alone", 0, 1, 3)
    alone = RunFolder(tmp_path / "alone")
    # Another sampler's padding: all but a few samples have the same course.
    difference = last.instance_log_temperature - alone.epoch_record(3).instance_log_temperature
    assert float(difference.abs().median()) < 0.02
    run_in(2, tmp_path / "stopped", 3, "stop")
    shutil.copytree(tmp_path / "stopped", tmp_path / "fewer")
    assert RunFolder(tmp_path / "stopped").epochs() == [1]
    assert_same_records(both, run_in(2, tmp_path / "stopped", 3))
    # The number of processes may change.
    record_in(tmp_path / "fewer", 0, 1, 3)
    assert RunFolder(tmp_path / "fewer").epochs() == [1, 2, 3]
