"""Ranking by data parameter, and the figures of detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dataparams.analysis import rank
from dataparams.errors import ArgumentError, RunError
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.error_detection import detection_figures, precision_and_recall
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def _run(path: Path, *, truth: bool = True) -> RunFolder:
    """Six samples, of which the fifth is absent; epoch 2 has the best validation accuracy."""
    run = RunFolder(path)
    run.write_description({"class_names": ["cat", "dog"], "config": {"init_inst_param": 1.0}})
    columns: dict[str, object] = {
        "index": range(6),
        "id": [f"train/{number}" for number in range(6)],
        "label": [0, 1, 0, 1, 0, 1],
    }
    if truth:
        columns["is_corrupted"] = [False, True, False, False, False, True]
    run.write_samples(pl.DataFrame(columns))
    for epoch in (1, 2, 3):
        run.write_epoch_record(
            EpochRecord(
                epoch=epoch,
                class_log_temperature=torch.empty(0),
                instance_log_temperature=torch.tensor([-1.0, 2.0, -0.5, 0.5, 9.0, 1.0]) * epoch,
                margin=torch.zeros(6),
                loss=torch.zeros(6),
                error_norm=torch.zeros(6),
                rival=torch.tensor([1, 0, 1, 0, -1, 0], dtype=torch.int32),
                predicted=torch.tensor([0, 0, 0, 0, -1, 0], dtype=torch.int32),
                correct=torch.zeros(6, dtype=torch.bool),
            )
        )
    run.write_metrics([{"epoch": e, "val_accuracy": a} for e, a in ((1, 0.5), (2, 0.8), (3, 0.8))])
    return run


def test_highest_temperature_first_at_the_best_epoch(tmp_path: Path) -> None:
    ranking = rank(_run(tmp_path))
    assert (ranking.epoch, ranking.is_best_epoch) == (2, True)
    assert ranking.table["index"].to_list() == [1, 5, 3, 2, 0]
    assert ranking.table["label_name"].to_list() == ["dog", "dog", "dog", "cat", "cat"]
    np.testing.assert_allclose(ranking.table["value"][0], np.exp(4.0), rtol=1e-6)
    assert ranking.figures is not None
    assert ranking.figures.auroc == 1.0


def test_top_selects_its_share(tmp_path: Path) -> None:
    ranking = rank(_run(tmp_path), top=0.6)
    assert ranking.table["is_selected"].to_list() == [True, True, True, False, False]
    assert (ranking.precision, ranking.recall) == (2 / 3, 1.0)
    assert rank(_run(tmp_path / "other", truth=False), epoch=1).figures is None


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        rank(RunFolder(tmp_path))
    run = _run(tmp_path / "run")
    with pytest.raises(RunError, match=r"no record of epoch 9; there are: 1 \.\.\. 3"):
        rank(run, epoch=9)


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.integers(0, 100))
def test_detection_figures_agree_with_their_definitions(truth: list[bool], seed: int) -> None:
    is_corrupted = np.array(truth)
    score = np.random.default_rng(seed).permutation(len(truth)).astype(float)
    figures = detection_figures(score, is_corrupted)
    if is_corrupted.all() or not is_corrupted.any():
        assert figures is None
        return
    assert figures is not None
    pairs = [(a, b) for a in score[is_corrupted] for b in score[~is_corrupted]]
    np.testing.assert_allclose(figures.auroc, np.mean([a > b for a, b in pairs]))
    selected = score >= np.sort(score)[-is_corrupted.sum()]
    precision, recall = precision_and_recall(selected, is_corrupted)
    assert precision == recall == figures.recall_at_noise_rate


@pytest.mark.parametrize("top", [5, -0.1, 1.01, float("nan")])
def test_a_share_that_is_none_selects_nothing_by_accident(tmp_path: Path, top: float) -> None:
    with pytest.raises(ArgumentError, match=rf"`top` is {top}; expected a share, 0 \.\.\. 1"):
        rank(_run(tmp_path), top=top)


def test_one_way_to_select_at_a_time(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with pytest.raises(ValueError, match="`top` and `threshold` are both given"):
        rank(run, top=0.1, threshold="auto")
    with pytest.raises(ValueError, match=r"`threshold` is 0\.5; expected"):
        rank(run, threshold=0.5)  # type: ignore[arg-type]


def test_a_run_is_given_by_its_path_too(tmp_path: Path) -> None:
    _run(tmp_path)
    assert rank(str(tmp_path)).table.equals(rank(tmp_path).table)
