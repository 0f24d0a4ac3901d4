"""Real processes: killed, several at once, out of disk, and as their users call them."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
from typing import TYPE_CHECKING

import polars as pl
import pytest
import torch

from dataparams.run.folder import RunFolder
from forked_processes import COMMAND_LINE, ROOT, SUPPORT, free_port, run_program, start_program
from made_folders import dark_and_light, photographs
from made_trainings import assert_same_run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path


def call(
    *words: str | Path, folder: Path, limits: Mapping[int, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, as a user does."""
    is_script = words[:1] == ("main_cifar.py",)
    program, rest = (ROOT / "main_cifar.py", words[1:]) if is_script else (COMMAND_LINE, words)
    return run_program(program, *rest, folder=folder, limits=limits)


def test_a_training_killed_at_random_moments_ends_where_an_unbroken_one_does(
    tmp_path: Path,
) -> None:
    done = run_program(SUPPORT / "killed_training.py", tmp_path, "11", folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    kills, kills_within = map(int, done.stdout.split())
    assert kills >= 10, done.stdout
    assert kills_within >= 3, done.stdout
    runs = [RunFolder(tmp_path / "digits" / name) for name in ("whole", "broken")]
    assert_same_run(*runs)
    assert runs[1].description()["status"] == "finished"


def test_two_processes_train_the_same_as_one_though_one_of_them_died(tmp_path: Path) -> None:
    program = SUPPORT / "trained_in_processes.py"
    # As of two machines, each with one process.
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    machines = [
        start_program(
            *(program, tmp_path, "two", "dying"),
            folder=tmp_path,
            environment={**meeting, "RANK": rank, "LOCAL_RANK": "0", "WORLD_SIZE": "2"},
        )
        for rank in "01"
    ]
    assert all(machine.ended().returncode for machine in machines), "both are to fail"
    two = RunFolder(tmp_path / "digits" / "two")
    state = two.checkpoint("last")
    assert state is not None
    # It died at its tenth batch: 6 of the first epoch, 1 of validation, 3 of the second epoch.
    assert state["epoch"] == 1
    assert state["steps"] in (1, 2)
    images = tmp_path / "images"
    dark_and_light(images)
    for number in (3, 4, 5, 6):
        (images / "dark" / f"{number:02}.png").write_bytes(b"no image")
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for launcher, name in (([], "one"), (torchrun, "two")):
        done = run_program(*launcher, program, tmp_path, name, images, folder=tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
    one = RunFolder(tmp_path / "digits" / "one")
    assert_nearly_same_run(one, two)
    assert one.epoch_record(4).instance_log_temperature.std() > 0.01
    streams = [RunFolder(images / name) for name in ("one", "two")]
    assert streams[0].unreadable() == streams[1].unreadable() != ()
    torch.testing.assert_close(
        streams[1].epoch_record(2).instance_log_temperature,
        streams[0].epoch_record(2).instance_log_temperature,
    )


def assert_nearly_same_run(one: RunFolder, two: RunFolder) -> None:
    """But for the order in which floating-point numbers were added."""
    assert one.epochs() == two.epochs()
    for epoch in one.epochs():
        for name, value in vars(one.epoch_record(epoch)).items():
            other = torch.as_tensor(getattr(two.epoch_record(epoch), name))
            value = torch.as_tensor(value)
            if name in ("predicted", "correct", "rival"):
                assert (other == value).float().mean() > 0.99
            else:
                torch.testing.assert_close(other, value, atol=1e-5, rtol=1e-4, msg=name)
    columns = ["val_loss", "val_accuracy", "train_loss", "train_accuracy"]
    torch.testing.assert_close(
        two.metrics().select(columns).to_torch(),
        one.metrics().select(columns).to_torch(),
        atol=1e-5,
        rtol=1e-4,
    )


def test_processes_that_die_leave_what_the_same_or_another_number_goes_on_with(
    tmp_path: Path,
) -> None:
    done = run_program(SUPPORT / "broken_processes.py", tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    ends = json.loads(done.stdout)
    assert ends["dropout_whole"] == ends["plain_whole"] == [0, 0]
    assert ends["dropout_0"] == [143, 143], "of SIGTERM to one process both are to stop"
    assert ends["dropout_1"] == ends["plain_0"] == [1, -signal.SIGKILL]
    assert ends["plain_1"] == [-signal.SIGKILL]
    assert ends["dropout"] == ends["plain"] == [0, 0]
    runs = {
        name: RunFolder(tmp_path / "digits" / name)
        for name in ("dropout_whole", "dropout", "plain_whole", "plain")
    }
    # Two processes, and again two, draw the same dropout.
    assert_same_run(runs["dropout_whole"], runs["dropout"])
    # Two, then one, then two.
    assert_nearly_same_run(runs["plain_whole"], runs["plain"])
    assert ends["refused"] == [4, 4]
    assert done.stderr.count("refused: ") == 2, "each process is to say it, and none to hang"


def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    words = ["train", "--epochs", "2", "--learn-inst-parameters", "--rand-fraction", "0.3"]
    whole = call(*words, "--exp-prefix", "whole", folder=tmp_path)
    assert whole.returncode == 0, whole.stderr
    words += ["--exp-prefix", "broken"]
    full = call(*words, folder=tmp_path, limits={resource.RLIMIT_FSIZE: 100_000})
    assert full.returncode == 4
    assert "cannot be written: File too large" in full.stderr
    assert "Traceback" not in full.stderr
    broken = tmp_path / "weights_CL" / "digits" / "broken"
    assert json.loads((broken / "run.json").read_text())["status"] == "failed"
    assert not list(broken.rglob("*.tmp"))
    assert call(*words, "--resume", folder=tmp_path).returncode == 0
    assert_same_run(RunFolder(broken.with_name("whole")), RunFolder(broken))


def test_the_methods_own_commands(tmp_path: Path) -> None:
    small = ["--dataset", "digits", "--arch", "small-cnn", "--epochs", "3", "-j", "1", "-b", "64"]
    commands = [
        ["--rand_fraction", "0.4", "--exp_prefix", "baseline_40frac_corrupt", "--restart"],
        [
            *("--rand_fraction", "0.4", "--init_inst_param", "1.0", "--lr_inst_param", "0.2"),
            *("--wd_inst_param", "0.0", "--learn_inst_parameters", "--exp_prefix"),
            *("corrupt_label/with_inst_params_lr_0.2_40frac_corrupt_labels", "--restart"),
        ],
    ]
    for command in commands:
        done = call("main_cifar.py", *command, *small, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "epoch 3/3" in done.stdout
    third = ["--rand_fraction", "0.4", "--exp_prefix", "filtered_with_epoch_80_40frac_corrupt"]
    third += ["--subset_frac", "0.60", "--restart", "--dataset_subset_ckpt"]
    missing = "weights_CL/digits/with_inst_params_lr_0.2_40frac_corrupt/epoch_3.pth.tar"
    done = call("main_cifar.py", *third, missing, *small, folder=tmp_path)
    assert done.returncode == 4
    found = "weights_CL/digits/corrupt_label/with_inst_params_lr_0.2_40frac_corrupt_labels"
    assert f"{found}/epoch_3.pth.tar" in done.stderr
    done = call("main_cifar.py", *third, f"{found}/epoch_3.pth.tar", *small, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    filtered = RunFolder(tmp_path / "weights_CL/digits/filtered_with_epoch_80_40frac_corrupt")
    assert filtered.description()["counts"]["trained_on"] == round(0.6 * 1618)
    config = json.loads((tmp_path / found / "run.json").read_text())["config"]
    assert (config["lr_inst_param"], config["schedule"]) == (0.2, "steps")
    ranked = call("rank", found, "--top", "0.4", "--out", "ranked.csv", folder=tmp_path)
    assert ranked.returncode == 0, ranked.stderr
    assert re.search(r"recall at the noise rate \d+\.\d%, AUROC 0\.\d+", ranked.stdout)
    table = pl.read_csv(tmp_path / "ranked.csv")
    assert table.columns == ["index", "id", "label", "label_name", "value", "split"]
    assert len(table) == round(0.4 * 1618)
    assert table["value"].is_sorted(descending=True)
    again = call("rank", found, "--threshold", "auto", "--out", "ranked.csv", folder=tmp_path)
    assert again.returncode == 4
    assert "--overwrite" in again.stderr


def test_mixed_precision(tmp_path: Path) -> None:
    words = ["train", "--dataset", str(photographs(tmp_path / "photos")), "--image-size", "16"]
    words += ["--epochs", "2", "--learn_inst_parameters", "--rand_fraction", "0.4"]
    done = call(*words, "--amp", "bf16", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    record = RunFolder(tmp_path / "weights_CL/photos/run").epoch_record(2)
    assert record.instance_log_temperature.dtype == torch.float32
    assert record.instance_log_temperature.std() > 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "usage: dataparams COMMAND"),
        (["trian"], 2, "There is no command 'trian'"),
        (["train", "--epochs", "many"], 2, "many"),
        (["train", "--no-such-flag"], 2, "no-such-flag"),
        (["train", "./nowhere"], 3, "nowhere"),
        (["rank", "nowhere"], 4, "not a run folder"),
    ],
)
def test_mistakes_end_without_a_traceback(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    done = call(*words, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "weights_CL").exists()


def test_a_training_that_diverges_ends_without_a_traceback(tmp_path: Path) -> None:
    done = call("train", "digits", "--lr", "1e6", folder=tmp_path)
    assert done.returncode == 4
    assert "Training diverged in epoch 1" in done.stderr
    analyzed = call("analyze", "weights_CL/digits/run", folder=tmp_path)
    assert analyzed.returncode == 4
    assert "no finished epoch to analyze. Its training failed: Training div" in analyzed.stderr
    assert "Traceback" not in done.stderr + analyzed.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_a_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = start_program(COMMAND_LINE, "train", "--epochs", "500", folder=tmp_path)
    next(line for line in program.lines() if "epoch   1/500" in line)
    assert program.process.pid is not None
    os.kill(program.process.pid, number)
    done = program.ended()
    assert done.returncode == 128 + number
    errors = done.stderr
    assert "--resume" in errors
    assert "Traceback" not in errors
    run = RunFolder(tmp_path / "weights_CL/digits/run")
    assert run.description()["status"] == "stopped"
    last = run.checkpoint("last")
    assert last is not None
    stopped_at = re.search(r"after step (\d+) of 13 in epoch (\d+)", errors)
    assert stopped_at is not None, errors
    assert (last["steps"], last["epoch"] + 1) == tuple(map(int, stopped_at.groups()))


def test_the_demo_finds_and_repairs(tmp_path: Path) -> None:
    done = call("demo", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    shares = dict(re.findall(r"(precision|recall|as given|corrected labels).* (\d+\.\d)%", text))
    assert float(shares["precision"]) > 90
    assert float(shares["recall"]) > 90
    assert float(shares["as given"]) < float(shares["corrected labels"]) <= 100
    assert (tmp_path / "weights_CL/digits/demo/run.json").exists()
    assert (tmp_path / "weights_CL/digits/demo/report/index.html").exists()


def test_a_folder_of_photographs(tmp_path: Path) -> None:
    words = ["train", "--dataset", str(photographs(tmp_path / "photos")), "--image-size", "32"]
    words += ["--epochs", "3", "--learn-inst-parameters", "--rand-fraction", "0.2"]
    done = call(*words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = RunFolder(tmp_path / "weights_CL/photos/run")
    assert len(run.description()["class_names"]) == 4
    assert run.samples()["id"][0].endswith(".jpg")
