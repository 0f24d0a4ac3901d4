"""ImageNet from the hub: a server that answers as the hub does, and the hub's own libraries."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataparams.errors import UserError
from dataparams.sources.hub.download import HubFile, download
from dataparams.sources.hub.refusals import seconds_to_wait
from dataparams.sources.hub.token import HubToken, find_token, read_token_file, token_file
from dataparams.terminal.progress import PlainProgress
from made_images import encoded
from stand_in_hub import COMMIT, REPOSITORY, TOKEN, StandInHub, serving

HERE = Path(__file__).parents[1] / "support"
READS = {"HF_TOKEN": TOKEN}
CLASSES = ["tench, Tinca tinca", "great white shark/white shark", 'a "quoted" \u00e9lan']
CHOSEN = ("data/train", "data/validation")
ROWS = {"train": 24, "validation": 9, "test": 6}
FILES = {"train": 2, "validation": 1, "test": 1}


@pytest.fixture(scope="module")
def imagenet() -> dict[str, bytes]:
    """The files of a data set that is laid out as ImageNet is, its test split without labels."""
    files = {}
    for split, count in FILES.items():
        for number in range(count):
            rows = range(number * ROWS[split] // count, (number + 1) * ROWS[split] // count)
            name = f"data/{split}-{number:05}-of-{count:05}.parquet"
            files[name] = parquet_of(split, rows, is_labeled=split != "test")
    files["README.md"] = card(files).encode()
    files[".gitattributes"] = b"*.parquet filter=lfs"
    return files


def parquet_of(split: str, rows: range, *, is_labeled: bool) -> bytes:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}
    )
    table = datasets.Dataset.from_dict(
        {
            "image": [{"bytes": noise(split, row), "path": None} for row in rows],
            "label": [row % 3 if is_labeled else -1 for row in rows],
        },
        features=features,
    )
    stream = io.BytesIO()
    table.to_parquet(stream)
    return stream.getvalue()


def noise(split: str, row: int) -> bytes:
    random = np.random.default_rng([len(split), row])
    return encoded(Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)))


def card(files: dict[str, bytes]) -> str:
    size = sum(map(len, files.values()))
    names = "".join(f"            '{i}': {json.dumps(name)}\n" for i, name in enumerate(CLASSES))
    splits = "".join(
        f"  - name: {split}\n    num_bytes: {size}\n    num_examples: {rows}\n"
        for split, rows in ROWS.items()
    )
    paths = "".join(f"  - split: {split}\n    path: data/{split}-*\n" for split in ROWS)
    return f"""---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
{names}  splits:
{splits}  download_size: {size}
  dataset_size: {3 * size}
configs:
- config_name: default
  data_files:
{paths}---
"""


@pytest.fixture
def hub(imagenet):
    with serving(imagenet) as server:
        yield server


def environment(server: StandInHub, home: Path, **more: str) -> dict[str, str]:
    """Of a process that knows no other hub, cache or token."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("HF_", "HUGGING"))}
    return kept | {
        "HF_ENDPOINT": server.address,
        "HF_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        **more,
    }


def open_in(server: StandInHub, home: Path, *cases: dict[str, str]) -> list[dict]:
    program = [sys.executable, str(HERE / "opening_from_hub.py"), str(home.parent / "told.json")]
    done = subprocess.run(
        program,
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        env=environment(server, home),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (done.stdout, done.stderr) == ("", "")
    return json.loads((home.parent / "told.json").read_text())


REFUSALS = [
    (
        {},
        [
            "it is gated, and there is no token",
            "{page}",
            "`hf_token_file=FILE`",
            "hf auth login",
        ],
    ),
    (
        {"HF_TOKEN": "hf_AccountWithoutAccess"},
        ["terms are not accepted", "HF_TOKEN", "{page}"],
    ),
    (
        {"HF_TOKEN": "hf_AccountThatWaits"},
        ["not approved yet", "{page}"],
    ),
    (
        {"HF_TOKEN": "hf_AccountThatWasRejected"},
        ["was rejected", "{page}"],
    ),
    ({"HF_TOKEN": "hf_FineGrained"}, ["fine-grained", "{hub}/settings/tokens"]),
    (
        {"HF_TOKEN": "hf_OfLastYear"},
        ["HF_TOKEN is invalid or has", "{hub}/settings/tokens"],
    ),
    ({"circumstance": "logged-in"}, ["token of the login (`hf auth login`) is invalid"]),
    ({"name": "owner/imagenot"}, ["none of that name, or it is private", "owner/imagenot"]),
    ({"name": "owner/imagenot", "HF_TOKEN": TOKEN}, ["none of that name", "(404)"]),
    ({"HF_TOKEN": TOKEN, "mode": "429"}, ["429", "in 120 s, after "]),
    ({"HF_TOKEN": TOKEN, "mode": "503"}, ["down or overloaded (503)", "status.huggingface.co"]),
    ({"HF_TOKEN": TOKEN, "mode": "hang"}, ["does not answer in time"]),
    ({"HF_TOKEN": TOKEN, "circumstance": "no-name"}, ["address is not found (DNS)"]),
    ({"HF_TOKEN": TOKEN, "circumstance": "intercepted"}, ["certificate", "SSL_CERT_FILE"]),
    ({"HF_TOKEN": TOKEN, "circumstance": "offline"}, ["HF_HUB_OFFLINE", "not in the cache"]),
    (
        {"HF_TOKEN": TOKEN, "circumstance": "small-disk"},
        ["kB to download", "1.0 kB are free"],
    ),
    ({"HF_TOKEN": TOKEN, "circumstance": "full-while-downloading"}, ["disk is full", "HF_HOME"]),
    (
        {"HF_TOKEN": TOKEN, "mode": "cut"},
        ["connection broke", "2 of 3 files", "goes on"],
    ),
    (
        {"HF_TOKEN": TOKEN, "mode": "cut-once", "circumstance": "full-while-preparing"},
        ["disk is full", "HF_HOME"],
    ),
]


def test_each_refusal_says_which_it_is_and_what_is_on_the_disk_needs_no_hub(hub, tmp_path):
    file = secret_file(tmp_path, f"{TOKEN}\n".encode())
    expired = {"HF_TOKEN": "hf_OfLastYear"}
    told = open_in(
        hub,
        tmp_path / "home",
        *(case for case, _ in REFUSALS),
        expired | {"file": str(file), "name": "ilsvrc/ImageNet-1K"},
        expired | {"mode": "500"},
        READS | {"circumstance": "loaded-by-another-program"},
        READS,
        READS | {"circumstance": "copy-damaged"},
        READS | {"circumstance": "download-damaged"},
    )
    words = {"hub": hub.address, "page": f"{hub.address}/datasets/{REPOSITORY}"}
    for (case, parts), refused in zip(REFUSALS, told[: len(REFUSALS)], strict=True):
        assert_refused(refused, case, [part.format_map(words) for part in parts])
    sizes = [len(data) for path, data in hub.files.items() if path.startswith(CHOSEN)]
    assert told[len(REFUSALS) - 1]["last"]["downloading"] == [sum(sizes)] * 2
    assert_opened(*told[len(REFUSALS) : -2])
    for damaged in told[-2:]:
        assert_refused(damaged, READS, ["is damaged", "Remove", str(tmp_path / "home")])
    # What was whole was not asked for again, and what was cut went on from its middle.
    before = hub.asked[: hub.asked_before[len(REFUSALS)]]
    assert [path for verb, path in before if verb == "GET" and "train-00000" in path] == [
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/data/train-00000-of-00002.parquet"
    ]
    assert any(int(wanted.strip("bytes=-")) > 1000 for wanted in hub.ranges)


def assert_refused(told: dict, case: dict[str, str], parts: list[str]) -> None:
    assert "message" in told, case
    for part in parts:
        assert part in told["message"], (case, told["message"])
    assert told["code"] == 3
    # Not in the message, nor in the tracebacks and what is visible from there.
    assert "hf_" not in json.dumps(told).replace("hf_token_file", ""), case
    assert told["causes"] == ["None", "None"]


def assert_opened(first: dict, again: dict, of_another_program: dict, anew: dict) -> None:
    assert first["rows"] == {"train": 24, "validation": 9}
    assert first["unused"] == {"test": 6}
    assert first["labels"] == {"train": [0, 1, 2] * 8, "validation": [0, 1, 2] * 3}
    assert first["names"] == CLASSES
    assert first["sizes"] == [[16, 16], [16, 16]]
    done, total = first["last"].pop("preparing")
    assert done == total > 0
    # It was downloaded when there was no room to prepare it.
    assert first["last"] == {}
    assert again == of_another_program == first
    assert anew["rows"] == first["rows"]


TRAIN = "train --dataset imagenet-1k --epochs 1 --image-size 16 --learn-inst-parameters"


def test_training_on_imagenet_downloads_once_and_the_token_is_nowhere(hub, tmp_path):
    file = secret_file(tmp_path, TOKEN.encode())
    file.chmod(0o644)
    folder = tmp_path / "weights_CL" / "imagenet-1k" / "run"
    flag = ["--hf-token-file", str(file)]
    words = [[*TRAIN.split(), "--log-with", "tensorboard", *flag], ["analyze", str(folder), *flag]]
    code = f"""
import sys, urllib.request
from dataparams.cli import main
for words in {words}:
    assert main(words) == 0
    urllib.request.urlopen({hub.address + "/mode/500"!r}).read()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(hub, tmp_path / "home"),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "downloading" in done.stdout
    # A line for each command, and nothing of the libraries.
    assert [line.rpartition(". ")[2] for line in done.stderr.splitlines()] == [
        f"Run: chmod 600 {file}"
    ] * 2
    # No test split, no telemetry, nothing for the second command.
    data = [path for path in hub.files if path.startswith(CHOSEN)]
    assert sorted(hub.downloads()) == ["README.md", *sorted(data)]
    assert {path.split("/")[1] for _, path in hub.asked} == {"api", "datasets"}
    assert not any("telemetry" in path for _, path in hub.asked)
    assert hub.asked_before == [len(hub.asked)] * 2
    description = json.loads((folder / "run.json").read_text())
    assert description["class_names"] == CLASSES
    assert description["dataset"] == "imagenet-1k"
    assert_nowhere(TOKEN, tmp_path, besides=file)
    assert_nowhere(file.name, tmp_path / "weights_CL")
    assert TOKEN not in done.stdout + done.stderr


def assert_nowhere(secret: str, folder: Path, besides: Path | None = None) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and path != besides]
    assert len(files) > 5
    assert not [path for path in files if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("is_labeled", [True, False])
def test_an_audit_opens_every_split_that_has_labels(imagenet, tmp_path, is_labeled):
    name = "data/test-00000-of-00001.parquet"
    files = imagenet | {name: parquet_of("test", range(ROWS["test"]), is_labeled=is_labeled)}
    code = """
import json, os, urllib.request
from dataparams.sources.opening import open_contents, open_source
def behave(mode):
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/mode/" + mode).read()
def told(source):
    left_out = [[each.reason, each.count] for each in source.left_out]
    return [list(source.split_names), len(source), left_out]
found = [told(open_source("imagenet-1k"))]
behave("500")
found.append(told(open_source("imagenet-1k", all_splits=True)))
behave("")
found.append(told(open_source("imagenet-1k", all_splits=True)))
behave("500")
found.append(told(open_source("imagenet-1k", all_splits=True)))
found.append(told(open_source("imagenet-1k")))
read = open_contents("imagenet-1k", all_splits=True)(["test/5"]).read([0])
print(json.dumps([found, str(read[0].size())]))
"""
    with serving(files) as server:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=environment(server, tmp_path / "home", **READS),
        )
        downloads = server.downloads()
    assert done.returncode == 0, done.stderr[-3000:]
    found, _ = json.loads(done.stdout)
    unused = [["row of the split 'test', beside 'train' and 'validation'", 6]]
    two = [["train", "validation"], 33, unused]
    three = [["train", "validation", "test"], 39, []]
    unlabeled = [["train", "validation"], 33, [["the split 'test', which has no labels", 6]]]
    every = three if is_labeled else unlabeled
    # A hub that does not answer leaves what was there; a split is fetched once.
    assert found == [two, two, every, every, two]
    assert sorted(downloads) == sorted({*downloads})
    assert name in downloads


def test_an_interrupted_download_ends_at_once_and_leaves_no_thread_at_work(monkeypatch):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    is_begun, begun, ended = threading.Event(), [], []

    def fetch(repository, path, *, tqdm_class, **_):
        bar = tqdm_class()
        begun.append(path)
        is_begun.set()
        try:
            for _turn in range(3000):
                time.sleep(0.01)
                bar.update(1)
        except InterruptedError:
            ended.append(path)
            raise

    def interrupt(*_):
        is_begun.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    files = [HubFile("owner/pets", "main", f"{number}.parquet", 9000) for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        download(files, None, interrupt)
    while len(ended) < len(begun):
        time.sleep(0.01)
    assert 1 <= len(ended) <= 8


# --- the token -----------------------------------------------------------------------------------


@pytest.fixture
def no_token(monkeypatch):
    pytest.importorskip("huggingface_hub")
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)


def test_the_token_is_of_the_file_or_the_environment_or_the_login(no_token, tmp_path, monkeypatch):
    assert find_token() is None
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_ofTheLogin")
    assert find_token().reveal() == "hf_ofTheLogin"
    monkeypatch.setenv("HF_TOKEN", " hf_ofTheEnvironment\n")
    assert find_token().reveal() == "hf_ofTheEnvironment"
    file = secret_file(tmp_path, b"hf_ofTheFile\r\n")
    with token_file(file), token_file(None):
        assert find_token().reveal() == "hf_ofTheFile"
    assert find_token().source.endswith("HF_TOKEN")


def secret_file(folder: Path, content: bytes) -> Path:
    file = folder / "token.txt"
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"correct horse battery", "is not a token"),
        (b"correct-horse-battery", "is not a token"),
        (b"hf_short", None),
        (b"hf_one\nhf_two", "is not a token"),
        (b"hf_\xff\xfe\x00abcdef", "is not a token"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n", "is not a token"),
        (b"hf_" + b"a" * 5000, "is not a token"),
    ],
)
def test_a_file_that_holds_no_token_is_refused_and_not_shown(no_token, tmp_path, content, message):
    file = secret_file(tmp_path, content)
    if message is None:
        assert read_token_file(file).reveal() == content.decode()
        return
    with pytest.raises(UserError, match=message) as caught:
        read_token_file(file)
    assert caught.value.exit_code == 2
    assert str(file) in str(caught.value)
    assert not any(word in str(caught.value) for word in ("horse", "BEGIN", "two", "aaaa"))


def test_a_token_file_that_is_not_there_or_not_a_file(no_token, tmp_path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(UserError, match="cannot be read"), token_file(path):
            pass


def test_a_token_of_the_environment_that_is_none_is_refused_and_not_shown(no_token, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "correct horse")
    with pytest.raises(UserError, match="environment variable HF_TOKEN is not a token") as caught:
        find_token()
    assert "horse" not in str(caught.value)


def test_others_may_not_read_the_file(no_token, tmp_path, caplog):
    file = secret_file(tmp_path, b"hf_ofTheFile")
    read_token_file(file)
    assert caplog.text == ""
    file.chmod(0o644)
    read_token_file(file)
    assert f"chmod 600 {file}" in caplog.text
    assert "hf_ofTheFile" not in caplog.text


def test_a_token_shows_in_no_text_and_no_pickle():
    token = HubToken("hf_secret", "the token of a test")
    assert "hf_secret" not in f"{token} {token!r} {[token]}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(token)


# --- what people see -----------------------------------------------------------------------------


def test_lines_of_a_download_are_few(capsys):
    display = PlainProgress()
    for done in range(0, 5000, 7):
        display.fetched("downloading", done * 10**7, 5000 * 10**7)
        display.fetched("preparing", done, 5000)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["downloading 50.0 GB", "preparing 5.0 kB"]
    assert len(lines) == 11
    assert lines[-1] == "downloading 45.0 GB of 50.0 GB"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"RateLimit": '"api"; r=0; t=55'}, 55),
    ],
)
def test_when_to_try_again(headers, seconds):
    assert seconds_to_wait(headers) == seconds
