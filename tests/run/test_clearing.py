"""A restart removes what training made, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataparams.errors import RunError
from dataparams.run.folder import RunFolder
from dataparams.terminal.flags import with_flags

if TYPE_CHECKING:
    from pathlib import Path


def test_clearing_takes_only_what_training_made(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_description({})
    run.epoch_file(1).write_bytes(b"a record")
    (run.path / "notes.txt").write_text("mine")
    run.clear()
    assert [path.name for path in run.path.iterdir()] == ["notes.txt"]
    with pytest.raises(RunError, match=r"is not a run folder.*`restart=True`") as caught:
        run.clear()
    assert "so --restart does not clear it. Choose another folder for the run" in with_flags(
        str(caught.value)
    )
    run.write_description({})
    (run.path / "review.sqlite").write_text("decisions")
    with pytest.raises(RunError, match="decisions that people made"):
        run.clear()
    assert (run.path / "run.json").exists()


def test_what_cannot_be_read_may_be_of_people_and_stays(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_description({})
    run.cleaned.write_bytes(b"damaged")
    with pytest.raises(RunError, match="decisions that people made"):
        run.clear()
    assert run.cleaned.read_bytes() == b"damaged"
