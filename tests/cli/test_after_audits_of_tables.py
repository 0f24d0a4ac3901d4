"""What comes after an audit of texts or rows: cleaning, comparing, and no training on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import dataparams
from dataparams.cli import main
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig

if TYPE_CHECKING:
    from pathlib import Path

TOPICS = {"cards": ("card", "plastic", "mail"), "loans": ("loan", "debt", "interest")}
COUNT = 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audits of texts and of rows, each with two seeds; every twentieth label is wrong."""
    folder = tmp_path_factory.mktemp("runs")
    draw = np.random.default_rng(0)
    topics = [list(TOPICS)[row % 2] for row in range(COUNT)]
    given = [list(TOPICS)[(row + (row % 20 == 7)) % 2] for row in range(COUNT)]
    texts = [f"Question {row} about my {draw.choice(TOPICS[topics[row]])}" for row in range(COUNT)]
    sizes = [draw.normal(topic == "loans", 0.1) for topic in topics]
    pl.DataFrame({"text": texts, "topic": given}).write_csv(folder / "texts.csv")
    pl.DataFrame({"size": sizes, "other": sizes[::-1], "topic": given}).write_csv(
        folder / "rows.csv"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAPARAMS_CACHE", str(folder / "cache"))
        for kind in ("texts", "rows"):
            for seed in (0, 1):
                place, out = str(folder / f"{kind}.csv"), str(folder / f"{kind}{seed}")
                audit(AuditConfig(place, label_column="topic", out=out, seed=seed))
    return folder


@pytest.mark.parametrize(("kind", "words"), [("texts", "texts"), ("rows", "rows of a table")])
def test_what_was_cleaned_is_trained_on_elsewhere(
    runs: Path, kind: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, file = runs / f"{kind}0", tmp_path / "cleaned.parquet"
    assert main(["clean", str(run), "--out", str(file)]) == 0
    told = capsys.readouterr().out
    assert f'Next: in a loop of your own, dataparams.cleaned("{file}")' in told
    assert "train --from-clean" not in told
    assert main(["train", "--from-clean", str(file)]) == 2
    refusal = capsys.readouterr().err
    assert f"is of {words}, and trainings are of images" in refusal.replace("\n", " ")
    assert f"dataparams.cleaned('{file}')" in refusal.replace("\n", "")
    kept = dataparams.cleaned(file)
    assert 0 < len(kept) <= COUNT


@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_audits_of_one_table_are_compared_by_what_they_take_for_wrong(
    runs: Path, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "labels.csv"
    both = [str(runs / f"{kind}0"), str(runs / f"{kind}1")]
    assert main(["compare", *both, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "labels are compared in place of accuracies" in told
    assert f"among {COUNT} samples" in told
    assert len(pl.read_csv(out)) == COUNT
    assert main(["compare", *both, "--figure", str(tmp_path / "figure.png")]) == 2
    assert "has no accuracy over epochs to draw" in capsys.readouterr().err
