"""Analysis of real runs: from the run folder and the data source alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from dataparams.analysis import (
    CATEGORIES,
    analyze,
    analyze_trajectories,
    current_analysis,
    load_analysis,
    write_analysis,
)
from dataparams.analysis.summary_text import summary_text
from dataparams.cli import main
from dataparams.errors import RunError, UserError
from dataparams.run.error_detection import detection_figures
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_folders import dark_and_light


@pytest.fixture
def run(digits_run: RunFolder) -> RunFolder:
    """Digits, 40 % of the labels swapped, five epochs; nothing is written into it."""
    return digits_run


def test_wrong_labels_are_found_named_and_mended(run: RunFolder) -> None:
    notices: list[str] = []
    frame = analyze(run, on_notice=notices.append).frame
    assert notices == []
    is_corrupted = frame["is_corrupted"].to_numpy()
    figures = detection_figures(frame["suspicion"].to_numpy(), is_corrupted)
    assert figures is not None
    assert figures.auroc > 0.98
    assert is_corrupted[(frame["category"] == "hard").to_numpy()].mean() > 0.95
    assert is_corrupted[(frame["category"] == "easy").to_numpy()].mean() < 0.05
    assert frame["noise_probability"].mean() == pytest.approx(is_corrupted.mean(), abs=0.05)
    is_right = (frame["suggested_label"] == frame["true_label"]).to_numpy()
    assert is_right[is_corrupted].mean() > 0.8


def test_a_row_per_sample_in_the_samples_order(run: RunFolder) -> None:
    analysis = analyze(run, use_model=False, review_budget=0.05)
    frame = analysis.frame
    assert frame["index"].to_list() == run.samples()["index"].to_list()
    assert set(frame["category"]) <= set(CATEGORIES)
    assert (frame["category"] == "review").mean() <= 0.05
    of_some = ("subgroup", "subgroup_place", "nearest_easy")
    assert frame.select(pl.all().exclude(of_some).null_count()).sum_horizontal().item() == 0
    assert frame["suspicion"].is_between(0, 1).all()
    assert analysis.classes["count"].sum() == len(frame)
    uneasy = frame.filter(pl.col("category") != "easy")
    assert uneasy["subgroup"].null_count() == 0
    assert analysis.subgroups["count"].sum() == len(uneasy)
    assert set(analysis.bands["group"]) == {*set(frame["category"]), "clean", "corrupted"}


def test_analysis_is_kept_until_training_goes_on(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    copy.epoch_file(5).rename(tmp_path / "later")
    made = analyze(copy, use_model=False, review_budget=0.02)
    write_analysis(copy, made)
    kept = current_analysis(copy)
    assert kept.frame.equals(made.frame)
    assert (kept.review_budget, kept.use_model) == (0.02, False)
    (tmp_path / "later").rename(copy.epoch_file(5))
    notices: list[str] = []
    again = current_analysis(copy, on_notice=notices.append)
    assert notices == ["Training went on since the last analysis; analyzing again in the same way."]
    assert again.epochs == (1, 2, 3, 4, 5)
    assert (again.frame["category"] == "review").mean() <= 0.02
    assert load_analysis(copy) is not None


@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("id", pl.lit(1), r"column id is not one of text"),
        ("index", pl.lit(-1), r"column index runs from -1"),
        ("label", pl.lit(99), r"column label runs from 99 to 99; expected 0 ... 9"),
        ("category", pl.lit("dunno"), r"column category has 'dunno'"),
        ("suspicion", pl.lit(None, pl.Float64), r"column suspicion has gaps"),
    ],
)
def test_a_damaged_analysis_is_an_error(
    run: RunFolder, tmp_path: Path, column: str, values: pl.Expr, complaint: str
) -> None:
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    analysis = replace(analyze(copy, use_model=False), validation=None)
    damaged = analysis.frame.with_columns(values.alias(column))
    write_analysis(copy, replace(analysis, frame=damaged))
    with pytest.raises(RunError, match=complaint):
        load_analysis(copy)
    write_analysis(copy, replace(analysis, frame=analysis.frame.drop(column)))
    with pytest.raises(RunError, match=f"no column {column}"):
        load_analysis(copy)
    (copy.path / "analysis.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"damaged"):
        load_analysis(copy)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"class_names": None}, r"expected 'class_names'"),
        ({"class_names": ["a"]}, r"column label runs from 0 to 9; expected 0 ... 0"),
        ({"config": {"init_inst_param": -1}}, r"expected an 'init_inst_param' above 0"),
        ({"config": None}, r"expected an 'init_inst_param' above 0"),
    ],
)
def test_a_damaged_description_is_an_error(
    run: RunFolder, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    copy.update_description(**change)
    with pytest.raises(RunError, match=complaint):
        analyze(copy, use_model=False)


def test_records_that_are_not_finite_are_an_error(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    record = copy.epoch_record(3)
    record.margin[int(run.samples()["index"][7])] = torch.inf
    copy.write_epoch_record(record)
    with pytest.raises(RunError, match=r"epoch 3 has a margin that is not a finite number"):
        analyze(copy, use_model=False)


def test_it_works_while_training_goes_on_and_without_the_data(
    run: RunFolder, tmp_path: Path
) -> None:
    begun = RunFolder(tmp_path / "digits" / "begun")
    begun.write_description({**run.description(), "fingerprint": "other"})
    begun.write_samples(run.samples())
    with pytest.raises(RunError, match=r"has not finished an epoch yet"):
        analyze(begun)
    for epoch in (1, 2):
        begun.write_epoch_record(run.epoch_record(epoch))
    shutil.copytree(run.path / "checkpoint", begun.path / "checkpoint")
    notices: list[str] = []
    analysis = analyze(begun, on_notice=notices.append)
    assert analysis.epochs == (1, 2)
    assert "fingerprint" in notices[0]


def test_what_cannot_be_analyzed_is_said(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not a run folder"):
        analyze(tmp_path)
    with pytest.raises(UserError, match=r"`review_budget` is 1.5"):
        analyze(run, review_budget=1.5)


def test_a_selection_is_analyzed_with_its_own_indices(run: RunFolder, tmp_path: Path) -> None:
    config = TrainConfig(
        output_dir=str(tmp_path),
        epochs=2,
        batch_size=64,
        rand_fraction=0.4,
        learn_inst_parameters=True,
        dataset_subset_ckpt=str(run.epoch_file(5)),
        subset_frac=0.5,
    )
    selected = train(config)
    frame = analyze(selected).frame
    assert len(frame) == round(0.5 * len(run.samples()))
    predicted = selected.epoch_record(2).predicted.numpy()
    assert (predicted[frame["index"].to_numpy()] >= 0).all()


@pytest.mark.parametrize(
    ("epochs", "count", "classes"), [(1, 1, 1), (1, 7, 2), (3, 12, 1), (2, 5, 5)]
)
def test_the_smallest_runs_have_an_answer(epochs: int, count: int, classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    analysis = analyze_trajectories(
        rng.normal(0, 0.1, (epochs, count)),
        labels,
        margin=rng.normal(0, 1, (epochs, count)),
        loss=rng.exponential(1, (epochs, count)),
        rival=(labels + 1) % classes * np.ones((epochs, 1), dtype=int),
    )
    assert len(analysis.frame) == count
    assert "Estimated label noise" in summary_text(analysis)
    words = "There is 1 epoch so far" if epochs == 1 else f"There are {epochs} epochs so far"
    assert words in summary_text(analysis)
    assert analysis.grid(0).png()
    assert analysis.tsne(0).png()
    assert analysis.trajectories().png()


def test_the_summary_names_classes_and_suspects_and_is_safe_to_print(run: RunFolder) -> None:
    analysis = analyze(run, use_model=False)
    hostile = analysis.frame.with_columns(pl.lit("a\x1b[2Jb").alias("id"))
    text = summary_text(replace(analysis, frame=hostile), most_suspicious=3)
    assert "\x1b" not in text
    assert "Estimated label noise" in text
    assert "The 3 most suspicious samples" in text
    assert all(f"\n  {name} " in text for name in analysis.class_names)


def test_the_commands(
    digits_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(digits_run.path, run.path)
    assert main(["analyze", str(run.path), "--review-budget", "5%"]) == 0
    assert "Next: dataparams report" in capsys.readouterr().out
    frame = pl.read_parquet(run.path / "analysis.parquet")
    assert (frame["category"] == "review").mean() <= 0.05
    assert main(["figures", str(run.path), "--class", "3", "--kind", "grids"]) == 0
    name = "class_3_3_easy_hard_need_review.png"
    assert (run.path / "figures" / name).read_bytes().startswith(b"\x89PNG")
    assert main(["report", str(run.path)]) == 0
    assert (run.path / "report" / "index.html").is_file()
    assert main(["analyze", str(run.path), "--review-budget", "lots"]) == 2
    assert main(["figures", str(run.path), "--class", "thirteen"]) == 2
    assert main(["figures", str(run.path.parent / "nowhere")]) == 4
    error = capsys.readouterr().err
    assert "expected a share such as 5%" in error
    assert "There is no class 'thirteen'" in error
    assert "Traceback" not in error


def test_a_report_without_the_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dark_and_light(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    flags = ["--dataset", "images", "--epochs", "2", "-b", "8", "--learn-inst-parameters"]
    assert main(["train", *flags]) == 0
    run = str(tmp_path / "weights_CL" / "images" / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["analyze", run]) == 0
    assert "trajectories alone" not in capsys.readouterr().out
    assert main(["report", run]) == 0
    assert len(list(Path(run).glob("report/class_*/*.jpg"))) > 30
    (tmp_path / "images").rename(tmp_path / "moved")
    assert main(["report", run]) == 3
    assert "--no-pictures" in capsys.readouterr().err
    assert main(["report", run, "--no-pictures"]) == 0
    assert list(Path(run).glob("report/class_*/*.jpg")) == []
