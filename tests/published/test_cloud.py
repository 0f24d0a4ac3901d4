"""The task file for rented machines says what this command line understands."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.cli import main
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from dataparams.training import TrainConfig

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
FILE = Path(__file__).parents[2] / "cloud" / "train_imagenet.yaml"
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
    given = dict(zip(launcher[3::2], launcher[4::2], strict=True))
    assert launcher[:3] == ["run", "--no-dev", "torchrun"]
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


def test_it_recovers_and_holds_no_secret(task: dict[str, Any]) -> None:
    assert task["secrets"] == {"HF_TOKEN": None}
    resources = task["resources"]
    assert "job_recovery" in resources
    assert any(place["infra"] == "runpod" for place in resources["any_of"])
    assert task["envs"]["HF_HOME"].startswith(tuple(task["volumes"]))
