"""Pages whose commands are run and whose output is renewed.

A fence of ``sh`` in a page is run; the fence of ``text`` after it gets what that printed, of which
``first=N`` and ``last=N`` lines are shown. A command that serves the review is played by people.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FENCE = re.compile(r"```sh\n(?P<command>.*?)```\n+(?:```text(?P<lines>[^\n]*)\n.*?```)?", re.DOTALL)


def renew(page: Path, folder: Path, play: Callable[[list[str], Path], None]) -> None:
    """Run the commands of a page in a folder, and write what they print into the page."""
    text = page.read_text(encoding="utf-8")
    page.write_text(FENCE.sub(lambda fence: renewed(fence, folder, play), text), encoding="utf-8")


def renewed(fence: re.Match[str], folder: Path, play: Callable[[list[str], Path], None]) -> str:
    """A command's fence and what it prints now."""
    for command in fence["command"].splitlines():
        sys.stdout.write(f"$ {command}\n")
        sys.stdout.flush()
        words = shlex.split(command)
        if words[:2] == ["dataparams", "review"]:
            play(words, folder)
            return fence[0]
        output = printed(words, folder)
    if fence["lines"] is None:
        return fence[0]
    return (
        f"```sh\n{fence['command']}```\n\n```text{fence['lines']}\n"
        f"{shortened(output, fence['lines'])}\n```"
    )


def printed(words: list[str], folder: Path) -> str:
    """What a command prints where there is no terminal."""
    program = shutil.which(words[0], path=environment(folder)["PATH"])
    done = subprocess.run(
        [program or words[0], *words[1:]],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise SystemExit(f"It ended with {done.returncode}.")
    # Nobody else has the folder in which it is played.
    output = done.stdout.replace(f"{folder.resolve()}/", "").strip()
    return "\n".join(line.rstrip() for line in output.splitlines())


def environment(folder: Path) -> dict[str, str]:
    """This one, with the programs of this Python first and a cache of its own in the folder."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "DATAPARAMS_CACHE": str(folder / "cache")}


def shortened(output: str, wanted: str) -> str:
    """The first and the last lines, as a fence asks for."""
    numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", wanted)}
    if not numbers:
        return output
    lines = output.splitlines()
    first, last = numbers.get("first", 0), numbers.get("last", 0)
    if first + last >= len(lines):
        return output
    return "\n".join([*lines[:first], "...", *lines[len(lines) - last :]])
