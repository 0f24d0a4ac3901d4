"""Open an encoder under one circumstance after the other; print what came of each.

The hub's libraries read addresses and folders when they are imported, so this is a program: its
standard input is a list of lists of cases, its output a list of lists of what was told. Each list
is tried by a process of its own, which is forked before anything was asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import timm
from huggingface_hub import constants

from dataparams.encoders.opening import open_encoder
from dataparams.errors import UserError
from stand_in_hub import COMMIT, REPOSITORY

NAME = "test_efficientnet.r160_in1k"


def no_name(*_: object, **__: object) -> None:
    import socket

    raise socket.gaierror(-2, "Name or service not known")


def circumstance(name: str) -> contextlib.AbstractContextManager[object]:
    small = SimpleNamespace(total=1, used=1, free=1000)
    circumstances: dict[str, contextlib.AbstractContextManager[object]] = {
        "small-disk": mock.patch.object(shutil, "disk_usage", return_value=small),
        "no-name": mock.patch("socket.getaddrinfo", no_name),
    }
    return circumstances.get(name, contextlib.nullcontext())


def attempt(case: dict[str, Any]) -> dict[str, object]:
    address = f"{os.environ['HF_ENDPOINT']}/mode/{case.get('mode', '')}"
    urllib.request.urlopen(address).read()  # noqa: S310
    if files := case.get("files"):
        urllib.request.urlopen(f"{os.environ['HF_ENDPOINT']}/files/{files}").read()  # noqa: S310
        shutil.rmtree(constants.HF_HUB_CACHE, ignore_errors=True)
    notices: list[str] = []
    try:
        with (
            mock.patch.dict(os.environ, {"HF_TOKEN": case.get("HF_TOKEN", "")}),
            circumstance(case.get("circumstance", "")),
        ):
            kind = case.get("kind", "image")
            encoder = open_encoder(
                NAME if kind == "image" else REPOSITORY,
                kind=kind,
                offline=bool(case.get("offline")),
                on_notice=notices.append,
            )
    except UserError as error:
        return {"kind": type(error).__name__, "message": str(error), "notices": notices}
    return {"key": encoder.key, "width": encoder.width, "notices": notices}


def attempts_of_a_process(cases: list[dict[str, Any]], told: Path) -> list[dict[str, object]]:
    child = os.fork()
    if child == 0:
        try:
            told.write_text(json.dumps([attempt(case) for case in cases]))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    attempts: list[dict[str, object]] = json.loads(told.read_text())
    return attempts


if __name__ == "__main__":
    # The library waits between its attempts.
    time.sleep = lambda _: None
    constants.HF_HUB_ETAG_TIMEOUT = 1
    constants.HF_HUB_DOWNLOAD_TIMEOUT = 1
    known = replace(timm.get_pretrained_cfg(NAME), hf_hub_id=f"{REPOSITORY}@{COMMIT}")
    file = Path(sys.argv[1])
    processes = json.load(sys.stdin)
    if any(case.get("kind") == "text" for cases in processes for case in cases):
        import sentence_transformers  # noqa: F401  (slow: once, before the first fork)
    with mock.patch.object(timm, "get_pretrained_cfg", return_value=known):
        told = [attempts_of_a_process(cases, file) for cases in processes]
    file.write_text(json.dumps(told))
