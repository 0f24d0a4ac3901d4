"""The validation samples of a training are judged by the model that never saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.analysis.cautions import class_accuracies
from dataparams.analysis.class_standing import class_standing
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.analysis.recorded_noise import RecordedNoise
from dataparams.analysis.split_findings import SplitFindings, restored_splits, split_findings
from dataparams.analysis.validation_verdicts import parted, validation_verdicts
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("cat", "dog", "emu")
_FIRST = 60


def made_run(folder: Path, count: int = 150, wrong: int = 15) -> RunFolder:
    """A training with validation samples, the first of which are labeled wrong."""
    run = RunFolder(folder)
    run.write_description({"class_names": list(NAMES), "status": "finished"})
    index = np.arange(_FIRST + count)
    labels = index % 3
    splits = np.where(index < _FIRST, "train", "val")
    samples = pl.DataFrame(
        {"index": index, "id": [f"{n}.jpg" for n in index], "label": labels, "split": splits}
    )
    run.write_samples(samples)
    validation = samples.filter(pl.col("split") == "val").drop("split")
    given = validation["label"].to_numpy()
    rng = np.random.default_rng(0)
    truth = np.where(np.arange(count) < wrong, (given + 1) % 3, given)
    sure = rng.uniform(0.85, 0.99, count)
    other = (truth + 2) % 3
    third = 3 - truth - other
    rest = (1 - sure) * 0.7
    classes = np.stack([truth, other, third], axis=1)
    probabilities = np.stack([sure, rest, 1 - sure - rest], axis=1)
    of_given = (probabilities * (classes == given[:, None])).sum(axis=1)
    run.write_held_out(
        validation.with_columns(
            probability=pl.Series(of_given.astype(np.float32)),
            classes=pl.Series(classes.tolist(), dtype=pl.List(pl.Int32)),
            probabilities=pl.Series(probabilities.tolist(), dtype=pl.List(pl.Float32)),
            epoch=pl.lit(3),
        )
    )
    return run


def noise_of_training(rate: float = 0.1) -> RecordedNoise:
    labels = np.arange(_FIRST) % 3
    return RecordedNoise(
        NoiseEstimate(rate, rate / 2, rate * 2),
        class_standing(labels, labels, 3),
        np.arange(1),
        class_accuracies(labels, labels, 3, "held-out"),
    )


def test_wrong_labels_among_validation_samples_are_found(tmp_path: Path) -> None:
    found = validation_verdicts(made_run(tmp_path / "run"), noise_of_training())
    assert found is not None
    frame, together = found
    assert set(frame["split"]) == {"val"}
    is_wrong = np.arange(len(frame)) < 15
    is_called = (frame["suggested_label"] != frame["label"]).to_numpy()
    assert not (is_called & ~is_wrong).any()
    assert is_called.sum() >= 14
    assert set(frame.sort("suspicion")["index"][-15:]) == set(range(_FIRST, _FIRST + 15))
    assert (together.name, together.count) == ("val", 150)
    assert together.noise.low <= 0.1 <= together.noise.high


def test_of_few_samples_the_share_is_that_of_the_training(tmp_path: Path) -> None:
    found = validation_verdicts(made_run(tmp_path / "run", 60, 6), noise_of_training())
    assert found is not None
    frame, together = found
    assert not together.noise.is_known
    assert float(frame["noise_probability"].mean()) == pytest.approx(0.1, abs=0.02)  # type: ignore[arg-type]


def test_nothing_is_said_before_the_training_is_done(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    (run.path / "held_out.parquet").unlink()
    assert validation_verdicts(run, noise_of_training()) is None


def test_rows_come_apart_as_they_were_put_together() -> None:
    trained = pl.DataFrame({"split": ["train"] * 2, "label": [0, 1], "last_loss": [0.5, 0.25]})
    held_out = pl.DataFrame({"split": ["val"], "label": [1], "held_out_probability": [0.75]})
    both = pl.concat([trained, held_out], how="diagonal_relaxed")
    first, second = parted(both)
    assert first.equals(trained)
    assert second is not None
    assert second.equals(held_out)
    assert parted(trained)[1] is None


def test_of_one_split_nothing_is_said_by_split() -> None:
    labels = np.zeros(4, dtype=np.int64)
    evidence = np.full((4, 2), 0.5)
    classes = np.zeros((4, 2), dtype=np.int64)
    splits = pl.Series(["train"] * 4)
    assert split_findings(splits, labels, classes, evidence, labels == 0, 2) == ()


def test_what_is_kept_of_splits_may_be_damaged() -> None:
    kept = [
        {
            "name": "val",
            "count": 7,
            "disputed": 0.5,
            "noise": {"rate": 0.1, "low": 0, "high": 0.2},
        }
    ]
    assert restored_splits(kept) == (SplitFindings("val", 7, 0.5, NoiseEstimate(0.1, 0.0, 0.2)),)
    assert restored_splits([{"name": "val"}, 7, None]) == ()
    assert restored_splits(None) == ()
