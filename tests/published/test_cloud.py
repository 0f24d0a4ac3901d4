"""The task file for rented machines says what this command line understands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.cli import main
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from dataparams.training import TrainConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
ROOT = Path(__file__).parents[2]
FILE = ROOT / "cloud" / "train_imagenet.yaml"
WITH_THE_COMMANDS = ["--no-dev", "--extra", "app"]
ON_THE_SECOND_OF_TWO_NODES = {
    "SKYPILOT_NUM_NODES": "2",
    "SKYPILOT_NODE_RANK": "1",
    "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2",
    "SKYPILOT_NUM_GPUS_PER_NODE": "8",
}


@pytest.fixture(scope="module")
def task() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def test_the_run_command_is_understood(
    task: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bash = f"uv() {{ printf '%s\\0' \"$@\"; }}\n{task['run']}"
    done = subprocess.run(
        ["bash", "-c", bash],
        capture_output=True,
        text=True,
        check=True,
        env=ON_THE_SECOND_OF_TWO_NODES,
    )
    words = done.stdout.split("\0")[:-1]
    program = words.index("main_imagenet.py")
    launcher, words = words[:program], ["train", "--recipe", "imagenet", *words[program + 1 :]]
    start = ["run", *WITH_THE_COMMANDS, "torchrun"]
    assert launcher[: len(start)] == start
    options = launcher[len(start) :]
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given.pop("--master-port").isdigit()
    assert given == {
        "--nnodes": "2",
        "--node-rank": "1",
        "--nproc-per-node": "8",
        "--master-addr": "10.0.0.1",
    }
    configs: list[TrainConfig] = []

    def train(config: TrainConfig, **_: object) -> RunFolder:
        configs.append(config)
        return RunFolder(tmp_path)

    monkeypatch.setattr("dataparams.training.engine.train", train)
    assert main(words) == 0
    (config,) = configs
    assert config.resume, "a start and a restart are the same command"
    assert config.checkpoint_minutes > 0
    assert config.learn_inst_parameters
    assert config.loader == "stream"
    assert config.output_dir.startswith(tuple(task["volumes"])), "it is to outlive the machine"


def test_what_the_commands_need_is_installed(task: dict[str, Any]) -> None:
    assert f"uv sync {' '.join(WITH_THE_COMMANDS)}" in task["setup"].splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert WITH_THE_COMMANDS[-1] in project["optional-dependencies"]


def test_it_recovers_and_holds_no_secret(task: dict[str, Any]) -> None:
    assert task["secrets"] == {"HF_TOKEN": None}
    resources = task["resources"]
    assert "job_recovery" in resources
    assert any(place["infra"] == "runpod" for place in resources["any_of"])
    assert task["envs"]["HF_HOME"].startswith(tuple(task["volumes"]))
