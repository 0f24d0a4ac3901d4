"""Worker processes that read and decode images, by PyTorch's ``DataLoader``."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

_Result = TypeVar("_Result")
_READING_ENDED = (
    "A process that reads images ended unexpectedly; memory, or shared memory (/dev/shm), may be "
    "too small. Give fewer `workers`, or a smaller `batch_size`."
)
_DEATH = re.compile(r"DataLoader worker \(pid.*\) (is killed by signal|exited unexpectedly)")
_MOST_FORKED = 32
PREFETCH = 2
"""Jobs that wait, or are being done, for each process."""


def default_workers() -> int:
    """One process per core, shared among the training processes on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def forked_workers() -> int:
    """One process per core, at most 32, where several can be forked; otherwise 0.

    A forked process has all that this one has. Others would run the user's script once more, and
    import PyTorch. More than 32 would wait for the one that receives what they make.
    """
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    count = min(default_workers(), _MOST_FORKED)
    return count if can_fork and count > 1 and not multiprocessing.current_process().daemon else 0


def reading_loader(
    dataset: Dataset[_Result],
    jobs: Iterable[Any],
    workers: int,
    *,
    start_method: str | None = None,
    is_persistent: bool = False,
) -> DataLoader[_Result]:
    """A loader whose worker processes do jobs; results come in the jobs' order.

    Args:
        dataset: Does a job when it is asked for it as for an item.
        jobs: What it is asked for; gone through anew by each iteration.
        workers: Number of processes; 0 does the jobs in this one.
        start_method: ``fork``, ``spawn`` or ``forkserver``; None takes the system's.
        is_persistent: Whether the processes stay for the next iteration.
    """
    with _any_number_of_processes():
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=jobs,
            num_workers=workers,
            collate_fn=_as_it_is,
            prefetch_factor=PREFETCH if workers else None,
            multiprocessing_context=start_method if workers else None,
            persistent_workers=is_persistent and workers > 0,
            worker_init_fn=_begin,
            # A loader draws a seed for its processes; the global random state is the training's.
            generator=torch.Generator(),
        )


def read_in_processes(
    dataset: Dataset[_Result], jobs: Iterable[Any], workers: int | None
) -> Iterator[_Result]:
    """Do jobs in several processes, few at a time, so that little memory is needed.

    Args:
        dataset: Does a job when it is asked for it as for an item.
        jobs: What it is asked for.
        workers: Number of processes; None for one per core, 0 for none.

    Yields:
        The results in the jobs' order.

    Raises:
        DataError: If a process ends unexpectedly.
    """
    workers = default_workers() if workers is None else workers
    yield from results_of(reading_loader(dataset, jobs, workers))


def results_of(
    loader: DataLoader[_Result], words: str = _READING_ENDED
) -> Generator[_Result, None, None]:
    """Iterate over a loader's results, with an explanation if a process has died.

    Args:
        loader: What ``reading_loader`` made.
        words: What is told then.

    Yields:
        The results in the jobs' order.

    Raises:
        DataError: If a process ended unexpectedly.
    """
    with _any_number_of_processes():
        results = iter(loader)
    while True:
        try:
            with deaths_told(words):
                result = next(results, _OVER)
        except BaseException:
            # The error holds the iterator, and would keep the processes alive.
            getattr(results, "_shutdown_workers", _nothing)()
            raise
        if isinstance(result, _Over):
            return
        yield result


@contextlib.contextmanager
def deaths_told(words: str) -> Iterator[None]:
    """Within, the death of a loader's process is told in some words.

    PyTorch raises it wherever the main thread is, also while that waits for something else.

    Args:
        words: What is told.

    Raises:
        DataError: If a process ended unexpectedly.

    Example:
        >>> with deaths_told("A process ended."):
        ...     raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")
        Traceback (most recent call last):
        dataparams.errors.DataError: A process ended. PyTorch says: DataLoader worker (pid 7) is ...
    """
    try:
        yield
    except RuntimeError as error:
        if not _DEATH.match(str(error)):
            raise
        said = str(error).partition("\n")[0]
        raise DataError(f"{words} PyTorch says: {said}") from error


@contextlib.contextmanager
def _any_number_of_processes() -> Iterator[None]:
    """Allow more processes than cores without PyTorch's warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        yield


class _Over:
    """Comes after the last result."""


_OVER = _Over()


def _nothing() -> None:
    """Do nothing."""


def _as_it_is(result: _Result) -> _Result:
    return result


def _begin(_: int) -> None:
    # A terminal sends Ctrl-C to all; the process that waits decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A damaged image is reported as such; Pillow's warning about it would say it twice.
    warnings.filterwarnings("ignore", module=r"PIL\b")
