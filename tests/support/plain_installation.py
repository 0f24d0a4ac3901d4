"""An environment that has the wheel of this project, what it requires, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def built_wheel(folder: Path) -> Path:
    """The wheel of this project, built without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(wheel: Path, folder: Path, requirements: Iterable[str]) -> Path:
    """Install a wheel by pip into an environment that has its requirements, and theirs.

    Distributions of this environment are linked, so that it takes seconds; pip finds them there,
    asks no index, and fails where one that the wheel requires is missing.

    Returns:
        The environment's interpreter.
    """
    venv.create(folder, with_pip=True)
    python = next(path for path in folder.glob("*/python*") if path.stem == "python")
    places = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(
        subprocess.check_output([python, "-c", places], text=True, env=environment()).strip()
    )
    for name in sorted(_with_requirements(requirements)):
        _link(name, packages)
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    return python


def environment() -> dict[str, str]:
    """The variables of this process, without those that lead an interpreter to other packages."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _with_requirements(requirements: Iterable[str]) -> set[str]:
    """Names of the distributions that requirements need on this platform, whatever depth."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        wanted = Requirement(waiting.pop())
        extras = wanted.extras or {""}
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(wanted.name)
        if name in found:
            continue
        found.add(name)
        for words in distribution(name).requires or []:
            needed = Requirement(words)
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                needed.marker = None
                waiting.append(str(needed))
    return found


def _link(name: str, packages: Path) -> None:
    there = distribution(name)
    tops = {file.parts[0] for file in there.files or [] if file.parts[0] not in ("..", "/")}
    for top in tops:
        if top != "__pycache__" and not top.endswith(".pth") and not (packages / top).exists():
            (packages / top).symlink_to(Path(str(there.locate_file(top))))
