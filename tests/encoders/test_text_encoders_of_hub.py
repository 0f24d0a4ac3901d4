"""A model of texts comes from the hub once, whole; every refusal says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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


def test_a_model_is_downloaded_once_and_every_refusal_says_what_to_do(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    cases = [
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
    later = [{**READS, "mode": "500"}, {**TEXT, "offline": "yes"}]
    with serving(files) as server:
        (*refusals, first), (broken, offline) = opened(server, tmp_path / "home", cases, later)
        downloads = server.downloads()
        before = [*server.asked_before, len(server.asked)]
    assert before[-3:] == [before[-1]] * 3  # what is here is not asked for
    told = [refusal["message"] for refusal in refusals]
    for place, words in (
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
    ):
        assert words in told[place], (place, told[place])
    assert all("data set" not in message and "datasets/" not in message for message in told)
    assert {refusal["kind"] for refusal in refusals} <= {"DataError", "NotOnHubError"}
    assert "downloading" in first["notices"][0]
    assert offline == {**first, "notices": []}
    assert broken == offline
    assert set(downloads) == set(files) - {"README.md", "onnx/model.onnx", "pytorch_model.bin"}
    whole = [path for path in downloads if path != "model.safetensors"]
    assert len(whole) == len(set(whole))


def test_what_is_no_model_of_texts_is_told_before_anything_large_comes(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    save_image_model(pictures)
    others = {
        "nothing": ({"model.safetensors": b"x" * 1000}, "has neither modules.json nor config.json"),
        "pictures": (
            {path.name: path.read_bytes() for path in pictures.iterdir()},
            "cannot be opened",
        ),
        "cut": (
            {**files, "model.safetensors": files["model.safetensors"][:-9]},
            "cannot be opened",
        ),
        "code": (
            {**files, "modules.json": json.dumps([{"type": "mine.Model"}]).encode()},
            "never run",
        ),
    }
    with serving({}) as server:
        server.others = {name: some for name, (some, _) in others.items()}
        cases = [{**READS, "files": name} for name in others]
        (all_told,) = opened(server, tmp_path / "home", cases)
    began = [*server.asked_before, len(server.asked)]
    for place, (name, (_, words)) in enumerate(others.items()):
        told = all_told[place]
        assert words in told["message"], (name, told)
        assert "`encoder=" in told["message"]
        downloads = server.downloads(*began[place : place + 2])
        assert ("model.safetensors" in downloads) == (name != "nothing")


@pytest.mark.parametrize("folder", ["", "0_StaticEmbedding/"])
def test_files_of_modules_come_too_and_weights_once(folder: str) -> None:
    place = Place("owner/name", "https://hub", "/home", kind="model", is_of_texts=True)
    listed = ["modules.json", "2_Dense/pytorch_model.bin", "2_Dense/config.json", "README.md"]
    listed += [f"{folder}model.safetensors", f"{folder}pytorch_model.bin", "openvino/model.bin"]
    wanted = set(wanted_files(listed, place))
    assert wanted == {*listed[:3], f"{folder}model.safetensors"}
