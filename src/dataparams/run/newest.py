"""The run below a folder in which something was trained last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.errors import RunError
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def newest_run(folder: Path) -> RunFolder:
    """The run below a folder in which something was trained last.

    Raises:
        RunError: If there is none.
    """
    found = [path.parent for path in folder.rglob("run.json")]
    if not found:
        raise RunError(
            f"There is no run folder below {folder}. Train first, or give the run's folder."
        )
    return RunFolder(max(found, key=lambda path: (path / "run.json").stat().st_mtime_ns))
