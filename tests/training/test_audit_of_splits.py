"""An audit judges the samples of all splits, and says of each in which it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from dataparams.analysis import load_analysis, rank
from dataparams.analysis.verdict_text import verdict_text
from dataparams.cleaning.kept_samples import cleaned
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.summary import summary_text
from dataparams.cleaning.writing import clean_run
from dataparams.cli import main
from dataparams.decisions.carrying import carry_decisions
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import ArgumentError
from dataparams.run.cleaned_samples import read_cleaned
from dataparams.training import train
from dataparams.training.audit import audit
from dataparams.training.audit_config import AuditConfig
from dataparams.training.cleaned_config import config_from_clean
from made_split_audits import COUNTS, DAMAGED, WRONG, audit_of_splits, split_photographs

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return split_photographs(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> RunFolder:
    return audit_of_splits(tmp_path_factory.mktemp("runs") / "audit", photos)


def test_every_sample_of_every_split_is_judged(run: RunFolder) -> None:
    samples, analysis = run.samples(), load_analysis(run)
    assert analysis is not None
    counts = dict(samples["split"].value_counts().iter_rows())
    # One picture of the training split lies in no class folder.
    assert counts == {split: 3 * count - (split == "train") for split, count in COUNTS.items()}
    assert all(sample.startswith(f"{split}/") for sample, split in samples["id", "split"].rows())
    assert analysis.frame["id", "split"].equals(samples["id", "split"])
    assert {one.id for one in run.unreadable()} == set(DAMAGED)


def test_wrong_labels_are_found_in_every_split(run: RunFolder) -> None:
    analysis = load_analysis(run)
    assert analysis is not None
    worst = analysis.frame.sort("suspicion", descending=True)[: len(WRONG)]
    assert dict(worst["id", "suggested_name"].iter_rows()) == WRONG


def test_the_share_of_wrong_labels_is_told_of_a_split_that_is_large_enough(run: RunFolder) -> None:
    analysis = load_analysis(run)
    assert analysis is not None
    found = {one.name: one for one in analysis.findings.splits}
    assert {name: one.count for name, one in found.items()} == {"train": 119, "val": 36, "test": 24}
    assert found["train"].noise.low <= 1 / 119 <= found["train"].noise.high < 0.1
    assert not found["val"].noise.is_known
    assert found["val"].disputed == pytest.approx(1 / 36)
    told = verdict_text(analysis)
    assert "  val: 36 samples; too few to tell what share of them is labeled wrong." in told


def test_a_ranking_says_in_which_split_each_sample_is(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = rank(run).table
    assert whole.columns[-1] == "split"
    assert set(whole["split"]) == {"train", "val", "test"}
    of_two = rank(run, split="validation, test", top=0.5)
    assert of_two.table.drop("is_selected").equals(
        whole.filter(pl.col("split") != "train").drop("is_selected")
    )
    assert of_two.table["is_selected"].sum() == round(0.5 * len(of_two.table))
    file = tmp_path / "ranked.csv"
    assert main(["rank", str(run.path), "--split", "test", "--out", str(file)]) == 0
    written = pl.read_csv(file)
    assert written.columns == ["index", "id", "label", "label_name", "value", "split"]
    assert set(written["split"]) == {"test"}
    capsys.readouterr()
    assert main(["rank", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"index +id +value +label +split", said)


def test_as_many_are_selected_as_are_wrong_in_the_split_alone(run: RunFolder) -> None:
    analysis = load_analysis(run)
    assert analysis is not None
    own = {one.name: one.noise for one in analysis.findings.splits}["train"]
    assert own.is_known
    assert rank(run, split="train", threshold="auto").estimate == own
    assert rank(run, threshold="auto").estimate == analysis.noise


@pytest.mark.parametrize("split", ["", "nowhere"])
def test_a_split_that_is_not_ranked_says_which_are(run: RunFolder, split: str) -> None:
    with pytest.raises(ArgumentError, match="`split`"):
        rank(run, split=split)


def test_splits_are_named_by_any_word_that_means_them(tmp_path: Path, photos: Path) -> None:
    audited = audit_of_splits(tmp_path / "audit", photos, split="validation, test")
    assert set(audited.samples()["split"]) == {"val", "test"}
    # A sample keeps its number, whatever is judged beside it.
    first = audited.samples().sort("index")["index", "id"].row(0)
    assert first == (3 * COUNTS["train"], "val/blue/blue_0.png")
    assert {one.id for one in audited.unreadable()} == {"test/blue/damaged.png"}


@pytest.mark.parametrize(
    ("split", "complaint"),
    [("dusk", "are of: train, val, test"), ("train,,", "`split` is 'train,,'"), ("", "expected")],
)
def test_a_split_that_is_not_there_says_which_are(photos: Path, split: str, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        audit(AuditConfig(str(photos), encoder="pixels", split=split))


def test_another_choice_of_splits_is_another_audit(tmp_path: Path, photos: Path) -> None:
    config = AuditConfig(str(photos), encoder="pixels", split="train", out=str(tmp_path / "audit"))
    first, again = audit(config), audit(config)
    assert (first.is_new, again.is_new) == (True, False)
    store = DecisionStore(first.run.review)
    store.record("request", "ann", [Decision(0, "discard")])
    store.close()
    both = audit(replace(config, split="all"))
    assert both.run.path != first.run.path
    assert carry_decisions(first.run, both.run).carried == 1


# --- cleaning and training again -----------------------------------------------------------------


def decide(run: RunFolder) -> dict[str, int]:
    """Relabel what is wrong of the validation split, and discard a sample of the test split."""
    index = dict(run.samples()["id", "index"].iter_rows())
    places = {name: index[name] for name in ("val/green/blue_5.png", "test/red/green_3.png")}
    store = DecisionStore(run.review)
    relabeled, discarded = places.values()
    store.record(
        "request-1", "ann", [Decision(relabeled, "relabel", 0), Decision(discarded, "discard")]
    )
    store.close()
    return places


def test_models_never_change_what_they_are_judged_by(run: RunFolder, tmp_path: Path) -> None:
    analysis = load_analysis(run)
    assert analysis is not None
    file = tmp_path / "cleaned.parquet"
    table = clean_run(run, analysis.frame, CleanSettings("easy"), out=file)
    others = table.filter(pl.col("split") != "train")
    assert others["new_label"].equals(others["label"].alias("new_label"))
    assert "train/blue/red_7.png" not in read_cleaned(file).samples["id"]
    told = summary_text(table, run.class_names(), CleanSettings("easy"), file)
    assert "of 119 samples are kept" in told
    assert "Split val: of 36 samples, which are not to be trained on, 0 have another" in told


def test_people_change_samples_of_every_split(tmp_path: Path, photos: Path) -> None:
    run = audit_of_splits(tmp_path / "audit", photos)
    places = decide(run)
    analysis = load_analysis(run)
    assert analysis is not None
    clean_run(run, analysis.frame, CleanSettings("reviewed"))
    kept = read_cleaned(run.cleaned).samples
    now = dict(kept["id", "label"].iter_rows())
    assert now["val/green/blue_5.png"] == 0
    assert "test/red/green_3.png" not in now
    # What a loop of one's own gets is of the training split alone.
    assert not set(cleaned(run).index.tolist()) & set(places.values())
    assert set(cleaned(run).index) == set(kept.filter(pl.col("split") == "train")["index"])


def test_training_on_what_was_cleaned_keeps_other_splits_out(tmp_path: Path, photos: Path) -> None:
    run = audit_of_splits(tmp_path / "audit", photos)
    decide(run)
    analysis = load_analysis(run)
    assert analysis is not None
    clean_run(run, analysis.frame, CleanSettings("reviewed"))
    config = config_from_clean(run.cleaned)
    again = train(replace(config, output_dir=str(tmp_path / "out"), epochs=1, image_size=8))
    trained, validated = again.samples("train"), again.samples("val")
    assert all(sample.startswith("train/") for sample in trained["id"])
    assert all(sample.startswith("val/") for sample in validated["id"])
    assert len(validated) == 3 * COUNTS["val"]
    assert dict(validated["id", "label"].iter_rows())["val/green/blue_5.png"] == 0
    record = again.epoch_record(1).predicted.numpy()
    assert set(np.flatnonzero(record >= 0)) == set(trained["index"])


def test_a_selection_of_an_earlier_version_is_all_to_be_trained_on(
    run: RunFolder, tmp_path: Path
) -> None:
    analysis = load_analysis(run)
    assert analysis is not None
    file = tmp_path / "cleaned.parquet"
    clean_run(run, analysis.frame, CleanSettings("likely"), out=file)
    made = pl.read_parquet_metadata(file)["dataparams"]
    pl.read_parquet(file).drop("split").write_parquet(file, metadata={"dataparams": made})
    assert set(read_cleaned(file).samples["split"]) == {"train"}
