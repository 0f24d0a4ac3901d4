"""Progress: a bar in a terminal, plain lines where the output goes to a file or a pipe."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from dataparams.terminal.flags import say, with_flags
from dataparams.terminal.words import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID


_TAKES_LONG = 1_000_000_000
"""From this number of bytes on, plain lines show how far a download is."""
_QUIET = 30.0
"""Seconds before plain lines say how far a stage is."""


class ProgressDisplay(Protocol):
    """The display that training and loading report to."""

    def fetched(self, what: str, done: int, total: int) -> None:
        """Report bytes downloaded or prepared, of a total; called from any thread."""

    def decoded(self, done: int, total: int) -> None:
        """Report images decoded, of a total."""

    def step(self, done: int, total: int, figures: str) -> None:
        """Report samples of the whole training that are done, and the current figures."""

    def stage(self, what: str, done: int, total: int) -> None:
        """Report how much of a named stage, such as ``features``, is done."""

    def line(self, text: str) -> None:
        """Show a line that stays."""


class SilentProgress:
    """Shows nothing."""

    def fetched(self, what: str, done: int, total: int) -> None:
        """Show nothing."""

    def decoded(self, done: int, total: int) -> None:
        """Show nothing."""

    def step(self, done: int, total: int, figures: str) -> None:
        """Show nothing."""

    def stage(self, what: str, done: int, total: int) -> None:
        """Show nothing."""

    def line(self, text: str) -> None:
        """Show nothing."""


class PlainProgress(SilentProgress):
    """Lines only, flushed at once."""

    def __init__(self) -> None:
        self._tenths: dict[str, int] = {}
        self._begun: dict[str, float] = {}

    def fetched(self, what: str, done: int, total: int) -> None:
        """Print a line at the start, and at each tenth of a large download."""
        tenths = 10 * done // total if total > _TAKES_LONG else 0
        if tenths > self._tenths.get(what, -1):
            self._tenths[what] = tenths
            of = f"{size_text(done)} of " if tenths else ""
            self.line(f"{what} {of}{size_text(total)}")

    def stage(self, what: str, done: int, total: int) -> None:
        """Print a line at each tenth of what has taken long already."""
        began = self._begun.setdefault(what, time.monotonic())
        tenths = 10 * done // max(total, 1)
        if tenths > self._tenths.get(what, 0) and time.monotonic() - began > _QUIET:
            self._tenths[what] = tenths
            self.line(f"{what} {done:,} of {total:,}")

    def line(self, text: str) -> None:
        """Print the line."""
        say(text)


class BarProgress(SilentProgress):
    """A bar at the bottom of the terminal, lines above it."""

    def __init__(self, bars: Progress, title: str) -> None:
        self._bars = bars
        self._title = title
        self._fetching: dict[str, TaskID] = {}
        self._stages: dict[str, TaskID] = {}
        self._training: TaskID | None = None

    def fetched(self, what: str, done: int, total: int) -> None:
        """Move the bar of this download or preparation."""
        if what not in self._fetching:
            self._fetching[what] = self._bars.add_task(f"{what} {size_text(total)}", total=total)
        task = self._fetching[what]
        self._bars.update(task, completed=done, visible=done < total)

    def decoded(self, done: int, total: int) -> None:
        """Move the bar of the decoding."""
        self.stage("reading images", done, total)

    def stage(self, what: str, done: int, total: int) -> None:
        """Move the bar of this stage, which is removed at its end."""
        if what not in self._stages:
            self._stages[what] = self._bars.add_task(what, total=total)
        task = self._stages[what]
        self._bars.update(task, completed=done, total=total, visible=done < total)

    def step(self, done: int, total: int, figures: str) -> None:
        """Move the bar of the training."""
        if self._training is None:
            self._training = self._bars.add_task(self._title, total=total, completed=done)
        self._bars.update(self._training, completed=done, description=f"{self._title}  {figures}")

    def line(self, text: str) -> None:
        """Print the line above the bar."""
        self._bars.console.print(with_flags(text), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_display(title: str = "training") -> Iterator[ProgressDisplay]:
    """The display for standard output.

    Args:
        title: The text in front of the bar.

    Yields:
        A bar in a terminal, plain lines elsewhere.
    """
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        yield PlainProgress()
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield BarProgress(bars, title)
