"""A file is written whole or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failed_write_leaves_the_file_before_and_no_rest(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    write_whole(file, b"before")

    def with_small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    script = (
        "import sys; from pathlib import Path; from dataparams.run.safe_files import write_whole\n"
        "from dataparams.errors import RunError\n"
        "try: write_whole(Path(sys.argv[1]), b'x' * 5000)\n"
        "except RunError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=with_small_files,
    )
    assert "cannot be written: File too large" in done.stdout
    assert "`resume=True`" in done.stdout
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]
