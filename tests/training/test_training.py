"""What a training run promises: records, selections, and refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from dataparams.batches.device_batches import batch_bounds
from dataparams.encoders.architectures import create_model
from dataparams.errors import ArgumentError, RunError, UserError
from dataparams.run.epoch_metrics import parameter_metrics
from dataparams.training import TrainConfig, instance_learning_rate, train
from dataparams.training.batch_normalization import running_statistics
from dataparams.training.tracking import clamp_warning
from made_folders import dark_and_light
from made_trainings import Lines, assert_same_run, first_samples

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset
    from dataparams.run.folder import RunFolder


def test_a_run_folder_holds_what_it_promises(
    few_digits: ImageDataset, short_run: RunFolder
) -> None:
    run = short_run
    description = run.description()
    assert (description["status"], description["epoch"]) == ("finished", 3)
    assert description["counts"]["instances"] == 400
    assert run.epochs() == [1, 2, 3]
    samples = run.samples()
    assert samples.columns == ["index", "id", "label", "true_label", "is_corrupted", "split"]
    assert (samples["label"] != samples["true_label"]).to_list() == samples[
        "is_corrupted"
    ].to_list()
    assert samples["true_label"].to_list() == few_digits.train.labels.tolist()
    record = run.epoch_record(3)
    assert record.instance_log_temperature.shape == record.margin.shape == (400,)
    assert ((record.margin > 0) == record.correct).all()
    assert {path.name for path in (run.path / "checkpoint").iterdir()} == {"last.pt", "best.pt"}
    assert list(run.tensorboard.iterdir())
    metrics = run.metrics()
    assert metrics["epoch"].to_list() == [1, 2, 3]
    assert metrics["train_accuracy"][2] == pytest.approx(record.correct.float().mean().item())


def test_validation_samples_keep_their_predictions_one_by_one(
    few_digits: ImageDataset, short_run: RunFolder
) -> None:
    run = short_run
    held_out = run.held_out()
    assert held_out is not None
    assert held_out["index"].to_list() == few_digits.val.index.tolist()
    assert held_out["id"].to_list() == list(few_digits.val.ids)
    assert held_out["label"].to_list() == few_digits.val.labels.tolist()
    assert held_out["epoch"].unique().to_list() == [3]
    assert run.samples("val")["id"].to_list() == list(few_digits.val.ids)
    for classes, probabilities, label, own in held_out.select(
        "classes", "probabilities", "label", "probability"
    ).iter_rows():
        assert sorted(classes) == list(range(10))
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)
        assert own == probabilities[classes.index(label)]
    # The counts per class are of the same predictions.
    is_correct = held_out["classes"].list.first() == held_out["label"]
    validation = run.validation()
    assert validation is not None
    counts = validation.filter(pl.col("epoch") == 3)
    assert counts["correct"].to_list() == [
        int((is_correct & (held_out["label"] == label)).sum()) for label in range(10)
    ]


def test_swapped_labels_are_found(digits_run: RunFolder) -> None:
    assert digits_run.metrics()["auroc"][-1] > 0.95


def test_the_same_seed_is_the_same_run(
    few_digits: ImageDataset, short: TrainConfig, short_run: RunFolder
) -> None:
    assert_same_run(short_run, train(short, dataset=few_digits))
    other = train(replace(short, exp_prefix="c", seed=1), dataset=few_digits)
    assert not torch.equal(
        other.epoch_record(3).instance_log_temperature,
        short_run.epoch_record(3).instance_log_temperature,
    )


def test_two_trainings_in_one_process_may_differ_in_precision(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    precisions: list[Any] = ["no", "bf16", "no"]
    for number, amp in enumerate(precisions):
        run = train(replace(short, epochs=1, amp=amp, exp_prefix=str(number)), dataset=few_digits)
        assert run.description()["status"] == "finished"


def test_a_wrong_flag_leaves_no_folder_behind(few_digits: ImageDataset, short: TrainConfig) -> None:
    with pytest.raises(UserError, match=r"`arch` is 'resnet19', which is not known.*resnet18"):
        train(replace(short, arch="resnet19"), dataset=few_digits)
    assert not Path(short.output_dir).exists()


def test_a_selection_keeps_the_lowest_and_their_index(
    few_digits: ImageDataset, short: TrainConfig, copied_run: RunFolder
) -> None:
    learned = copied_run
    chosen = replace(
        short,
        exp_prefix="kept",
        learn_inst_parameters=False,
        dataset_subset_ckpt=str(learned.epoch_file(3)),
        subset_frac=0.25,
    )
    run = train(chosen, dataset=few_digits)
    is_used = run.epoch_record(3).predicted >= 0
    lowest = learned.epoch_record(3).instance_log_temperature.argsort(stable=True)[:100]
    assert sorted(is_used.nonzero().squeeze(1).tolist()) == sorted(lowest.tolist())
    assert run.description()["counts"]["trained_on"] == 100
    with pytest.raises(UserError, match="had another label"):
        train(replace(chosen, exp_prefix="x", rand_fraction=0.2), dataset=few_digits)
    with pytest.raises(UserError, match="no instance parameters"):
        train(
            replace(chosen, exp_prefix="x", dataset_subset_ckpt=str(run.epoch_file(3))),
            dataset=few_digits,
        )
    with pytest.raises(RunError, match="would remove"):
        train(replace(chosen, exp_prefix="run", restart=True), dataset=few_digits)


def test_labels_from_a_file_and_truth_that_training_never_sees(
    few_digits: ImageDataset, short: TrainConfig, tmp_path: Path
) -> None:
    labels = (few_digits.train.labels + 1) % 10
    np.save(tmp_path / "labels.npy", labels.numpy())
    from_file = replace(short, rand_fraction=0.0, noise=f"file:{tmp_path / 'labels.npy'}")
    run = train(from_file, dataset=few_digits)
    assert run.samples()["is_corrupted"].all()
    relabeled = replace(few_digits, train=few_digits.train.with_labels(labels))
    plain = replace(short, rand_fraction=0.0, exp_prefix="plain")
    assert torch.equal(
        run.epoch_record(3).instance_log_temperature,
        train(plain, dataset=relabeled).epoch_record(3).instance_log_temperature,
    )


def test_class_parameters_alone_and_jointly(few_digits: ImageDataset, short: TrainConfig) -> None:
    joint = train(replace(short, learn_class_parameters=True, save_every=2), dataset=few_digits)
    assert joint.epoch_record(3).class_log_temperature.abs().max() > 0
    assert (joint.path / "checkpoint" / "epoch_2.pt").exists()
    alone = replace(
        short, learn_inst_parameters=False, learn_class_parameters=True, exp_prefix="class"
    )
    record = train(alone, dataset=few_digits).epoch_record(3)
    assert record.instance_log_temperature.shape == (0,)
    assert record.class_log_temperature.abs().max() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` is 0"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"rand_fraction": 1.2}, "`rand_fraction` is 1.2"),
        ({"lr_inst_param": -1.0}, "`lr_inst_param` is -1.0"),
        ({"exp_prefix": "../outside"}, "`exp_prefix` is ../outside"),
        ({"exp_prefix": "/tmp/outside"}, "`exp_prefix` is /tmp/outside"),  # noqa: S108
        ({"restart": True, "resume": True}, "`restart` and `resume` are both given"),
        ({"subset_frac": 0.5}, "`subset_frac` is 0.5 without"),
        ({"checkpoint_minutes": -1.0}, "`checkpoint_minutes` is -1.0"),
        ({"start_epoch": 3}, "`start_epoch` is 3"),
        ({"seed": 2**64}, "`seed` is 18446744073709551616; expected a whole number, 0"),
        ({"workers": 100_000}, "`workers` is 100000; expected a whole number, 1"),
        ({"lr": 1e300}, r"`lr` is 1e\+300; expected a number above 0, up to"),
        ({"wd": 1e300}, r"`wd` is 1e\+300"),
        ({"init_inst_param": 1e-320}, "`init_inst_param` is"),
        ({"exp_prefix": "a\0b"}, "`exp_prefix` is"),
        ({"epochs": 2.5}, "`epochs` is 2.5; expected a whole number"),
        ({"lr_inst_param": "high"}, "`lr_inst_param` is high; expected a number"),
        ({"recipe": "fast"}, "`recipe` is fast; expected one of quick, cifar"),
        ({"loader": "disk"}, "`loader` is disk; expected one of memory, stream, dali"),
        ({"optimizer": "adam"}, "`optimizer` is adam; expected one of sgd, adamw"),
        ({"schedule": "linear"}, "`schedule` is linear; expected one of steps, cosine"),
        ({"amp": "fp8"}, "`amp` is fp8; expected one of no, bf16, fp16"),
    ],
)
def test_wrong_settings_are_named(
    few_digits: ImageDataset, short: TrainConfig, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        train(replace(short, **changes), dataset=few_digits)


def test_an_unknown_noise_is_said(few_digits: ImageDataset, short: TrainConfig) -> None:
    with pytest.raises(UserError, match="Did you mean 'swap'"):
        train(replace(short, noise="swop"), dataset=few_digits)


@pytest.mark.parametrize(
    ("arch", "channels", "side"),
    [("small-cnn", 1, 8), ("small_cnn", 3, 64), ("resnet10t", 3, 32), ("squeezenet1_1", 1, 64)],
)
def test_architectures_take_gray_and_color(arch: str, channels: int, side: int) -> None:
    model = create_model(arch, 7, channels, side)
    assert model.training
    assert model(torch.zeros(2, channels, side, side)).shape == (2, 7)


def test_an_image_size_that_a_network_cannot_take_is_said() -> None:
    with pytest.raises(UserError, match=r"cannot take images of 8 x 8.*`image_size`"):
        create_model("squeezenet1_1", 10, 3, 8)


@pytest.mark.parametrize("epochs", [1, 15, 30, 120])
def test_the_auto_rate_displaces_alike_whatever_the_length(epochs: int) -> None:
    batch_size, momentum = 64, 0.9
    rate = instance_learning_rate(epochs, batch_size, momentum)
    value = velocity = 0.0
    for _ in range(epochs):
        velocity = momentum * velocity - 1 / batch_size
        value += rate * velocity
    assert value == pytest.approx(-1.67, rel=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 128, 129, 130])
@pytest.mark.parametrize("batch_size", [2, 3, 64, 128])
def test_every_sample_is_trained_on_and_none_alone(count: int, batch_size: int) -> None:
    bounds = np.array(batch_bounds(count, batch_size))
    assert (bounds[0], bounds[-1]) == (0, count)
    assert count == 1 or np.diff(bounds).min() >= 2


@pytest.mark.parametrize("batch_size", [2, 3, 128])
def test_a_sample_that_is_left_over_is_trained_on(
    few_digits: ImageDataset, short: TrainConfig, batch_size: int
) -> None:
    train_split = first_samples(few_digits.train, 129)
    config = replace(short, epochs=1, batch_size=batch_size, arch="resnet10t", image_size=8)
    run = train(config, dataset=replace(few_digits, train=train_split))
    assert (run.epoch_record(1).predicted >= 0).all()


def test_batches_of_one_are_refused_where_there_is_batch_normalization(
    few_digits: ImageDataset, short: TrainConfig, linear: nn.Module
) -> None:
    with pytest.raises(
        UserError, match="`batch_size` is 1; expected 2 or above, since the network"
    ):
        train(replace(short, batch_size=1), dataset=few_digits)
    one = replace(few_digits, train=few_digits.train.select(torch.arange(1)))
    with pytest.raises(UserError, match="There is 1 sample to train on; expected 2 or above"):
        train(replace(short, rand_fraction=0.0), dataset=one)
    assert not Path(short.output_dir).exists()
    run = train(replace(short, batch_size=1, epochs=1), dataset=few_digits, model=linear)
    assert (run.epoch_record(1).predicted >= 0).all()


def test_one_image_alone_takes_the_running_statistics_and_leaves_them() -> None:
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(3)
    layer(torch.randn(8, 3, 4, 4))
    before, images = layer.running_mean.clone(), torch.randn(1, 3, 1, 1)
    with running_statistics(layer, is_needed=True):
        alone = layer(images)
    assert layer.training
    assert torch.equal(layer.running_mean, before)
    assert torch.equal(alone, layer.eval()(images))


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_networks_with_side_heads_give_logits_in_training(arch: str) -> None:
    model = create_model(arch, 10, 3, 96)
    assert model(torch.zeros(2, 3, 96, 96)).shape == (2, 10)


def test_many_temperatures_at_the_clamp_warn() -> None:
    limit = math.log(20)
    values = torch.cat([torch.zeros(90), torch.full((10,), limit)])
    metrics = parameter_metrics(values, None, (1 / 20, 20.0))
    assert metrics["inst_share_at_clamp"] == pytest.approx(0.1)
    assert "10% of the instance temperatures sit at the clamp" in str(clamp_warning(metrics, 20.0))
    assert clamp_warning(parameter_metrics(values[:92], None, (1 / 20, 20.0)), 20.0) is None


def test_a_rate_far_too_high_is_warned_of_once(
    few_digits: ImageDataset, short: TrainConfig
) -> None:
    lines = Lines()
    train(replace(short, lr_inst_param=2000.0), dataset=few_digits, display=lines)
    assert sum("sit at the clamp" in line for line in lines.lines) == 1


def test_tensorboard_separates_clean_from_corrupted(short_run: RunFolder) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(short_run.tensorboard)).Reload()
    tags = events.Tags()
    for group in ("all", "clean", "corrupted"):
        assert f"instance_parameters/{group}/log" in tags["histograms"]
        for figure in ("mean", "lowest", "highest"):
            assert f"instance_parameters/{group}/{figure}" in tags["scalars"]
    assert {"train/loss", "val/accuracy", "lr", "lr/inst"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("val/accuracy")] == [1, 2, 3]


def test_a_tracker_that_is_not_there_is_said(few_digits: ImageDataset, short: TrainConfig) -> None:
    with pytest.raises(UserError, match="`log_with=stone-tablet` is not installed or not known"):
        train(replace(short, log_with=("stone-tablet",)), dataset=few_digits)
    assert not Path(short.output_dir).exists()


def test_a_wrong_checkpoint_is_told_before_any_data_is_read(short: TrainConfig) -> None:
    config = replace(short, dataset="cifar100", dataset_subset_ckpt="runs/epoch_80.pth.tar")
    with pytest.raises(RunError, match=r"There is no checkpoint runs/epoch_80"):
        train(config)


def test_a_damaged_image_is_left_out_and_listed(tmp_path: Path, short: TrainConfig) -> None:
    dark_and_light(tmp_path / "images")
    (tmp_path / "images" / "dark" / "03.png").write_bytes(b"no image")
    lines = Lines()
    config = replace(short, dataset=str(tmp_path / "images"), batch_size=8, val_frac=0.2)
    run = train(config, display=lines)
    unreadable = pl.read_csv(run.path / "unreadable.csv")
    assert unreadable["id"].to_list() == ["dark/03.png"]
    index = unreadable["index"][0]
    assert index not in run.samples()["index"]
    assert len(run.samples()) + len(run.samples("val")) == 39
    assert len(run.epoch_record(3).instance_log_temperature) == 40
    assert run.epoch_record(3).predicted[index] == -1
    assert any("1 image could not be read" in line for line in lines.lines)
