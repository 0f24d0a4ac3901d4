"""A folder of pages that appears when it is whole, in place of the one before."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from dataparams.errors import RunError
from dataparams.report.pages import GENERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder beside the wanted one, which takes its place where nothing goes wrong.

    Raises:
        RunError: If something other than a report lies there, or it cannot be written.
    """
    target = folder.resolve()
    _require_report_or_nothing(target)
    mark = uuid4().hex
    temporary = target.with_name(f".{target.name}.{mark}.tmp")
    previous = target.with_name(f".{target.name}.{mark}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rename(previous)
        temporary.rename(target)
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {folder}: {error}. "
            "What lay there before is whole. Make room, or see to the folder's rights."
        ) from error
    finally:
        if previous.exists() and not target.exists():
            previous.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)


def _require_report_or_nothing(folder: Path) -> None:
    """Only a report, or an empty folder, is replaced.

    Raises:
        RunError: If something else lies there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    page = folder / "index.html"
    if not page.is_file() or GENERATOR.encode() not in page.read_bytes()[:2000]:
        raise RunError(
            f"{folder} exists and holds no report, so it is not replaced. Choose another folder."
        )
