"""Which trainings a report compares, and what it says where they cannot be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.errors import ArgumentError, RunError
from dataparams.report.retraining import cleaned_from, retraining_of
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def training(
    folder: Path,
    predicted: list[int],
    *,
    labels: list[int] | None = None,
    cleaned: str | None = None,
    names: str = "v",
) -> RunFolder:
    """A training that says what its model predicts for each validation sample."""
    run = RunFolder(folder)
    config = {"from_clean": cleaned}
    counts = {"trained_on": 90 if cleaned else 100}
    digest = "digest" if cleaned else None
    run.write_description(
        {"class_names": ["a", "b"], "config": config, "counts": counts, "cleaned": digest}
    )
    count = len(predicted)
    run.write_held_out(
        pl.DataFrame(
            {
                "index": range(count),
                "id": [f"{names}/{row}" for row in range(count)],
                "label": labels or [0] * count,
                "probability": [0.5] * count,
                "classes": [[one, 1 - one] for one in predicted],
                "epoch": [3] * count,
            }
        )
    )
    return run


@pytest.fixture
def before(tmp_path: Path) -> RunFolder:
    return training(tmp_path / "before", [0] * 6 + [1] * 4)


def test_the_run_that_samples_were_cleaned_from_is_found(tmp_path, before, monkeypatch):
    file = str(before.path / "cleaned.parquet")
    after = training(tmp_path / "after", [0] * 9 + [1], cleaned=file)
    found = retraining_of(after)
    assert found is not None
    assert (found.before, found.after) == ("before", "after")
    assert (found.paired.before, found.paired.after) == (0.6, 0.9)
    assert (found.trained_before, found.trained_after) == (100, 90)
    # Named from the working folder of then, it is found from another one.
    relative = training(tmp_path / "relative", [0] * 10, cleaned="before/cleaned.parquet")
    monkeypatch.chdir(tmp_path.parent)
    assert cleaned_from(relative).path.resolve() == before.path.resolve()


def test_a_run_that_came_from_nowhere_or_from_an_audit_is_compared_with_nothing(tmp_path, before):
    assert retraining_of(before) is None
    audit = RunFolder(tmp_path / "audit")
    audit.write_description({"class_names": ["a", "b"], "audit": {}})
    file = str(audit.path / "cleaned.parquet")
    assert retraining_of(training(tmp_path / "after", [0], cleaned=file)) is None
    gone = training(tmp_path / "gone", [0], cleaned=str(tmp_path / "nowhere" / "cleaned.parquet"))
    assert retraining_of(gone) is None


def test_two_trainings_are_compared_for_an_audit_whichever_comes_first(tmp_path, before):
    audit = RunFolder(tmp_path / "audit")
    audit.write_description({"class_names": ["a", "b"], "audit": {}})
    after = training(tmp_path / "after", [0] * 10, cleaned="somewhere/cleaned.parquet")
    paths = (after.path, before.path)
    found = retraining_of(audit, paths)
    assert found == retraining_of(audit, paths[::-1])
    assert found is not None
    assert (found.before, found.paired.gained) == ("before", 4)
    with pytest.raises(RunError, match="is an audit, which trains no model to validate"):
        retraining_of(audit, [before.path])


def test_both_are_held_against_the_corrected_label(tmp_path, before):
    labels = [0] * 8 + [1, 1]
    after = training(tmp_path / "after", [0] * 8 + [1, 1], labels=labels, cleaned="x")
    found = retraining_of(after, [before.path])
    assert found is not None
    assert found.corrected == 2
    assert (found.paired.before, found.paired.after) == (0.8, 1.0)


def test_runs_that_cannot_be_compared_say_why(tmp_path, before):
    other = training(tmp_path / "other", [0, 1], names="w")
    with pytest.raises(RunError, match="no validation sample in common"):
        retraining_of(before, [other.path])
    with pytest.raises(ArgumentError, match="has 3 runs; expected one"):
        retraining_of(before, [other.path] * 3)
    (other.path / "held_out.parquet").unlink()
    with pytest.raises(RunError, match="expected a finished training"):
        retraining_of(before, [other.path])
    with pytest.raises(RunError, match="is not a run folder"):
        retraining_of(before, [tmp_path / "nothing"])
