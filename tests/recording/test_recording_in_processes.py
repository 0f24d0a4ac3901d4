"""A loop in several processes is recorded as one that has them all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import torch

from dataparams.run.folder import RunFolder
from forked_processes import exit_codes
from recorded_in_processes import record_as, record_in
from recorded_loops import assert_same_records

if TYPE_CHECKING:
    from pathlib import Path


def run_in(processes: int, folder: Path, epochs: int, *, stops: bool = False) -> RunFolder:
    """Record a loop in so many processes."""
    folder.with_suffix(".store").unlink(missing_ok=True)
    arguments = [(rank, folder, processes, epochs) for rank in range(processes)]
    assert exit_codes(record_as, *arguments, stops=stops) == [0] * processes
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
    run_in(2, tmp_path / "stopped", 3, stops=True)
    shutil.copytree(tmp_path / "stopped", tmp_path / "fewer")
    assert RunFolder(tmp_path / "stopped").epochs() == [1]
    assert_same_records(both, run_in(2, tmp_path / "stopped", 3))
    # The number of processes may change.
    record_in(tmp_path / "fewer", 0, 1, 3)
    assert RunFolder(tmp_path / "fewer").epochs() == [1, 2, 3]
