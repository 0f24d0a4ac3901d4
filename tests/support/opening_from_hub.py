"""Open a data set of the hub under one circumstance after the other; print what came of each.

The hub's libraries read addresses and folders when they are imported, so this is a program: its
standard input is a list of cases, its output a list of what was told.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import sys
import time
import traceback
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import datasets
from datasets.arrow_writer import ArrowWriter
from huggingface_hub import constants, file_download

from dataparams.errors import UserError
from dataparams.sources.hub import tables as hub
from dataparams.sources.hub.names import hub_repository
from dataparams.sources.hub.token import token_file

if TYPE_CHECKING:
    from collections.abc import Iterator


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def no_name(*_: object, **__: object) -> None:
    import socket

    raise socket.gaierror(-2, "Name or service not known")


def intercepted(*_: object, **__: object) -> None:
    import ssl

    raise ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")


@contextlib.contextmanager
def logged_in() -> Iterator[None]:
    login = Path(constants.HF_TOKEN_PATH)
    login.parent.mkdir(parents=True, exist_ok=True)
    login.write_text("hf_LoginOfLastYear")
    try:
        yield
    finally:
        login.unlink()


@contextlib.contextmanager
def loaded_by_another_program() -> Iterator[None]:
    """The library's own cache, and a hub that answers no more."""
    shutil.rmtree(datasets.config.HF_DATASETS_CACHE / "dataparams")
    with contextlib.redirect_stderr(io.StringIO()):
        datasets.load_dataset(hub_repository("imagenet-1k"), token=os.environ["HF_TOKEN"])
    behave("500")
    try:
        yield
    finally:
        shutil.rmtree(datasets.config.HF_DATASETS_CACHE)


@contextlib.contextmanager
def damaged(pattern: str) -> Iterator[None]:
    """Files below the cache that end in their middle."""
    files = [file.resolve() for file in Path(constants.HF_HOME).rglob(pattern)]
    assert files
    for file in files:
        os.truncate(file, file.stat().st_size // 2)
    try:
        yield
    finally:
        shutil.rmtree(datasets.config.HF_DATASETS_CACHE)


def circumstance(name: str) -> contextlib.AbstractContextManager[object]:
    small = SimpleNamespace(total=1, used=1, free=1000)
    circumstances: dict[str, contextlib.AbstractContextManager[object]] = {
        "small-disk": mock.patch.object(shutil, "disk_usage", return_value=small),
        "full-while-downloading": mock.patch.object(file_download, "http_get", full_disk),
        "full-while-preparing": mock.patch.object(ArrowWriter, "write_table", full_disk),
        "no-name": mock.patch("socket.getaddrinfo", no_name),
        "intercepted": mock.patch("socket.create_connection", intercepted),
        "offline": mock.patch.object(constants, "HF_HUB_OFFLINE", True),
        "logged-in": logged_in(),
        "loaded-by-another-program": loaded_by_another_program(),
        "copy-damaged": damaged("*-train.arrow"),
        "download-damaged": damaged("train-00000*.parquet"),
    }
    return circumstances.get(name, contextlib.nullcontext())


def behave(mode: str) -> None:
    address = f"{os.environ['HF_ENDPOINT']}/mode/{mode}"
    urllib.request.urlopen(address).read()  # noqa: S310


def told(error: BaseException) -> dict[str, object]:
    # This program's own frame knows the token that it is given.
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    chain = traceback.TracebackException.from_exception(error, capture_locals=True)
    return {
        "kind": type(error).__name__,
        "code": getattr(error, "exit_code", None),
        "message": str(error),
        "chain": "".join(chain.format()),
        "causes": [repr(error.__cause__), repr(error.__context__)],
    }


def last(fetched: list[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    return {what: (done, total) for what, done, total in fetched}


def attempt(case: dict[str, str]) -> dict[str, object]:
    behave(case.get("mode", ""))
    fetched: list[tuple[str, int, int]] = []
    try:
        with (
            mock.patch.dict(os.environ, {"HF_TOKEN": case.get("HF_TOKEN", "")}),
            token_file(case.get("file")),
            circumstance(case.get("circumstance", "")),
        ):
            tables, unused, *_ = hub.open_hub_splits(
                case.get("name", "imagenet-1k"), on_fetch=lambda *done: fetched.append(done)
            )
    except UserError as error:
        return told(error) | {"last": last(fetched)}
    return {
        "unused": unused,
        "rows": {split: len(table) for split, table in tables.items()},
        "labels": {split: list(table["label"]) for split, table in tables.items()},
        "names": next(iter(tables.values())).features["label"].names,
        "sizes": [table[0]["image"].size for table in tables.values()],
        "last": last(fetched),
    }


if __name__ == "__main__":
    # The library waits between its attempts, and asks for large pieces.
    time.sleep = lambda _: None
    constants.DOWNLOAD_CHUNK_SIZE = 1000
    hub._SECONDS_TO_ANSWER = 0.5  # type: ignore[assignment]
    cases = json.load(sys.stdin)
    Path(sys.argv[1]).write_text(json.dumps([attempt(case) for case in cases]))
