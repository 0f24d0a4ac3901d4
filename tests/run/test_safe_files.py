"""A file is written whole or not at all."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING

import pytest

from dataparams.errors import RunError
from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failed_write_leaves_the_file_before_and_no_rest(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    write_whole(file, b"before")

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"cannot be written: File too large.*`resume=True`"):
            write_whole(file, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
