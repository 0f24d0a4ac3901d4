"""What training promises that starts from weights which others have trained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from dataparams.analysis import analyze
from dataparams.analysis.model_view import view_through_model
from dataparams.batches import DeviceBatches, ImageDataset, StreamedBatches
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.cli import main
from dataparams.encoders.trainable_backbones import preparation_of
from dataparams.errors import ArgumentError, RunError, UserError
from dataparams.training import RECIPES, TrainConfig, train
from dataparams.training.config import require_valid
from dataparams.training.optimizer import make_optimizer, set_learning_rate
from made_folders import dark_and_light
from made_trainings import Lines, Stop, assert_same_run

HALF = (0.5, 0.5, 0.5)
"""Mean and deviation by which timm normalizes for its network ``test_vit``."""


def weights_of(arch: str, folder: Path, seed: int = 0) -> Path:
    """A file of weights of a small network of timm, with the classifier that others had."""
    torch.manual_seed(seed)
    file = folder / f"{arch}-{seed}.safetensors"
    save_file(timm.create_model(arch, num_classes=1000).state_dict(), file)
    return file


@pytest.fixture
def config(short: TrainConfig, tmp_path: Path) -> TrainConfig:
    """Training a small network of timm further, on 40 pictures in two classes."""
    dark_and_light(tmp_path / "images")
    return replace(
        RECIPES["finetune"],
        output_dir=short.output_dir,
        dataset=str(tmp_path / "images"),
        arch="test_vit",
        weights=str(weights_of("test_vit", tmp_path)),
        image_size=32,
        batch_size=8,
        epochs=3,
        val_frac=0.2,
        rand_fraction=0.2,
        workers=1,
    )


def test_the_recipe_is_valid_and_starts_from_the_bundled_network() -> None:
    recipe = RECIPES["finetune"]
    require_valid(recipe)
    assert recipe.is_pretrained
    assert recipe.optimizer == "adamw"
    assert recipe.layer_decay < 1
    assert recipe.learn_inst_parameters
    assert preparation_of(recipe.arch).height == 224


@pytest.mark.parametrize("arch", ["test_vit", "test_resnet", "test_efficientnet", "test_convnext"])
def test_front_layers_have_lower_rates(arch: str) -> None:
    model = timm.create_model(arch, num_classes=3)
    optimizer = make_optimizer(model, "adamw", lr=0.01, layer_decay=0.5, weight_decay=0.05)
    set_learning_rate(optimizer.param_groups, 0.008)
    rates = {id(one): group["lr"] for group in optimizer.param_groups for one in group["params"]}
    named = list(model.named_parameters())
    assert len(rates) == len(named)
    first, classifier = rates[id(named[0][1])], rates[id(model.get_classifier().weight)]
    assert classifier == pytest.approx(0.008)
    assert first < classifier / 4
    assert set(rates.values()) <= {0.008 * 0.5**depth for depth in range(30)}


def test_other_runs_have_the_optimizer_that_they_had() -> None:
    model = torch.nn.Linear(2, 2)
    (group,) = make_optimizer(model, lr=0.1, weight_decay=5e-4).param_groups
    assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0.9, 5e-4, False)


def test_rates_by_layer_need_layers_that_are_told() -> None:
    with pytest.raises(
        ArgumentError, match=r"`layer_decay` is 0\.5, but the network does not tell"
    ):
        make_optimizer(torch.nn.Linear(2, 2), lr=0.1, layer_decay=0.5)
    with pytest.raises(ArgumentError, match=r"`layer_decay` is 1\.5; expected a share above 0"):
        require_valid(TrainConfig(layer_decay=1.5))


@pytest.mark.parametrize("loader", ["memory", "stream"])
def test_a_run_from_a_file_of_weights_resumes_bit_for_bit(config: TrainConfig, loader: Any) -> None:
    config = replace(config, loader=loader)
    whole = train(replace(config, exp_prefix="whole"))
    with pytest.raises(KeyboardInterrupt):
        train(replace(config, exp_prefix="broken"), display=Stop(2))
    assert_same_run(whole, train(replace(config, exp_prefix="broken", resume=True)))
    metrics = whole.metrics()
    assert metrics["lr"].max() <= config.lr
    assert metrics["lr"].max() > config.lr / 2
    known = whole.description()["pretrained"]
    assert (known["network"], known["weights"]) == ("test_vit", config.weights)
    assert known["input"]["mean"] == list(HALF)


@pytest.mark.parametrize("loader", ["memory", "stream"])
def test_the_analysis_normalizes_as_training_did(
    config: TrainConfig, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(replace(config, loader=loader))
    kind = DeviceBatches if loader == "memory" else StreamedBatches
    given: list[tuple[torch.Tensor, torch.Tensor]] = []
    original = kind.__init__

    def remembered(self: Any, *arguments: Any, **options: Any) -> None:
        given.append((options["mean"], options["std"]))
        original(self, *arguments, **options)

    monkeypatch.setattr(kind, "__init__", remembered)
    view = view_through_model(run, run.samples()["id"].to_list())
    assert [tuple(one.tolist()) for one in given[0]] == [HALF, HALF]
    # Without the file, since the checkpoint has all weights.
    Path(config.weights or "").unlink()
    again = view_through_model(run, run.samples()["id"].to_list())
    np.testing.assert_array_equal(view.probabilities, again.probabilities)
    assert len(analyze(run).frame) == 32


def test_what_the_model_says_of_validation_samples_is_what_the_analysis_sees(
    config: TrainConfig,
) -> None:
    run = train(replace(config, val_frac=0.5))
    held_out = run.held_out()
    assert held_out is not None
    train_rows = run.samples()["id"].to_list()
    view = view_through_model(run, train_rows)
    assert np.isfinite(view.features).all()
    # Dark and light are told apart by who normalizes them in one way.
    true_labels = run.samples()["true_label"].to_numpy()
    is_right = (view.probabilities.argmax(axis=1) == true_labels).mean()
    of_val = (held_out["classes"].list.first() == held_out["label"]).mean()
    assert is_right == pytest.approx(of_val, abs=0.3)


def test_weights_are_downloaded_by_name(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def stand_in(name: str, **_: object) -> torch.nn.Module:
        asked.append(name)
        torch.manual_seed(5)
        network: torch.nn.Module = timm.create_model(name, num_classes=0)
        return network

    monkeypatch.setattr("dataparams.encoders.timm_encoder.pretrained_network", stand_in)
    config = replace(config, arch="test_resnet", weights=None, epochs=1, image_size=None)
    run = train(replace(config, dataset="digits", rand_fraction=0.0, image_size=32))
    assert asked == ["test_resnet"]
    assert run.description()["pretrained"]["weights"] == "test_resnet"
    assert run.description()["image_shape"] == [3, 32, 32]
    view = view_through_model(run, run.samples()["id"].to_list()[:5])
    assert view.probabilities.shape == (5, 10)
    lines = Lines()
    run = train(replace(config, exp_prefix="size of the network"), display=lines)
    assert run.description()["config"]["image_size"] == 160
    assert any("are enlarged to 160 x 160" in line for line in lines.lines)


def test_gray_images_in_memory_are_seen_in_color(
    few_digits: ImageDataset, config: TrainConfig
) -> None:
    small = replace(few_digits, train=few_digits.train.select(torch.arange(64)))
    config = replace(config, arch="test_resnet", weights=None, pretrained=False, layer_decay=0.9)
    gray = train(replace(config, exp_prefix="gray", epochs=1), dataset=small)
    assert gray.description()["pretrained"] is None
    file = weights_of("test_resnet", Path(config.output_dir).parent)
    run = train(replace(config, weights=str(file), epochs=1), dataset=small)
    assert run.description()["image_shape"] == [3, 8, 8]
    view = view_through_model(run, run.samples()["id"].to_list(), dataset=small)
    assert len(view.probabilities) == 64
    settings = CleanSettings("relabel", confidence=0, allow_empty_class=True)
    clean_run(gray, analyze(gray, use_model=False).frame, settings)
    again = replace(config, weights=str(file), from_clean=str(gray.cleaned), exp_prefix="cleaned")
    assert train(replace(again, epochs=1), dataset=small).description()["image_shape"] == [3, 8, 8]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "small-cnn"}, "no weights to start small-cnn from; expected `arch=efficientnet"),
        ({"arch": "wrn-28-10"}, "no weights to start wrn-28-10 from"),
        ({"arch": "resnet_18"}, r"no weights to start resnet_18 from.*The nearest are: .*resnet18"),
        ({"arch": "resnet18.nobody"}, "no weights to start resnet18.nobody from"),
        ({"arch": "googlenet"}, "no weights to start googlenet from"),
        ({"weights": "missing.pt"}, r"`weights` is .*missing\.pt, which does not exist"),
    ],
)
def test_what_cannot_be_started_from_is_said(
    config: TrainConfig, changes: dict[str, Any], message: str
) -> None:
    changed: dict[str, Any] = {"weights": None, "arch": "test_vit", **changes}
    with pytest.raises(UserError, match=message):
        train(replace(config, **changed))
    assert not list(Path(config.output_dir).rglob("run.json"))


def test_weights_of_another_network_name_the_tensors(config: TrainConfig) -> None:
    with pytest.raises(UserError, match=r"does not fit the network test_resnet: .*by `arch`"):
        train(replace(config, arch="test_resnet"))


def test_a_run_goes_on_from_the_weights_that_it_was_begun_with(config: TrainConfig) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(config, display=Stop(1))
    file = Path(config.weights or "")
    weights_of("test_vit", file.parent, seed=1).replace(file)
    with pytest.raises(RunError, match=r"The weights of .* are not what .* was begun with"):
        train(replace(config, resume=True))


def test_runs_that_know_of_no_weights_go_on(config: TrainConfig) -> None:
    config = replace(
        config, **{name: getattr(TrainConfig(), name) for name in ("arch", "weights", "pretrained")}
    )
    config = replace(config, optimizer="sgd", layer_decay=1.0)
    run = train(config)
    description = run.description()
    del description["pretrained"]
    for name in ("pretrained", "weights", "optimizer", "layer_decay"):
        del description["config"][name]
    run.write_description(description)
    train(replace(config, resume=True))
    assert len(analyze(run).frame) == 32


@pytest.mark.parametrize("damage", [{}, {"input": {"mean": [0, 0, 0], "std": [0, 0, 0]}}, 3])
def test_a_damaged_normalization_is_said(config: TrainConfig, damage: object) -> None:
    run = train(replace(config, epochs=1))
    description = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**description, "pretrained": damage}))
    with pytest.raises(RunError, match="does not say how images were normalized"):
        view_through_model(run, run.samples()["id"].to_list())


def test_the_bundled_network_is_trained_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dark_and_light(tmp_path / "images")
    words = ["--recipe", "finetune", "--image-size", "32", "--epochs", "2", "--workers", "1"]
    out = ["--output-dir", str(tmp_path / "runs")]
    assert main(["train", str(tmp_path / "images"), *words, *out]) == 0
    assert "efficientnet-lite0 on cpu" in capsys.readouterr().out
    assert main(["analyze", str(tmp_path / "runs" / "images" / "run")]) == 0
