"""A model of texts comes from the hub once, whole; every refusal says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.encoders.sentence_model import wanted_files
from dataparams.sources.hub.refusals import Place
from made_sentence_models import save_image_model, save_sentence_model
from opened_encoders import opened
from stand_in_hub import TOKEN, serving

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"kind": "text"}
READS = {**TEXT, "HF_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small model, and what beside it is not needed."""
    pytest.importorskip("sentence_transformers")
    folder = tmp_path_factory.mktemp("model")
    save_sentence_model(folder)
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    more = {"README.md": b"a model", "onnx/model.onnx": b"x", "pytorch_model.bin": b"pickled"}
    return found | more


CASES = [
    {**TEXT, "offline": "yes"},
    # First, while there is no connection yet that could be used again.
    {**READS, "circumstance": "no-name"},
    TEXT,
    {**TEXT, "HF_TOKEN": "hf_AccountWithoutAccess"},
    {**READS, "mode": "500"},
    {**READS, "circumstance": "small-disk"},
    {**READS, "mode": "cut"},
    # What has come already is no whole model.
    {**READS, "offline": "yes"},
    READS,
]
LATER = [{**READS, "mode": "500"}, {**TEXT, "offline": "yes"}]
WORDS = [
    (0, "`offline=True` forbids"),
    (1, "(DNS)"),
    (1, "`encoder=FOLDER`"),
    (2, "is gated, and there is no token"),
    (3, "terms are not accepted"),
    (4, "down or overloaded (500)"),
    (5, "of disk space"),
    (6, "the connection broke in the middle of the download"),
    (6, "are whole and stay in"),
    (7, "`offline=True` forbids"),
]
NO_MODELS = {
    "nothing": "has neither modules.json nor config.json",
    "pictures": "cannot be opened",
    "cut": "cannot be opened",
    "code": "never run",
}


def files_of_no_models(files: dict[str, bytes], folder: Path) -> dict[str, dict[str, bytes]]:
    """The files of what is no model of texts, by the names of ``NO_MODELS``."""
    save_image_model(folder)
    return {
        "nothing": {"model.safetensors": b"x" * 1000},
        "pictures": {path.name: path.read_bytes() for path in folder.iterdir()},
        "cut": {**files, "model.safetensors": files["model.safetensors"][:-9]},
        "code": {**files, "modules.json": json.dumps([{"type": "mine.Model"}]).encode()},
    }


def test_a_model_is_downloaded_once_and_every_refusal_says_what_to_do(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    # All in one program: the library takes many seconds to import.
    strange = [{**READS, "files": name} for name in NO_MODELS]
    with serving(files) as server:
        server.others = files_of_no_models(files, tmp_path / "pictures")
        told = opened(server, tmp_path / "home", CASES, LATER, strange)
    began = [*server.asked_before, len(server.asked)]
    at_last = began[len(CASES) + len(LATER) :]
    assert_came_once(told[0], told[1], files, server.downloads(0, at_last[0]))
    # What is here is not asked for.
    assert began[len(CASES) : len(CASES) + len(LATER) + 1] == [at_last[0]] * 3
    for place, (name, words) in enumerate(NO_MODELS.items()):
        refusal = told[2][place]
        assert words in refusal["message"], (name, refusal)
        assert "`encoder=" in refusal["message"]
        downloads = server.downloads(*at_last[place : place + 2])
        assert ("model.safetensors" in downloads) == (name != "nothing")


def assert_came_once(
    attempts: list[dict[str, Any]],
    later: list[dict[str, Any]],
    files: dict[str, bytes],
    downloads: list[str],
) -> None:
    *refusals, first = attempts
    told = [refusal["message"] for refusal in refusals]
    for place, words in WORDS:
        assert words in told[place], (place, told[place])
    assert all("data set" not in message and "datasets/" not in message for message in told)
    assert {refusal["kind"] for refusal in refusals} <= {"DataError", "NotOnHubError"}
    assert "downloading" in first["notices"][0]
    broken, offline = later
    assert offline == {**first, "notices": []}
    assert broken == offline
    assert set(downloads) == set(files) - {"README.md", "onnx/model.onnx", "pytorch_model.bin"}
    whole = [path for path in downloads if path != "model.safetensors"]
    assert len(whole) == len(set(whole))


@pytest.mark.parametrize("folder", ["", "0_StaticEmbedding/"])
def test_files_of_modules_come_too_and_weights_once(folder: str) -> None:
    place = Place("owner/name", "https://hub", "/home", kind="model", is_of_texts=True)
    listed = ["modules.json", "2_Dense/pytorch_model.bin", "2_Dense/config.json", "README.md"]
    listed += [f"{folder}model.safetensors", f"{folder}pytorch_model.bin", "openvino/model.bin"]
    wanted = set(wanted_files(listed, place))
    assert wanted == {*listed[:3], f"{folder}model.safetensors"}
