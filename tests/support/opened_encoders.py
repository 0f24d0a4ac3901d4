"""Encoders of the hub that other processes open, from a server that stands for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stand_in_hub import StandInHub

PROGRAM = Path(__file__).parent / "opening_encoder_from_hub.py"


def opened(server: StandInHub, home: Path, *processes: list[dict[str, Any]]) -> Any:
    """What each process, one after the other, was told in its cases."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("HF_", "HUGGING"))}
    more = {"HF_ENDPOINT": server.address, "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
    told = home.parent / "told.json"
    done = subprocess.run(
        [sys.executable, PROGRAM, told],
        input=json.dumps(processes),
        capture_output=True,
        text=True,
        check=False,
        env=kept | more,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (done.stdout, done.stderr) == ("", "")
    return json.loads(told.read_text())
