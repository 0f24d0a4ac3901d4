"""Processes that are forked from one which has imported what they need.

An interpreter takes seconds to import PyTorch, a fork milliseconds. The parent of all, the fork
server of ``multiprocessing``, imports and does nothing else; each test process has one. A program
that is started here has a process of its own as if from a shell: folder, environment, limits,
output, exit code, signals. What an interpreter does before it runs a program, which of its packages
it finds among it, tests must see with an interpreter of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess

ROOT = Path(__file__).parents[2]
SUPPORT = Path(__file__).parent
COMMAND_LINE = "dataparams.cli"
SECONDS = 280
_OFFLINE = {"HF_HUB_OFFLINE": "1"}
_IMPORTED = [
    "accelerate",
    "dataparams.analysis.verdict_text",
    "dataparams.cli.train",
    "dataparams.figures",
    "dataparams.health.health_of_run",
    "dataparams.recording.recording",
    "dataparams.report",
    "dataparams.review.application",
    "dataparams.review.preparing",
    "dataparams.review.serving",
    "dataparams.training.audit",
    "openTSNE",
    "sklearn.datasets",
    "torch._dynamo",
    "torch.nn.parallel",
    "torch.utils.tensorboard",
]


def process_context() -> ForkServerContext | SpawnContext:
    """The context of ``multiprocessing`` by which tests start processes; it forks on Linux."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    # The hub's library reads it when it is imported.
    with mock.patch.dict(os.environ, _OFFLINE):
        forkserver.ensure_running()
    return context


def exit_codes(
    target: Callable[..., None], *processes: tuple[object, ...], **arguments: object
) -> list[int | None]:
    """Run a function in several processes at once, each with its own arguments; how they ended."""
    context = process_context()
    started = [context.Process(target=target, args=own, kwargs=arguments) for own in processes]
    for process in started:
        process.start()
    for process in started:
        process.join(SECONDS)
    return [process.exitcode for process in started]


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class Program:
    """A program that runs, and the files of its output and errors."""

    words: tuple[str, ...]
    process: BaseProcess
    output: Path
    errors: Path

    def lines(self) -> Iterator[str]:
        """The whole lines of its output as they come, until it ends."""
        with self.output.open(encoding="utf-8") as output:
            line = ""
            while True:
                has_ended = not self.process.is_alive()
                line += output.readline()
                if line.endswith("\n"):
                    yield line
                    line = ""
                elif has_ended:
                    return
                else:
                    time.sleep(0.01)

    def ended(self) -> subprocess.CompletedProcess[str]:
        """How it ended, once it has; the files are removed."""
        self.process.join(SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"{self.words} does not end")
        texts = [file.read_text(encoding="utf-8") for file in (self.output, self.errors)]
        shutil.rmtree(self.output.parent)
        return subprocess.CompletedProcess(self.words, self.process.exitcode, *texts)


def start_program(
    program: Path | str,
    *words: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
) -> Program:
    """Start a program in a folder.

    Args:
        program: A script, or the name of a module as after ``python -m``.
        words: The arguments.
        folder: The working directory.
        environment: Variables beside those of this process.
        limits: Soft limits by their number, such as ``resource.RLIMIT_FSIZE``.
    """
    outputs = Path(tempfile.mkdtemp(prefix="outputs"))
    files = (outputs / "output", outputs / "errors")
    for file in files:
        file.touch()
    arguments = tuple(map(str, words))
    variables = {**os.environ, **_OFFLINE, **(environment or {})}
    process = process_context().Process(
        target=_live, args=(program, arguments, folder, variables, limits or {}, files)
    )
    process.start()
    return Program((str(program), *arguments), process, *files)


def run_program(
    program: Path | str,
    *words: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; see :func:`start_program`."""
    return start_program(
        program, *words, folder=folder, environment=environment, limits=limits
    ).ended()


def _live(
    program: Path | str,
    words: tuple[str, ...],
    folder: Path,
    variables: dict[str, str],
    limits: Mapping[int, int],
    outputs: tuple[Path, Path],
) -> None:
    """The life of a process."""
    for number, file in enumerate(outputs, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for number, most in limits.items():
        import resource

        resource.setrlimit(number, (most, resource.getrlimit(number)[1]))
    sys.argv = [str(program), *words]
    if isinstance(program, Path):
        sys.path.insert(0, str(program.parent))
        runpy.run_path(str(program), run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
