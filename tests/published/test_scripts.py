"""The scripts by which the method is known, run as its users run them: from a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dataparams.analysis import analyze, write_analysis
from dataparams.cli import main
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from forked_processes import ROOT, run_program
from made_folders import dark_and_light

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset

SMALL = ("--epochs", "1", "-j", "1", "-b", "8", "--image_size", "16", "--loader", "memory")


def call_alone(
    script: str, *words: str, folder: Path, packages: Path
) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, by an interpreter of its own that has only some packages."""
    return subprocess.run(
        [sys.executable, "-S", ROOT / script, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(packages)},
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
    words += ["--learn_inst_parameters"]
    done = call_alone("main_cifar.py", *words, folder=tmp_path, packages=requirements_alone)
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
        shown = call_alone(script, "--help", folder=tmp_path, packages=requirements_alone)
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
    done = run_program(ROOT / "main_imagenet.py", *words, folder=tmp_path)
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
    script = ROOT / "main_imagenet.py"
    done = run_program(script, "--data", "here/photos", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = RunFolder(tmp_path / "weights_CL/photos/run")
    assert run.description()["dataset"] == "photos"
    assert [path.name for path in (tmp_path / "weights_CL").iterdir()] == ["photos"]

    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    refused = run_program(
        ROOT / "main_imagenet.py", "--data", "there/photos", *words, folder=tmp_path
    )
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


@pytest.fixture(scope="module")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory, few_digits: ImageDataset) -> Path:
    """A folder with two runs below ``weights_CL``, the second the newest."""
    folder = tmp_path_factory.mktemp("drawn")
    config = TrainConfig(
        output_dir=str(folder / "weights_CL"),
        epochs=2,
        rand_fraction=0.2,
        learn_inst_parameters=True,
        exp_prefix="first",
    )
    first = train(config, dataset=few_digits)
    write_analysis(first, analyze(first, use_model=False))
    second = RunFolder(first.path.with_name("second"))
    shutil.copytree(first.path, second.path)
    second.update_description(dataset="digits")
    return folder


@pytest.mark.parametrize(
    ("name", "drawings"),
    [
        (
            "easy_hard_and_need_review.py",
            {"class_3_3_easy_hard_need_review.png", "instance_trajectories.png"},
        ),
        ("tsne_plots.py", {"class_3_3_tsne.png"}),
    ],
)
def test_the_run_to_draw_is_the_newest_or_a_variable_or_a_flag(
    tmp_path: Path, drawn_folder: Path, name: str, drawings: set[str]
) -> None:
    (tmp_path / "src").symlink_to(ROOT / "src")
    script = tmp_path / "auto_analysis" / name
    script.parent.mkdir()
    text = (ROOT / "auto_analysis" / name).read_text()
    runs = drawn_folder / "weights_CL" / "digits"

    def write(variable: str) -> None:
        assert text.count('\nanalysis_dir = ""\n') == 1
        script.write_text(text.replace('_dir = ""\n', f'_dir = "{variable}"\n'))

    def drawn(*words: str) -> set[str]:
        words = (*words, "--class", "3", "--no-pictures")
        done = run_program(script, *words, folder=drawn_folder)
        assert done.returncode == 0, done.stderr
        files = list(runs.glob("*/figures/*"))
        found = {str(file.relative_to(runs)) for file in files}
        for file in files:
            file.unlink()
        return found

    first, second = ({f"{run}/figures/{one}" for one in drawings} for run in ("first", "second"))
    write("")
    assert drawn() == second
    write("./weights_CL/digits/first")
    assert drawn() == first
    assert drawn("--analysis_dir", "weights_CL/digits/second") == second
    write("nowhere")
    refused = run_program(script, folder=drawn_folder)
    assert refused.returncode == 4
    assert "nowhere is not a run folder" in refused.stderr
    assert "Traceback" not in refused.stderr
