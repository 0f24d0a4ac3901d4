"""How the commands are asked: their help, their data set, and what they learn by default."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dataparams.cli import COMMANDS, main
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from dataparams.training import TrainConfig

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "numpy", "polars", "pyarrow", "PIL", "matplotlib", "sklearn")
LOADED = f"""
import importlib, json, os, sys
from dataparams.cli.main import main

for words in json.loads(sys.argv[1]):
    sys.stdout.flush()
    if os.fork() == 0:
        code = None
        if words[0] == "import":
            importlib.import_module(words[1])
        else:
            try:
                code = main(words)
            except SystemExit as end:
                code = end.code
        print("loaded", *(name for name in {HEAVY!r} if name in sys.modules), "code", code)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""
"""Does one thing after the other, each in a fork of an interpreter that has done nothing else."""


def loaded_by(*several: list[str]) -> list[str]:
    """Which of the heavy packages each command, or import, loads; and its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(several)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if line.startswith("loaded ")]


def test_help_and_a_wrong_flag_are_answered_without_the_heavy_packages() -> None:
    helped = loaded_by(*([command, "--help"] for command in COMMANDS))
    assert helped == ["loaded code 0"] * len(COMMANDS)
    refused = loaded_by(*([command, "--no-such-flag"] for command in COMMANDS))
    assert refused == ["loaded code 2"] * len(COMMANDS)


def test_the_program_itself_answers_without_the_heavy_packages() -> None:
    codes = {"--help": 0, "--version": 0, "--recipe": 2, "no": 2}
    assert loaded_by(*([word] for word in codes)) == [f"loaded code {c}" for c in codes.values()]


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {command} " in text for command in COMMANDS)


def test_a_package_is_light_and_its_names_are_there_when_they_are_used() -> None:
    packages = ["dataparams", "dataparams.training", "dataparams.export"]
    light = loaded_by(*(["import", package] for package in packages))
    assert light == ["loaded code None"] * len(packages)
    for package in map(import_module, packages):
        assert [name for name in package.__all__ if not hasattr(package, name)] == []
        assert not hasattr(package, "no_such_name")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Gives the configuration that ``dataparams train``, or a script, begins with."""
    begun: list[TrainConfig] = []

    def train(config: TrainConfig, **_: object) -> RunFolder:
        begun.append(config)
        return RunFolder(tmp_path)

    def configuration(*words: str, script: str | None = None) -> TrainConfig:
        if script is None:
            assert main(["train", *words]) == 0
            return begun.pop()
        monkeypatch.setattr(sys, "argv", [script, *words])
        with pytest.raises(SystemExit, match="0"):
            runpy.run_path(str(ROOT / script), run_name="__main__")
        return begun.pop()

    monkeypatch.setattr("dataparams.training.engine.train", train)
    return configuration


@pytest.mark.parametrize("recipe", ["quick", "cifar", "imagenet", "finetune"])
def test_train_learns_instance_parameters_unless_told_not_to(asked, recipe) -> None:
    assert asked("--recipe", recipe).learn_inst_parameters
    assert not asked("--recipe", recipe, "--no-learn-inst-parameters").learn_inst_parameters


@pytest.mark.parametrize("script", ["main_cifar.py", "main_imagenet.py"])
def test_the_published_scripts_learn_what_they_are_asked_for(asked, script) -> None:
    plain = asked(script=script)
    assert plain.recipe == script.removeprefix("main_").removesuffix(".py")
    assert not plain.learn_inst_parameters
    assert not plain.learn_class_parameters
    assert asked("--learn_inst_parameters", script=script).learn_inst_parameters
    classes = asked("--learn_class_parameters", script=script)
    assert (classes.learn_inst_parameters, classes.learn_class_parameters) == (False, True)


def test_a_data_set_is_named_in_one_of_three_ways(asked, capsys) -> None:
    for words in (["a"], ["--dataset", "a"], ["--data", "a"]):
        assert asked(*words).location == "a"
    assert asked("a", "--epochs", "3").epochs == asked("--epochs", "3", "a").epochs == 3
    for words, complaint in (
        (["a", "--data", "b"], "PATH a and --data b are both given"),
        (["a", "--dataset=b"], "PATH a and --dataset b are both given"),
        (["--dataset", "digits", "--data", "b"], "--dataset digits and --data b are both given"),
        (["a", "--dataset", "b", "--data", "c"], "are all given"),
    ):
        assert main(["train", *words]) == 2
        assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--learn-inst-parameters", "--no-learn-inst-parameters"])
def test_train_says_what_comes_next(tmp_path, monkeypatch, capsys, flag) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", "--epochs", "1", flag]) == 0
    assert "\nNext: dataparams analyze weights_CL/digits/run\n" in capsys.readouterr().out
    run = tmp_path / "weights_CL" / "digits" / "run"
    config = json.loads((run / "run.json").read_text())["config"]
    assert config["learn_inst_parameters"] is (flag == "--learn-inst-parameters")
    assert "path" not in config


def test_rank_selects_none_where_how_many_labels_are_wrong_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "labels.npy", np.random.default_rng(0).integers(0, 10, 1797))
    flags = ["--epochs", "5", "--image-size", "8", "--output-dir", str(tmp_path)]
    assert main(["train", "digits", "--noise", f"file:{tmp_path / 'labels.npy'}", *flags]) == 0
    capsys.readouterr()
    assert main(["rank", str(tmp_path / "digits" / "run"), "--threshold", "auto"]) == 0
    told = capsys.readouterr().out
    assert "Estimated label noise: not known; none is selected." in told
    assert "precision)" not in told
