"""Preparing a run for its review, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.analysis import analyze
from dataparams.errors import ArgumentError, RunError
from dataparams.review.preparing import load_prepared, prepare
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_reviews import made_review
from made_tables import write_table

if TYPE_CHECKING:
    from pathlib import Path


def test_data_that_have_moved_are_looked_at_where_they_are(tmp_path: Path) -> None:
    table = write_table(tmp_path / "photos.parquet", label=[0, 1] * 8)
    output = str(tmp_path / "runs")
    run = train(TrainConfig(data=str(table), output_dir=output, epochs=1, batch_size=8))
    moved = str(table.rename(tmp_path / "moved.parquet"))
    prepare(run, data=moved)
    assert load_prepared(run, data=moved) is not None
    found = run.analysis()
    assert found is not None
    suspicion = found[0].filter(pl.col("split") == "train")["suspicion"]
    assert suspicion.equals(analyze(run, data=moved).frame["suspicion"])
    assert not suspicion.equals(analyze(run, use_model=False).frame["suspicion"])


def test_what_is_wrong_with_a_run_is_told_as_where_it_is_analyzed(tmp_path: Path) -> None:
    with pytest.raises(RunError) as alone:
        analyze(RunFolder(tmp_path))
    with pytest.raises(RunError) as apart:
        prepare(RunFolder(tmp_path))
    assert str(apart.value) == str(alone.value)


def test_a_name_that_is_too_long_is_refused_by_its_argument(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="`annotator` is"):
        made_review(tmp_path / "run", annotator="a" * 61)
