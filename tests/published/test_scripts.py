"""The scripts by which the method is known, run as its users run them: from a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from dataparams.analysis import analyze, write_analysis
from dataparams.cli import main
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_folders import dark_and_light

ROOT = Path(__file__).parents[2]
SMALL = ("--epochs", "1", "-j", "1", "-b", "8", "--image_size", "16", "--loader", "memory")


def call(
    script: Path | str, *words: str | Path, folder: Path, packages: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder; with the given installed packages in place of all."""
    isolated = [] if packages is None else ["-S"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    return subprocess.run(
        [sys.executable, *isolated, ROOT / script, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.fixture
def requirements_alone(tmp_path: Path) -> Path:
    """Installed packages as after ``pip install -r requirements.txt``: all but this project."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(name).iterdir():
            if not path.name.startswith("dataparams") and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)
    return folder


def test_the_scripts_need_no_installation(tmp_path: Path, requirements_alone: Path) -> None:
    code = "import dataparams"
    environment = {**os.environ, "PYTHONPATH": str(requirements_alone)}
    missing = subprocess.run([sys.executable, "-S", "-c", code], check=False, env=environment)
    assert missing.returncode == 1
    words = ["--dataset", "digits", "--arch", "small-cnn", "--epochs", "1", "-j", "1"]
    done = call(
        "main_cifar.py",
        *(*words, "--learn_inst_parameters"),
        folder=tmp_path,
        packages=requirements_alone,
    )
    assert done.returncode == 0, done.stderr
    versions = RunFolder(tmp_path / "weights_CL/digits/run").description()["versions"]
    assert versions["dataparams"] is None
    assert versions["torch"] is not None
    for script, word in (
        ("main_imagenet.py", "--lr-drop-epoch-step"),
        ("dump_imagenet.py", "--data"),
        ("auto_analysis/easy_hard_and_need_review.py", "--analysis-dir"),
        ("auto_analysis/tsne_plots.py", "--analysis-dir"),
    ):
        shown = call(script, "--help", folder=tmp_path, packages=requirements_alone)
        assert shown.returncode == 0, shown.stderr
        assert word in shown.stdout


def test_the_first_implementations_spellings_are_taken(tmp_path: Path) -> None:
    dark_and_light(tmp_path / "photos")
    words = ["--data", "photos", "-a", "small-cnn", "--job_name", "spelled", "-p", "3", *SMALL]
    words += ["--learning-rate", "0.05", "--weight-decay", "0.001", "--start-epoch", "0"]
    words += ["--momentum", "0.8", "--seed", "1", "--lr_drop_epoch_step", "30"]
    words += ["--learn_class_parameters", "--learn_inst_parameters", "--skip_clamp_data_param"]
    words += ["--lr_class_param", "0.2", "--lr_inst_param", "0.3", "--wd_class_param", "0.01"]
    words += ["--wd_inst_param", "0.02", "--init_class_param", "1.1", "--init_inst_param", "0.9"]
    done = call("main_imagenet.py", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    config = RunFolder(tmp_path / "weights_CL/photos/spelled").description()["config"]
    expected = {"arch": "small-cnn", "print_freq": 3, "lr": 0.05, "wd": 0.001, "momentum": 0.8}
    expected |= {"seed": 1, "lr_class_param": 0.2, "lr_inst_param": 0.3, "wd_class_param": 0.01}
    expected |= {"wd_inst_param": 0.02, "init_class_param": 1.1, "init_inst_param": 0.9}
    expected |= {"skip_clamp_data_param": True, "batch_size": 8, "workers": 1}
    assert {name: config[name] for name in expected} == expected


def test_data_of_ones_own_are_filed_by_their_own_name_and_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in ("here", "there"):
        dark_and_light(tmp_path / place / "photos")
    shutil.rmtree(tmp_path / "there/photos/dark")
    dark_and_light(tmp_path / "more")
    (tmp_path / "more/dark").rename(tmp_path / "there/photos/night")
    words = ["-a", "small-cnn", *SMALL, "--restart"]
    done = call("main_imagenet.py", "--data", "here/photos", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = RunFolder(tmp_path / "weights_CL/photos/run")
    assert run.description()["dataset"] == "photos"
    assert [path.name for path in (tmp_path / "weights_CL").iterdir()] == ["photos"]

    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    refused = call("main_imagenet.py", "--data", "there/photos", *words, folder=tmp_path)
    assert refused.returncode == 4
    assert f"another data set of the same name ({tmp_path}/here/photos)" in refused.stderr
    assert "--exp-prefix" in refused.stderr
    assert "Traceback" not in refused.stderr
    monkeypatch.chdir(tmp_path)
    again = ["train", "--recipe", "imagenet", *words[:-1], "--data"]
    for flag in ([], ["--resume"]):
        assert main([*again, "there/photos", *flag]) == 4
        assert "another data set of the same name" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}

    # The same data set may be mended, and may be moved.
    (tmp_path / "here/photos/dark/00.png").unlink()
    assert main([*again, "here/photos", "--restart"]) == 0
    (tmp_path / "here").rename(tmp_path / "moved")
    assert main([*again, "moved/photos", "--restart"]) == 0


def test_the_run_to_draw_is_a_variable_or_a_flag(tmp_path: Path) -> None:
    config = TrainConfig(
        output_dir=str(tmp_path / "weights_CL"),
        epochs=4,
        rand_fraction=0.2,
        learn_inst_parameters=True,
        exp_prefix="first",
    )
    first = train(config)
    write_analysis(first, analyze(first))
    shutil.copytree(first.path, first.path.with_name("second"))
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout/src").symlink_to(ROOT / "src")
    shutil.copytree(ROOT / "auto_analysis", tmp_path / "checkout/auto_analysis")

    def drawn(*words: str) -> list[str]:
        for folder in (tmp_path / "weights_CL/digits").glob("*/figures"):
            shutil.rmtree(folder)
        done = call(script, *words, "--class", "3", "--no-pictures", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        found = (tmp_path / "weights_CL/digits").glob("*/figures/class_3_*")
        return sorted({path.parents[1].name for path in found})

    for name in ("easy_hard_and_need_review.py", "tsne_plots.py"):
        script = tmp_path / "checkout/auto_analysis" / name
        text = script.read_text()
        assert text.count('\nanalysis_dir = ""\n') == 1
        set_to = '\nanalysis_dir = "./weights_CL/digits/first"\n'
        script.write_text(text.replace('\nanalysis_dir = ""\n', set_to))
        assert drawn() == ["first"]
        assert drawn("--analysis_dir", "weights_CL/digits/second") == ["second"]
    script.write_text(text.replace('\nanalysis_dir = ""\n', '\nanalysis_dir = "nowhere"\n'))
    refused = call(script, folder=tmp_path)
    assert refused.returncode == 4
    assert "nowhere is not a run folder" in refused.stderr
    assert "Traceback" not in refused.stderr
