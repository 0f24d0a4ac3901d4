"""Audits by the command in two processes; a program for test_audit_in_processes.py.

Its argument is a list of attempts, ``[words, options]``; it prints how the two processes of
each ended: exit code (minus a signal's number, if by one), what they wrote, and how many pictures
they encoded. Children are forked before any tensor work, so that each starts at once.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.datasets  # noqa: F401  (slow, as the next: once, before the first fork)

import dataparams.report.writing  # noqa: F401
from dataparams.cli import main
from dataparams.encoders import extraction, features
from dataparams.encoders.pixel_encoder import PixelEncoder
from dataparams.training import audited_features

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Encoder(PixelEncoder):
    """Counts what it encodes; is killed, or gives no numbers, where the options say so."""

    batch_size = 2
    encoded = 0
    options: dict[str, int]
    rank: int

    def encode(self, prepared: Any) -> NDArray[np.float16]:
        type(self).encoded += len(prepared)
        if self.encoded > 6 and self.options.get("killed") == self.rank:
            os.kill(os.getpid(), signal.SIGKILL)
        values = super().encode(prepared)
        return np.full_like(values, np.nan) if self.options.get("damaged") == self.rank else values


def _files(rank: int) -> list[Path]:
    return [Path(f"{rank}.{name}") for name in ("out", "error", "encoded")]


def _run(rank: int, port: int, words: list[str], options: dict[str, int]) -> None:
    """The life of a child."""
    out, error, encoded = _files(rank)
    for number, file in ((1, out), (2, error)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE="2")
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
    _Encoder.rank, _Encoder.options = rank, options
    code = main(words)
    encoded.write_text(str(_Encoder.encoded))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _attempt(words: list[str], options: dict[str, int]) -> list[list[object]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    children = []
    for rank in range(2):
        _files(rank)[2].write_text("")
        child = os.fork()
        if child == 0:
            try:
                _run(rank, port, words, options)
            finally:
                os._exit(1)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return [[code, *(file.read_text() for file in _files(n))] for n, code in enumerate(codes)]


if __name__ == "__main__":
    features._ROWS_OF_A_SHARE = 4
    extraction._SECONDS_OF_A_PIECE = 0.0
    audited_features._FIRST, audited_features._TIMED = 1, 2
    audited_features.PixelEncoder = _Encoder  # type: ignore[attr-defined]
    sys.stdout.write(json.dumps([_attempt(*attempt) for attempt in json.loads(sys.argv[1])]))
