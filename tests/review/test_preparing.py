"""Preparing a run for its review, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from made_tables import write_table

from dataparams.analysis import analyze
from dataparams.review.preparing import load_prepared, main
from dataparams.training import TrainConfig, train

if TYPE_CHECKING:
    from pathlib import Path


def test_data_that_have_moved_are_looked_at_where_they_are(tmp_path: Path) -> None:
    table = write_table(tmp_path / "photos.parquet", label=[0, 1] * 8)
    output = str(tmp_path / "runs")
    run = train(TrainConfig(data=str(table), output_dir=output, epochs=1, batch_size=8))
    moved = str(table.rename(tmp_path / "moved.parquet"))
    assert main([str(run.path), moved]) == 0
    assert load_prepared(run, data=moved) is not None
    found = run.analysis()
    assert found is not None
    assert found[0]["suspicion"].equals(analyze(run, data=moved).frame["suspicion"])
    assert not found[0]["suspicion"].equals(analyze(run, use_model=False).frame["suspicion"])
