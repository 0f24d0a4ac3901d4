"""Training and analysis on images that stay encoded until they are needed."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
import torch

from dataparams.analysis import analyze
from dataparams.analysis.model_view import view_through_model
from dataparams.cli import main
from dataparams.errors import RunError, UserError
from dataparams.run.folder import RunFolder
from dataparams.training import RECIPES, TrainConfig, train
from dataparams.training.config import require_valid
from dataparams.training.learning_rate import learning_rate_factor
from made_folders import dark_and_light
from made_trainings import Lines, Stop, assert_same_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(short: TrainConfig, tmp_path: Path) -> TrainConfig:
    dark_and_light(tmp_path / "images")
    return replace(
        short,
        dataset=str(tmp_path / "images"),
        loader="stream",
        image_size=16,
        batch_size=8,
        val_frac=0.2,
        rand_fraction=0.2,
        workers=1,
    )


def readers() -> set[int]:
    """Processes that this one has started and that are still there."""
    return {process.pid for process in psutil.Process().children()}


def test_a_streamed_run_leaves_the_same_folder_behind(config: TrainConfig) -> None:
    before = readers()
    run = train(config)
    in_memory = train(replace(config, loader="memory", exp_prefix="memory"))
    assert run.samples().equals(in_memory.samples())
    assert run.description()["source"]["loader"] == "stream"
    trained_on = run.samples()["index"].to_list()
    assert (run.epoch_record(3).predicted[trained_on] >= 0).all()
    assert (run.epoch_record(3).predicted >= 0).sum() == len(trained_on) == 32
    assert run.epoch_record(3).instance_log_temperature.std() > 0
    assert not readers() - before
    assert_same_run(run, train(replace(config, exp_prefix="again")))


def test_a_streamed_run_resumes_exactly(config: TrainConfig) -> None:
    whole = train(replace(config, exp_prefix="whole"))
    with pytest.raises(KeyboardInterrupt):
        train(replace(config, exp_prefix="broken"), display=Stop(2))
    assert_same_run(whole, train(replace(config, exp_prefix="broken", resume=True)))


@pytest.mark.parametrize("learns", [True, False])
def test_a_streamed_training_that_diverges_says_so(config: TrainConfig, learns: bool) -> None:
    before = readers()
    with pytest.raises(RunError, match="diverged in epoch 1"):
        train(replace(config, lr=1e6, epochs=20, learn_inst_parameters=learns))
    assert not readers() - before


def test_damaged_images_are_skipped_listed_and_left_as_they_were(
    config: TrainConfig, tmp_path: Path
) -> None:
    for name in ("dark/03.png", "light/05.png"):
        (tmp_path / "images" / name).write_bytes(b"no image")
    lines = Lines()
    run = train(replace(config, val_frac=0.05), display=lines)
    listed = pl.read_csv(run.path / "unreadable.csv")
    assert listed["id"].to_list() == ["dark/03.png", "light/05.png"]
    assert listed["reason"].str.contains("known format").all()
    index = torch.tensor(listed["index"].to_list())
    samples = run.samples()
    assert samples.filter(samples["index"].is_in(listed["index"]))["id"].equals(listed["id"])
    record = run.epoch_record(3)
    assert (record.predicted[index] == -1).all()
    assert record.loss[index].isnan().all()
    assert (record.instance_log_temperature[index] == 0).all()
    assert int((record.predicted >= 0).sum()) == len(run.samples()) - 2
    assert run.description()["counts"]["unreadable"] == 2
    assert sum("2 images could not be read so far" in line for line in lines.lines) == 1
    assert len(analyze(run).frame) == len(run.samples()) - 2


def test_analysis_reads_the_stream_again(
    config: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache = tmp_path / "images.arrow"
    assert main(["cache", config.dataset, "--size", "16", "--raw", "--out", str(cache)]) == 0
    assert "Wrote 40 images" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    run = train(replace(config, cache="images.arrow", epochs=20))
    assert run.description()["source"]["cache"] == str(cache)
    monkeypatch.chdir("/")
    steps: list[tuple[int, int]] = []
    ids = run.samples()["id"].to_list()
    view = view_through_model(run, ids, on_progress=lambda *step: steps.append(step))
    assert steps[-1] == (32, 32)
    assert view.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    true_labels = run.samples()["true_label"].to_numpy()
    assert np.mean(view.probabilities.argmax(axis=1) == true_labels) > 0.9
    backwards = view_through_model(run, ids[::-1])
    np.testing.assert_allclose(backwards.probabilities, view.probabilities[::-1], atol=1e-5)
    notices: list[str] = []
    analysis = analyze(run, on_notice=notices.append)
    assert notices == []
    assert analysis.pictures_of(run.samples()["id"].to_list()[:1])[0] is not None


def test_an_image_that_is_gone_by_the_time_of_the_analysis_says_nothing(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = train(config)
    file = tmp_path / "images" / run.samples()["id"][5]
    file.write_bytes(b"?" * file.stat().st_size)
    view = view_through_model(run, run.samples()["id"].to_list())
    assert view.probabilities[5] == pytest.approx(0.5)
    others = np.delete(view.features, 5, axis=0)
    np.testing.assert_allclose(view.features[5], others.mean(axis=0), rtol=1e-4)


def test_the_published_recipe() -> None:
    recipe = RECIPES["imagenet"]
    assert (recipe.dataset, recipe.arch, recipe.loader) == (
        "ILSVRC/imagenet-1k",
        "resnet18",
        "stream",
    )
    how: dict[str, Any] = {
        "schedule": recipe.schedule,
        "lr_drop_epoch_step": recipe.lr_drop_epoch_step,
    }
    rates = [
        recipe.lr * learning_rate_factor(epoch, epochs=recipe.epochs, **how)
        for epoch in (0, 29.99, 30, 60, 99)
    ]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001, 0.0001])


def test_the_methods_own_command_for_imagenet(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--data", "images", "--arch", "small-cnn", "--epochs", "3", "-j", "1", "-b", "8"]
    words += ["--image_size", "16", "--lr_drop_epoch_step", "1", "--learn_class_parameters"]
    words += ["--init_class_param", "1.5", "--lr_class_param", "0.1", "--exp_prefix", "class"]
    words += ["--restart", "--learn_inst_parameters"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["main_imagenet.py", *words])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(ROOT / "main_imagenet.py"), run_name="__main__")
    run = RunFolder(tmp_path / "weights_CL/images/class")
    assert run.metrics()["lr"].to_list() == pytest.approx([0.1, 0.01, 0.001])
    assert run.epoch_record(1).class_log_temperature.exp().mean() == pytest.approx(1.5, abs=0.3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cache": "a.arrow"}, r'`cache="a\.arrow"` is given with `loader="memory"`; expected `lo'),
        ({"data": "x", "dataset": "y"}, '`dataset="y"` and `data="x"` are both given'),
        ({"lr_drop_epoch_step": 0}, "`lr_drop_epoch_step` is 0"),
        ({"gpu": -1}, "`gpu` is -1"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        require_valid(replace(TrainConfig(), **changes))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["cache", "images", "--out", "images"], 4, "is a folder"),
        (["cache", "images", "--out", "new.arrow", "--size", "0"], 2, "--size is 0"),
        (["cache", "digits", "--out", "new.arrow"], 2, "digits is built in"),
        (["cache", "./nowhere", "--out", "new.arrow"], 3, "nowhere"),
        (["train", "--loader", "stream"], 2, "digits is built in"),
        (
            ["train", "--dataset", "images", "--loader", "stream", "--cache", "new.arrow"],
            3,
            "There is no cache new.arrow",
        ),
        (["train", "--gpu", "99"], 2, "--gpu is 99"),
    ],
)
def test_mistakes_end_without_a_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    message: str,
) -> None:
    dark_and_light(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
